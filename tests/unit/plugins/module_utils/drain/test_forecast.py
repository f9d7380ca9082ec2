# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drain's forecast says of time, of unready pods, and of room elsewhere."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import budgets, pods, unready
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.duration import predict
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.elsewhere import vacancies
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.elsewhere.vacancies import Vacancies
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards, Look
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.forecast import forecast
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import procedure, run
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import EPOCH, FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    make_budget,
    make_node,
    make_pod,
)

# Time


def stops(name, grace=None, **more):
    made = make_pod(name, **more)
    if grace is not None:
        made["spec"]["terminationGracePeriodSeconds"] = grace
    return made


def leaving(name, after):
    end = EPOCH.replace(second=after)
    return make_pod(name, deletionTimestamp=end.strftime("%Y-%m-%dT%H:%M:%SZ"))


def budget(allowed, current=5, desired=1, name="web"):
    made = make_budget(name, selector={"matchLabels": {"app": "web"}})
    status = {"currentHealthy": current, "desiredHealthy": desired, "expectedPods": 5, "disruptionsAllowed": allowed}
    made["status"] = {**status, "observedGeneration": 1}
    return made


def predicted(found, known=(), override=None):
    return predict(forecast(found, Look(Guards(), EPOCH), known), override, EPOCH)


FOUR = [stops(f"web-{n}", 10 * n) for n in range(1, 5)]


@pytest.mark.parametrize(
    ("found", "known", "override", "seconds", "why"),
    [
        ([], [], None, 0, ""),
        ([stops("a")], [], None, 30, "at most 30 s."),
        ([stops("a", 0)], [], None, 0, "at most 0 s."),
        ([stops("a", 5), stops("b", 90)], [], None, 90, "at most 90 s."),
        ([stops("a", 5), stops("b", 90)], [], 0, 0, "at most 0 s."),
        ([stops("a", 5)], [], 60, 60, "at most 60 s."),
        ([stops("done", 3600, phase="Succeeded")], [], None, 0, "at most 0 s."),
        ([leaving("a", 20), leaving("b", 0)], [], None, 20, "at most 20 s."),
        ([stops("a", 10), leaving("b", 20)], [], None, 20, "at most 20 s."),
        (FOUR, [budget(4)], None, 40, "at most 40 s."),
        (FOUR, [budget(1)], None, 160, "at most 160 s: 4 turns of 40 s under budget shop/web, and whatever new pods"),
        (FOUR, [budget(3)], None, 80, ": 2 turns of 40 s"),
        (FOUR, [budget(1)], 1, 4, ": 4 turns of 1 s"),
        # What is under no budget may take longer than all turns.
        ([*FOUR, stops("slow", 900, labels={})], [budget(1)], None, 900, "at most 900 s."),
        (FOUR, [budget(0, current=1)], None, None, "not known while budget shop/web allows no eviction"),
    ],
)
def test_how_long_it_takes(found, known, override, seconds, why):
    prediction = predicted(found, known, override)
    assert prediction.seconds == seconds
    assert why in prediction.sentence


# Pods that are not ready


def ill(name="sick", **status):
    made = make_pod(name, ready=False)
    made["status"].update(status)
    return made


def container(name="main", ready=False, **state):
    return {"name": name, "ready": ready, "state": state}


UNSCHEDULABLE = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "Unschedulable",
    "message": "0/3 nodes are available: 3 Insufficient cpu.",
}
BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}


@pytest.mark.parametrize(
    ("pod", "cause"),
    [
        (ill(conditions=[UNSCHEDULABLE]), "has no node: 0/3 nodes are available: 3 Insufficient cpu."),
        (ill(conditions=[{**UNSCHEDULABLE, "message": ""}]), "has no node: Unschedulable"),
        (
            ill(containerStatuses=[container(ready=True, running={}), container("app", waiting=BACK_OFF)]),
            "CrashLoopBackOff, container app: back-off 5m0s restarting failed container",
        ),
        (
            ill(
                initContainerStatuses=[
                    container("done", terminated={"exitCode": 0, "reason": "Completed"}),
                    container("migrate", terminated={"exitCode": 1, "reason": "Error"}),
                ],
                containerStatuses=[container(waiting={"reason": "PodInitializing"})],
            ),
            "Error, container migrate",
        ),
        (ill(containerStatuses=[container(running={})]), "runs, container main is not ready"),
        (ill(), "is not ready"),
        (leaving("old", 20), "is terminating"),
    ],
)
def test_why_a_pod_is_not_ready(pod, cause):
    assert unready.cause(pod) == cause


