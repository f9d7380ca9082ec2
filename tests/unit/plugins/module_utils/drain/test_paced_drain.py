# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Budgets that pace a drain."""

from __future__ import annotations

from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    cordoned,
    fails,
    named,
    procedure,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    daemon_pod,
    make_budget,
    make_pod,
)
from hypothesis import given
from hypothesis import strategies as st


def test_evictions_follow_what_the_budget_allows():
    pods = [make_pod(f"web-{i}") for i in range(10)]
    cluster = FakeCluster(pods, [make_budget("web", maxUnavailable=1)])
    cluster.stops_after = {f"web-{i}": 0.5 for i in range(10)}
    cluster.starts_after = 0.5
    result = run(cluster)
    assert cluster.least_healthy["web"] == 9
    assert cluster.refusals == 0
    assert result["durations"]["total"] <= 10 * 0.5 * 1.2
    assert result["budgets"][0]["verdict"] == "slow"


def test_a_blocked_budget_is_waited_for():
    pods = [make_pod("web-1"), make_pod("sick", node="w2", ready=False)]
    cluster = FakeCluster(pods, [make_budget("web", minAvailable=1)])

    def recover():
        if cluster.clock.now() > 20:
            pods[1]["status"]["conditions"][0]["status"] = "True"

    cluster.on_advance = [recover]
    result = run(cluster)
    assert named(result["evicted"]) == {"web-1"}
    assert result["blocked"] == []
    assert 20 < result["durations"]["total"] < 24
    assert cluster.refusals <= 3


def test_time_runs_out_under_a_blocked_budget():
    pods = [make_pod("web-1"), make_pod("sick", node="w2", ready=False), make_pod("free", labels={})]
    cluster = FakeCluster(pods, [make_budget("web", minAvailable=1)])
    message, data = fails(cluster, means=Means(timeout=60))
    assert message == (
        "node w1 is not drained within 60 s: 1 of 2 pods are still there: shop/web-1: budget shop/web (deployment/web)"
        " allows no eviction now, because 1 of its pods is not healthy (1 of 2 pods healthy, 1 needed): sick is not"
        " ready; bring them back, or set its unhealthyPodEvictionPolicy to AlwaysAllow so that unready pods may go."
        " Node w1 stays cordoned, in work of me: run it again to go on, or uncordon it."
    )
    assert named(data["evicted"]) == {"free"}
    assert named(data["remaining"]) == named(data["blocked"]) == {"web-1"}
    assert data["budgets"][0]["verdict"] == "blocked"
    assert data["changed"]
    assert data["cordoned_by_us"]
    assert 60 <= data["durations"]["total"] < 61


def test_a_budget_that_nobody_keeps_up_to_date_is_tried_now_and_then():
    cluster = FakeCluster([make_pod("web-1")], [make_budget("web", minAvailable=0)])
    cluster.frozen = {"web"}
    cluster.budgets["shop", "web"]["status"].update(currentHealthy=0, expectedPods=1, disruptionsAllowed=0)
    message, _data = fails(cluster, means=Means(timeout=300))
    assert "none of its pods is healthy" in message
    assert 3 <= cluster.refusals <= 8


def test_unready_pods_go_where_the_budget_lets_them():
    for policy in ({"unhealthyPodEvictionPolicy": "AlwaysAllow"}, {}):
        pods = [make_pod("sick", ready=False), make_pod("well", node="w2")]
        cluster = FakeCluster(pods, [make_budget("web", minAvailable=1, **policy)])
        assert run(cluster)["budgets"][0]["verdict"] == "free"
        assert cluster.refusals == 0


def test_budgets_that_may_not_be_listed_are_found_out_by_trying():
    pods = [make_pod("web-1"), make_pod("web-2")]
    cluster = FakeCluster(pods, [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 2.0
    denied = KubeError("LIST: 403", status=403, message="forbidden to list")
    cluster.faults = [lambda _method, path: denied if "poddisruptionbudgets" in path else None]
    work = procedure(cluster)
    assert named(work.run("drain")["evicted"]) == {"web-1", "web-2"}
    assert cluster.least_healthy["web"] == 1
    assert cluster.refusals > 0
    assert work.report.warnings == [
        "poddisruptionbudgets may not be listed, so what they allow is found out only by trying: forbidden to list"
    ]


def test_daemonsets_that_may_not_be_listed():
    cluster = FakeCluster([make_pod("web-1"), daemon_pod("p", "gone")])
    denied = KubeError("LIST: 403", status=403, message="forbidden to list")
    cluster.faults = [lambda _method, path: denied if "daemonsets" in path else None]
    work = procedure(cluster)
    assert named(work.run("drain")["kept"]) == {"p"}
    assert len(work.report.warnings) == 1


@st.composite
def clusters(draw):
    count = draw(st.integers(1, 12))
    elsewhere = draw(st.integers(0, 3))
    groups = st.sampled_from(["web", "db", "free"])
    pods = [make_pod(f"pod-{i}", labels={"app": draw(groups)}) for i in range(count)]
    pods += [make_pod(f"other-{i}", node="w2", labels={"app": draw(groups)}) for i in range(elsewhere)]
    budgets = [
        make_budget(name, selector={"matchLabels": {"app": name}}, **{draw(st.sampled_from(["maxUnavailable"])): n})
        for name, n in (("web", draw(st.integers(1, 3))), ("db", draw(st.sampled_from(["30%", "100%", 1]))))
    ]
    cluster = FakeCluster(pods, budgets)
    cluster.starts_after = draw(st.sampled_from([0.0, 0.3, 2.0]))
    cluster.stops_after = {f"pod-{i}": draw(st.sampled_from([0.0, 0.2, 3.0])) for i in range(count)}
    return cluster


@given(clusters(), st.lists(st.sampled_from(["GET", "LIST", "PATCH", "POST"]), max_size=6), st.integers(5, 9))
def test_every_budget_is_respected_and_every_pod_gone(cluster, failing, every):
    floors = {}
    for (_namespace, name), budget in cluster.budgets.items():
        floors[name] = min(budget["status"]["desiredHealthy"], budget["status"]["currentHealthy"])
    mine = {name for (_namespace, name), pod in cluster.pods.items() if pod["spec"]["nodeName"] == "w1"}
    asked = iter(range(10**6))
    left = list(failing)

    def fault(method, _path):
        # Not the first three, which are the forecast's: there a failure ends the call before any change.
        if next(asked) > 3 and left and left[0] == method and next(asked) % every == 0:
            left.pop(0)
            return KubeError("reset")
        return None

    cluster.faults = [fault]
    result = run(cluster)
    assert named(result["evicted"]) == mine
    assert not [pod for pod in cluster.pods.values() if pod["spec"]["nodeName"] == "w1"]
    assert all(cluster.least_healthy[name] >= floor for name, floor in floors.items())
    assert cordoned(cluster)
