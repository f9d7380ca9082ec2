# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that are deleted because the API never evicts them, or not now."""

from __future__ import annotations

import datetime

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import budgets
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.pacing import Pace, Target
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.replies import ADMITTED, Reply
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.way import Ways, choose
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    fails,
    named,
    nothing_changed,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import EPOCH, FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_budget, make_pod


def budget(name, allowed=1, current=3, desired=2, version="1", **spec):
    made = make_budget(name, **spec)
    made["metadata"]["resourceVersion"] = version
    numbers = {"currentHealthy": current, "desiredHealthy": desired, "expectedPods": 3, "disruptionsAllowed": allowed}
    made["status"] = {**numbers, "observedGeneration": 1}
    return made


ONE, TWO = "shop/one", "shop/two"
BOTH = [budget("one"), budget("two")]


def healthy(count):
    return [make_pod(f"there-{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("pod", "over", "ways", "verb", "asks"),
    [
        ({}, [], Ways(), "evict", ()),
        ({}, BOTH[:1], Ways(), "evict", (ONE,)),
        ({}, BOTH[:1], Ways(always_delete=True), "delete", ()),
        ({}, BOTH, Ways(), "evict", (ONE, TWO)),
        ({}, BOTH[:1], Ways(if_all_allow=True), "evict", (ONE,)),
        ({}, BOTH, Ways(if_all_allow=True), "delete", (ONE, TWO)),
        # The API does not look for budgets.
        ({"phase": "Pending"}, BOTH, Ways(if_all_allow=True), "evict", ()),
        ({"phase": "Failed"}, BOTH, Ways(if_all_allow=True), "evict", ()),
        # It does, though neither or one of them only has a say.
        ({"ready": False}, BOTH, Ways(if_all_allow=True), "delete", ()),
        ({"ready": False}, [budget("one", current=1), budget("two")], Ways(if_all_allow=True), "delete", (ONE,)),
    ],
)
def test_whether_a_pod_is_evicted_or_deleted(pod, over, ways, verb, asks):
    way = choose(make_pod("web-1", **pod), over, ways, EPOCH)
    assert (way.verb, way.asks) == (verb, asks)


# Several budgets

ALL_ALLOW = Ways(if_all_allow=True)


def several(*allowed):
    return Pace(
        [budget(name, desired=3 - number) for name, number in zip(("one", "two"), allowed, strict=True)], 0.0, ALL_ALLOW
    )


def under_both(count):
    return [Target(make_pod(f"web-{number}"), (ONE, TWO)) for number in range(count)]


@pytest.mark.parametrize(("allowed", "chosen"), [((0, 0), 0), ((1, 0), 0), ((0, 3), 0), ((1, 1), 1), ((2, 3), 2)])
def test_each_budget_has_to_allow_it_and_is_never_tried_against_its_word(allowed, chosen):
    for now in (0.0, 1000.0):
        pace, targets = several(*allowed), under_both(4)
        assert pace.to_count(targets, now) == {"shop"}
        assert pace.turn(targets, now) == []
        pace.count("shop", healthy(3), now)
        assert len(pace.turn(targets, now)) == chosen


def test_what_is_deleted_is_spent_in_each_budget():
    pace, targets = several(2, 3), under_both(2)
    pace.count("shop", healthy(3), 0.0)
    (first, _second) = targets
    other = Target(make_pod("other"), (ONE,))
    assert pace.turn([first, other, targets[1]], 0.0) == [first, other]


def test_what_a_budget_says_is_not_taken_for_true():
    pace, (first, second) = several(1, 1), under_both(2)
    pace.count("shop", healthy(3), 0.0)
    assert pace.turn([first, second], 0.0) == [first]
    pace.answered(first, Reply(ADMITTED), 0.0)
    pace.learn([budget("one", version="2"), budget("two", version="2")], 1.0)
    assert pace.turn([first, second], 1.0) == []
    pace.count("shop", healthy(2), 1.0)
    assert pace.turn([first, second], 1.0) == []
    pace.count("shop", healthy(3), 2.0)
    assert pace.turn([first, second], 2.0) == [second]


@pytest.mark.parametrize(
    ("status", "found", "allows"),
    [
        ({}, healthy(3), 1),
        ({}, healthy(2), 0),
        ({"disruptionsAllowed": 0}, healthy(3), 1),
        ({}, [*healthy(2), make_pod("sick", ready=False)], 0),
        ({}, [*healthy(2), make_pod("going", deletionTimestamp="2026-11-20T10:00:00Z")], 0),
        ({}, [*healthy(2), make_pod("done", phase="Failed")], 0),
        ({}, [*healthy(2), make_pod("of-another", labels={})], 0),
        ({}, [*healthy(2), make_pod("web-9", namespace="other")], 0),
        ({"disruptedPods": {"there-0": "2026-11-20T10:00:00Z"}}, healthy(3), 0),
        # Scaled up, and the budget has not heard of it.
        ({}, healthy(5), 0),
        ({"conditions": [{"type": "DisruptionAllowed", "reason": "SyncFailed"}]}, healthy(3), 0),
    ],
)
def test_a_budget_is_counted_anew(status, found, allows):
    old = budget("one")
    old["status"].update(status)
    assert budgets.allowed(budgets.counted(old, found)) == allows


def test_one_that_is_told_nothing_by_the_controller_is_kept_all_the_same():
    cluster = pods_under_two(maxUnavailable=2)
    cluster.starts_after = 3.0
    cluster.frozen = {"one", "two"}
    result = run(cluster, means=Means(delete_if_all_allow=True))
    assert len(result["evicted"]) == 4
    assert cluster.least_healthy == {"one": 3, "two": 3}


def pods_under_two(**two):
    pods = [make_pod(f"web-{number}") for number in range(4)]
    return FakeCluster(pods, [make_budget("one", maxUnavailable=1), make_budget("two", **two)])


def test_pods_under_several_budgets_go_when_all_allow_it():
    cluster = pods_under_two(maxUnavailable=2)
    cluster.starts_after = 3.0
    foretold = run(cluster, means=Means(delete_if_all_allow=True), check_mode=True)
    assert foretold["evicted"][0]["reason"] == (
        "would be deleted (under shop/one and shop/two, with the leave of each), budget shop/one is slow,"
        " budget shop/two is slow"
    )
    assert [(found["verdict"], found["pods"]) for found in foretold["budgets"]] == [("slow", 4), ("slow", 4)]
    result = run(cluster, means=Means(delete_if_all_allow=True))
    assert len(result["evicted"]) == 4
    assert result["evicted"][0]["reason"].startswith("deleted (under shop/one and shop/two, with the leave of each)")
    assert "delete shop/web-0" in result["actions"]
    assert cluster.least_healthy == {"one": 3, "two": 3}
    assert cluster.count("DELETE") == 4
    assert cluster.count("POST") == 0


def test_a_budget_of_several_that_can_never_allow_it_refuses():
    cluster = pods_under_two(maxUnavailable=0)
    message, data = fails(cluster, means=Means(delete_if_all_allow=True))
    assert "budget shop/two (deployment/web) can never allow an eviction" in message
    assert len(named(data["blocked"])) == 4
    assert nothing_changed(cluster)


def test_a_budget_of_several_that_allows_nothing_holds_its_pods():
    cluster = FakeCluster(
        [make_pod("web-1"), make_pod("sick", node="w2", ready=False)],
        [make_budget("one", maxUnavailable=2), make_budget("two", minAvailable=1)],
    )
    message, _data = fails(cluster, means=Means(delete_if_all_allow=True, timeout=60))
    assert "budget shop/two (deployment/web) allows no eviction now" in message
    assert cluster.count("DELETE") == 0


# Unready pods

ILL = Ways(unhealthy_after=300)
SHUT = budget("one", allowed=0, current=1)


def sick(name="sick", seconds=400, **more):
    made = make_pod(name, ready=False, resourceVersion="7", **more)
    since = EPOCH - datetime.timedelta(seconds=seconds)
    made["status"]["conditions"][0]["lastTransitionTime"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return made


def without_conditions(pod, created):
    pod["metadata"]["creationTimestamp"] = created
    pod["status"]["conditions"] = []
    return pod


@pytest.mark.parametrize(
    ("pod", "over", "ways", "deleted"),
    [
        (sick(), [SHUT], ILL, True),
        (sick(), [SHUT], Ways(), False),
        (sick(seconds=299), [SHUT], ILL, False),
        (sick(seconds=300), [SHUT], ILL, True),
        (make_pod("well"), [SHUT], ILL, False),
        (make_pod("of-unknown-age", ready=False), [SHUT], ILL, False),
        (without_conditions(sick(), "2026-11-20T09:00:00Z"), [SHUT], ILL, True),
        (without_conditions(sick(), "2026-11-20T09:59:00Z"), [SHUT], ILL, False),
        # No budget, or none that holds it.
        (sick(), [], ILL, False),
        (sick(), [budget("one", allowed=0, current=2)], ILL, False),
        (sick(), [budget("one", allowed=0, current=1, unhealthyPodEvictionPolicy="AlwaysAllow")], ILL, False),
        (sick(), [budget("one", allowed=1, current=1, desired=0)], ILL, False),
        # It is held, because nobody has judged the budget anew.
        (sick(), [{**SHUT, "metadata": {**SHUT["metadata"], "generation": 2}}], ILL, False),
        (sick(phase="Pending"), [SHUT], ILL, False),
        # Several budgets are another matter.
        (sick(), [SHUT, budget("two")], ILL, False),
        (sick(), [SHUT, budget("two")], Ways(if_all_allow=True, unhealthy_after=300), True),
    ],
)
def test_which_unready_pods_are_deleted(pod, over, ways, deleted):
    way = choose(pod, over, ways, EPOCH)
    assert way.as_seen == deleted
    assert not deleted or (way.verb, way.asks) == ("delete", ())


def sick_cluster(**spec):
    return FakeCluster([sick("sick-1"), sick("sick-2")], [make_budget("web", **(spec or {"minAvailable": 1}))])


@pytest.mark.parametrize("spec", [{"minAvailable": 1}, {"maxUnavailable": 0}])
def test_unready_pods_can_be_deleted_past_their_budget(spec):
    means = Means(delete_unhealthy_after=300)
    cluster = sick_cluster(**spec)
    foretold = run(cluster, means=means, check_mode=True)
    assert foretold["evicted"][0]["reason"].startswith("would be deleted (not ready for 400 s, past budget shop/web)")
    assert [(found["verdict"], found["pods"]) for found in foretold["budgets"]] == [("free", 0)]
    assert foretold["budgets"][0]["reason"].endswith("; 2 unready pods are deleted past it")
    assert foretold["blocked"] == []
    result = run(cluster, means=means)
    assert result["evicted"][0]["reason"].startswith("deleted (not ready for 4")
    assert cluster.count("DELETE") == 2
    assert cluster.count("POST") == 0
    sent = [body["preconditions"] for body in cluster.bodies if body and "preconditions" in body]
    assert {one["resourceVersion"] for one in sent} == {"7"}


def test_they_are_when_they_were_not_ready_for_long_enough():
    cluster = FakeCluster([sick(seconds=200)], [make_budget("web", minAvailable=1)])
    cluster.frozen = {"web"}
    cluster.budgets["shop", "web"]["status"].update(expectedPods=2)
    result = run(cluster, means=Means(delete_unhealthy_after=300))
    assert "deleted (not ready for 3" in result["evicted"][0]["reason"]
    assert 100 <= result["durations"]["total"] < 110


def test_one_that_became_ready_just_before_is_not():
    cluster = sick_cluster()

    def recover():
        for name in ("sick-1", "sick-2"):
            pod = cluster.pods["shop", name]
            pod["metadata"]["resourceVersion"] = "8"
            pod["status"]["conditions"][0]["status"] = "True"

    def fault(method, _path):
        if method == "DELETE":
            recover()

    cluster.faults = [fault]
    result = run(cluster, means=Means(delete_unhealthy_after=300))
    assert {entry["reason"].split(",")[0] for entry in result["evicted"]} == {"evicted"}