def test_some_unready_pods_are_named_and_the_others_counted():
    found = [ill(f"sick-{n}") for n in range(5)] + [make_pod("well"), make_pod("done", phase="Failed", ready=False)]
    assert unready.causes(found[:1]) == "sick-0 is not ready"
    assert unready.causes(found) == "sick-0 is not ready; sick-1 is not ready; sick-2 is not ready; and 2 more"
    assert unready.causes(found[5:]) == ""


@pytest.mark.parametrize(
    ("selector", "query"),
    [
        ({}, ""),
        ({"matchLabels": {"app": "web", "tier": "a"}}, "app=web,tier=a"),
        (
            {
                "matchExpressions": [
                    {"key": "a", "operator": "In", "values": ["x", "y"]},
                    {"key": "b", "operator": "NotIn", "values": ["z"]},
                    {"key": "c", "operator": "Exists"},
                    {"key": "d", "operator": "DoesNotExist"},
                ]
            },
            "a in (x,y),b notin (z),c,!d",
        ),
    ],
)
def test_selectors_as_the_api_takes_them(selector, query):
    assert budgets.query(selector) == query


def test_a_budget_that_waits_names_its_unready_pods():
    found = [make_pod("web-1"), ill("sick", conditions=[UNSCHEDULABLE]), make_pod("sick-2", node="w2", ready=False)]
    found[1]["spec"]["nodeName"] = "w2"
    cluster = FakeCluster(found, [make_budget("web", minAvailable=2)])
    reason = run(cluster, check_mode=True)["budgets"][0]["reason"]
    assert reason.endswith(
        "2 needed): sick has no node: 0/3 nodes are available: 3 Insufficient cpu.; sick-2 is not ready"
    )
    cluster.faults.append(lambda _method, path: "namespaces/shop/pods" in path and KubeError("no", status=403))
    assert run(cluster, check_mode=True)["budgets"][0]["reason"].endswith("2 needed)")


def test_only_a_budget_that_waits_asks_for_its_pods():
    cluster = FakeCluster([make_pod("web-1"), make_pod("web-2")], [make_budget("web", minAvailable=1)])
    assert run(cluster, check_mode=True)["budgets"][0]["verdict"] == "slow"
    assert cluster.count("LIST", "/namespaces/shop/pods") == 0


# Room


def test_the_forecast_tells_of_pods_without_room():
    small = make_node("w2", allocatable={"pods": "1"})
    cluster = FakeCluster([make_pod("web-1"), make_pod("web-2")])
    cluster.others = [small]
    reason = "0 of 1 other node: 1 runs as many pods as it may"
    foretold = run(cluster, check_mode=True)
    assert foretold["no_room"] == [{"node": "w1", "namespace": "shop", "name": "web-2", "reason": reason}]
    sentence = f"1 Pod(s) would be Pending for lack of room elsewhere, shop/web-2: {reason}."
    assert sentence in foretold["result"]
    drain = procedure(cluster)
    result = drain.run("drain")
    assert result["no_room"] == foretold["no_room"]
    assert drain.report.warnings == [sentence.replace("would be", "are")]
    # Nothing is left that could need room.
    cluster.requests.clear()
    assert run(cluster)["no_room"] == []
    assert cluster.requests == [("GET", "/api/v1/nodes/w1"), ("LIST", "/api/v1/pods")]


def many(number, **more):
    return [make_node(f"n{n:03}", allocatable={"pods": "1"}, **more) for n in range(number)]


def looked_at(cluster):
    return cluster.count("LIST", "/api/v1/pods")


def vacancies_of(cluster):
    warnings = []
    return Vacancies(cluster, {"w1"}, warnings.append), warnings


def test_the_search_ends_with_the_first_nodes_that_are_enough():
    cluster = FakeCluster()
    cluster.others = many(200)
    found, _warnings = vacancies_of(cluster)
    assert found.missing([make_pod(f"web-{n}") for n in range(3)]) == []
    assert looked_at(cluster) == 3


def test_the_search_in_a_full_cluster_is_bounded():
    size = vacancies.LOOKS + 50
    cluster = FakeCluster([make_pod(f"there-{n}", node=f"n{n:03}") for n in range(size)])
    cluster.others = many(size)
    found, _warnings = vacancies_of(cluster)
    missing = found.missing([make_pod("web")])
    assert [reason for _pod, reason in missing] == [
        "0 of 200 other nodes: 200 run as many pods as they may; 50 more were not looked at"
    ]
    assert looked_at(cluster) == vacancies.LOOKS


