# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that are still there when their grace period is over."""

from __future__ import annotations

import datetime
import types

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.clock import server_utc
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.order import groups
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    fails,
    named,
    nothing_changed,
    procedure,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import EPOCH, FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    make_budget,
    make_node,
    make_pod,
)

# The grace period of pods in the fake cluster.
GRACE = 30


def stuck_cluster(*more):
    return FakeCluster([make_pod("stuck", finalizers=["x.io/wait"]), *more])


@pytest.mark.parametrize("after", [1, 120])
def test_when_all_that_is_left_is_stuck_the_drain_ends(after):
    cluster = stuck_cluster(make_pod("web-1"))
    message, data = fails(cluster, means=Means(stuck_after=after))
    assert message.startswith(
        f"node w1 is not drained, what is left of it is stuck (stuck_after={after}): 1 of 2 pods are still there:"
        " shop/stuck: terminating, "
    )
    assert "kept by its finalizers x.io/wait" in message
    assert GRACE + after < data["durations"]["total"] < GRACE + after + 7
    assert data["blocked"] == []


def test_with_0_it_waits_for_the_time_to_be_over():
    message, data = fails(stuck_cluster(), means=Means(stuck_after=0))
    assert message.startswith("node w1 is not drained within 600 s")
    assert data["durations"]["total"] >= 600


def blocked_until_200():
    """A pod that is stuck early, and one whose budget allows nothing at first."""
    cluster = stuck_cluster(make_pod("web-1"), make_pod("sick", node="w2", ready=False))
    cluster.pods["shop", "stuck"]["metadata"]["labels"] = {}
    cluster.budgets["shop", "web"] = make_budget("web", minAvailable=1)

    def recover():
        if cluster.clock.now() > 200:
            cluster.pods["shop", "sick"]["status"]["conditions"][0]["status"] = "True"

    cluster.on_advance = [recover]
    return cluster


def test_a_stuck_pod_does_not_end_what_others_wait_for():
    _message, data = fails(blocked_until_200(), means=Means(stuck_after=10))
    assert named(data["evicted"]) == {"web-1"}
    assert 200 < data["durations"]["total"] < 300


def test_stuck_and_refused_together_are_the_end():
    cluster = stuck_cluster(make_pod("web-1"))
    denied = KubeError("403", status=403, message="no")
    cluster.faults = [lambda method, path: denied if method == "POST" and "web-1" in path else None]
    _message, data = fails(cluster, means=Means(stuck_after=10))
    assert named(data["remaining"]) == {"stuck", "web-1"}
    assert data["durations"]["total"] < 60


def test_a_stuck_pod_that_goes_after_all_is_gone():
    cluster = blocked_until_200()

    def free():
        if cluster.clock.now() > 80:
            cluster.pods.pop(("shop", "stuck"), None)

    cluster.on_advance.append(free)
    assert named(run(cluster, means=Means(stuck_after=10))["evicted"]) == {"stuck", "web-1"}


def silent_cluster(*more, status="Unknown"):
    cluster = FakeCluster([make_pod("web-1"), *more])
    cluster.kubelet_is_dead = True
    cluster.node["status"]["conditions"][0]["status"] = status
    return cluster


def test_pods_of_a_silent_node_can_be_left():
    cluster = silent_cluster()
    work = procedure(cluster, means=Means(leave_unreachable=True))
    result = work.run("drain")
    assert result["evicted"] == result["remaining"] == []
    assert result["kept"][0]["reason"].endswith("the kubelet of its node is silent since 2026-11-20T09:00:00Z")
    assert result["result"] == "node w1 marked unschedulable. 0 Pod(s) evicted from node, 1 stay."
    assert result["changed"]
    assert result["actions"] == ["cordon node w1", "evict shop/web-1"]
    assert GRACE < result["durations"]["total"] < GRACE + 6
    assert "shop/web-1" in work.report.warnings[0]
    assert "kubectl taint nodes w1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute" in work.report.warnings[0]
    assert ("shop", "web-1") in cluster.pods
    assert cluster.count("DELETE") == 0
    cluster.requests.clear()
    again = run(cluster, means=Means(leave_unreachable=True))
    assert not again["changed"]
    assert named(again["kept"]) == {"web-1"}
    assert again["durations"]["total"] < 2
    assert nothing_changed(cluster)