def test_pods_that_need_no_room_are_no_question():
    cluster = FakeCluster()
    found, _warnings = vacancies_of(cluster)
    assert found.missing([make_pod("bare", ownerReferences=[])]) == []
    assert cluster.requests == []


def with_claim(name, claim):
    made = make_pod(name)
    made["spec"]["volumes"] = [
        {"name": "config", "configMap": {}},
        {"name": "data", "persistentVolumeClaim": {"claimName": claim}},
    ]
    return made


def volume(node):
    rule = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}}}}


CLAIM = "/api/v1/namespaces/shop/persistentvolumeclaims/db-0"
VOLUME = "/api/v1/persistentvolumes/pv-1"
BOUND = {CLAIM: {"spec": {"volumeName": "pv-1"}}}


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ({**BOUND, VOLUME: volume("w1")}, "its volume db-0 is bound to this node: it returns with the node"),
        ({**BOUND, VOLUME: volume("w2")}, None),
        ({**BOUND, VOLUME: {"spec": {"nfs": {}}}}, None),
        ({CLAIM: {"spec": {}}}, None),
        ({}, None),
        (BOUND, None),
    ],
)
def test_volumes(objects, reason):
    cluster = FakeCluster()
    cluster.objects = objects
    found, warnings = vacancies_of(cluster)
    assert [why for _pod, why in found.missing([with_claim("db-0", "db-0")])] == ([reason] if reason else [])
    assert warnings == []


@pytest.mark.parametrize(
    ("path", "warning"),
    [
        ("/api/v1/nodes", "whether pods find room on other nodes is not known: "),
        (VOLUME, "whether volumes are bound to their nodes is not known: "),
        (CLAIM, "whether volumes are bound to their nodes is not known: "),
    ],
)
def test_what_may_not_be_read_is_one_warning(path, warning):
    cluster = FakeCluster([with_claim("db-0", "db-0"), with_claim("db-1", "db-0")])
    cluster.objects = {**BOUND, VOLUME: volume("w1")}
    forbidden = KubeError("GET of it: 403 forbidden", status=403)
    cluster.faults.append(lambda _method, asked: asked == path and forbidden)
    drain = procedure(cluster)
    result = drain.run("drain")
    assert drain.report.warnings == [f"{warning}GET of it: 403 forbidden"]
    assert (len(result["evicted"]), result["no_room"]) == (2, [])


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": [{"resources": {"requests": {"memory": "1e999999999"}}}]},
        {"containers": [{"resources": {"requests": {"memory": "1e9999"}}}]},
        {"containers": [{"resources": {"requests": {"memory": None}}}]},
        {"containers": [{"resources": []}]},
        {"tolerations": ["all"]},
        {"nodeSelector": ["x"]},
        {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [1]}}}},
        {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}},
        {"volumes": [{"persistentVolumeClaim": {}}]},
    ],
)
def test_what_no_validation_has_seen_is_a_warning_and_no_failure(spec):
    cluster = FakeCluster([make_pod("web")])
    cluster.pods["shop", "web"]["spec"].update(spec)
    cluster.others = [make_node("w2", allocatable={"memory": "1Gi", "pods": "10"}), {"metadata": {"name": "w3"}}]
    drain = procedure(cluster)
    assert [pod["name"] for pod in drain.run("drain")["evicted"]] == ["web"]
    assert [warning.partition(": ")[0] for warning in drain.report.warnings] == [
        "whether pods find room on other nodes is not known"
    ]


def test_a_quantity_of_the_future_is_no_failure():
    pod = make_pod("web")
    pod["spec"]["containers"] = [{"resources": {"requests": {"cpu": "1Zi"}}}]
    found, warnings = vacancies_of(FakeCluster())
    assert found.missing([pod]) == []
    assert "no quantity" in warnings[0]


@pytest.mark.parametrize(("timeout", "told"), [(299, True), (300, False)])
def test_a_timeout_that_is_too_short_is_told_beforehand(timeout, told):
    result = run(FakeCluster([stops("a", 300)]), means=Means(timeout=timeout), check_mode=True)
    assert (f"at most 300 s. That is more than wait_timeout={timeout}," in result["result"]) is told


def test_a_grace_period_for_all_counts():
    assert run(FakeCluster([stops("a", 300)]), means=Means(grace_period=5), check_mode=True)["predicted_seconds"] == 5


def test_nodes_are_kept_without_their_images():
    node = make_node("w2", labels={"disk": "ssd"}, allocatable={"pods": "1"})
    kept = vacancies._gist({**node, "status": {**node["status"], "images": ["large"]}})
    assert kept["status"] == node["status"]
    assert pods.ready(kept)