@pytest.mark.parametrize(("status", "leave"), [("Unknown", False), ("True", True)])
def test_otherwise_they_are_waited_for(status, leave):
    _message, data = fails(silent_cluster(status=status), means=Means(leave_unreachable=leave, stuck_after=20))
    assert named(data["remaining"]) == {"web-1"}


def test_a_node_that_cannot_be_asked_about_is_asked_again():
    cluster = silent_cluster()
    failed = []

    def fault(method, path):
        if method == "GET" and path.endswith("/w1") and cluster.clock.now() > 20 and len(failed) < 3:
            failed.append(path)
            return KubeError("reset")
        return None

    cluster.faults = [fault]
    assert named(run(cluster, means=Means(leave_unreachable=True))["kept"]) == {"web-1"}
    assert len(failed) == 3


def test_a_silent_node_that_is_deleted_meanwhile_is_empty_when_its_pods_are_collected():
    cluster = silent_cluster()
    pod = cluster.pods["shop", "web-1"]

    def happens():
        if cluster.clock.now() > 20:
            cluster.nodes.pop("w1", None)
        if cluster.clock.now() > 60:
            cluster.remove(pod)

    cluster.on_advance = [happens]
    assert named(run(cluster, means=Means(leave_unreachable=True))["evicted"]) == {"web-1"}


def test_a_silent_node_does_not_hold_its_groups():
    cluster = silent_cluster(make_pod("db-1", labels={"app": "db"}))
    order = groups([{"selector": "app=db", "hold": 1000}])
    result = run(cluster, means=Means(leave_unreachable=True, order=order))
    assert named(result["kept"]) == {"web-1", "db-1"}
    assert result["durations"]["total"] < 2 * GRACE + 10


def test_only_the_silent_node_is_left():
    cluster = silent_cluster(make_pod("web-2", node="w2", finalizers=["x.io/wait"]))
    cluster.nodes["w2"] = make_node("w2")
    cluster.nodes["w2"]["metadata"]["resourceVersion"] = "1"
    _message, data = fails(cluster, nodes=("w1", "w2"), means=Means(leave_unreachable=True, stuck_after=20))
    assert named(data["kept"]) == {"web-1"}
    assert named(data["remaining"]) == {"web-2"}
    assert [bool(node["failure"]) for node in data["nodes"]] == [False, True]


@pytest.mark.parametrize(
    ("heard", "seconds"),
    [
        ([("10:00:00", 10.0)], 90.0),
        # A second server whose clock is behind, or ahead; either may have answered first.
        ([("10:00:00", 10.0), ("09:59:40", 20.0)], 60.0),
        ([("10:00:00", 10.0), ("10:05:10", 20.0)], 90.0),
        ([("10:05:00", 10.0), ("10:00:10", 20.0)], 90.0),
        ([("10:00:00", 10.0), ("no time", 20.0)], 90.0),
    ],
)
def test_the_time_is_that_of_the_server_and_of_several_the_earliest(heard, seconds):
    kube = types.SimpleNamespace(heard=("", 0.0))
    utc = server_utc(kube, lambda: 100.0)
    assert utc().year >= 2026
    for said, when in heard:
        # However late it is looked at.
        kube.heard = (f"Fri, 20 Nov 2026 {said} GMT", when)
        utc()
    assert utc() == EPOCH + datetime.timedelta(seconds=seconds)


@pytest.mark.parametrize("status", ["Unknown", "True"])
def test_stuck_pods_can_be_deleted_by_force(status):
    cluster = silent_cluster(status=status)
    work = procedure(cluster, means=Means(stuck_after=20, force_delete_stuck=True))
    result = work.run("drain")
    assert result["evicted"][0]["reason"].startswith("deleted (by force, because it was stuck), gone after 5")
    assert cluster.count("DELETE") == 1
    assert cluster.count("POST") == 1
    (warning,) = work.report.warnings
    assert "shop/web-1" in warning
    assert ("out-of-service" in warning) == ("may still run" in warning) == (status == "Unknown")


def test_what_a_finalizer_holds_is_forced_once_and_stays():
    cluster = stuck_cluster()
    message, data = fails(cluster, means=Means(stuck_after=10, force_delete_stuck=True))
    assert "kept by its finalizers x.io/wait" in message
    assert cluster.count("DELETE") == 1
    assert named(data["remaining"]) == {"stuck"}
    assert data["durations"]["total"] < 60
