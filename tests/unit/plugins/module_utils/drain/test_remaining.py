# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stays on the node, what comes to it, and what becomes of the cordon then."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import ownership
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
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
    make_node,
    make_pod,
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timeout": 10}, "terminating, 20 s of its grace period of 30 s are left"),
        (
            {"timeout": 60, "finalizers": ["x.io/wait"]},
            "terminating, 30 s past its grace period: kept by its finalizers x",
        ),
        ({"timeout": 60}, "terminating, 30 s past its grace period: a container that does not stop"),
        (
            {"timeout": 60, "silent": True},
            "terminating, 30 s past its grace period: the kubelet of its node is silent since 2026-11-20T09:00:00Z",
        ),
    ],
)
def test_pods_that_do_not_end_are_explained(change, reason):
    cluster = FakeCluster([make_pod("web-1", finalizers=change.get("finalizers", []))])
    cluster.kubelet_is_dead = True
    if change.get("silent"):
        cluster.node["status"]["conditions"][0]["status"] = "Unknown"
    _message, data = fails(cluster, means=Means(timeout=change["timeout"]))
    assert data["remaining"][0]["reason"].startswith(reason)
    assert data["blocked"] == []


def test_a_pod_that_goes_at_the_last_moment_is_seen():
    cluster = FakeCluster([make_pod("slow")])
    cluster.stops_after = {"slow": 100.0}
    result = run(cluster, means=Means(timeout=100.1, grace_period=200))
    assert named(result["evicted"]) == {"slow"}


def test_a_pod_that_nobody_had_to_ask_is_told_as_that():
    cluster = FakeCluster([make_pod("a"), make_pod("b")], [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 1000
    b = cluster.pods["shop", "b"]
    cluster.on_advance = [lambda: cluster.remove(b) if cluster.clock.now() > 3 else None]
    reasons = {entry["name"]: entry["reason"] for entry in run(cluster)["evicted"]}
    assert reasons["b"].startswith("left before it was asked to, gone after 3")


def test_data_that_is_still_there_is_not_told_as_lost():
    data = [make_pod(name) for name in ("a", "b")]
    for pod in data:
        pod["spec"]["volumes"] = [{"name": "cache", "emptyDir": {}}]
    cluster = FakeCluster(data, [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 1000
    guards = Guards(ignore_daemonsets=True, delete_emptydir_data=True)
    _message, result = fails(cluster, guards=guards, means=Means(timeout=30))
    assert (named(result["remaining"]), named(result["lost_data"])) == ({"b"}, {"a"})


def test_newcomers_are_told_and_not_hunted():
    cluster = FakeCluster([make_pod("web-1")])
    cluster.stops_after = {"web-1": 5.0}

    def come():
        if cluster.clock.now() > 2:
            cluster.pods.setdefault(("shop", "typha"), make_pod("typha", labels={"app": "typha"}))
            cluster.pods.setdefault(("kube-system", "p"), daemon_pod("p"))

    cluster.on_advance = [come]
    work = procedure(cluster)
    result = work.run("drain")
    assert named(result["newcomers"]) == {"typha"}
    assert cluster.count("POST") == 1
    assert "shop/typha" in work.report.warnings[0]


def test_on_failure_restore_gives_the_node_back():
    cluster = FakeCluster([make_pod("web-1")])
    cluster.kubelet_is_dead = True
    message, data = fails(cluster, means=Means(timeout=10), restore_on_failure=True)
    assert message.endswith("Node w1 was given back (on_failure=restore).")
    assert not cordoned(cluster)
    assert ownership.work_of(cluster.node) is None
    assert data["actions"] == ["cordon node w1", "evict shop/web-1", "uncordon node w1"]
    assert (data["cordoned_by_us"], data["after"]["unschedulable"]) == (False, False)


@pytest.mark.parametrize(
    ("theirs", "told"),
    [
        ('{"owner":"them"}', "Not given back: node w1 is in work of them and stays as it is; force_uncordon=true"),
        (None, "Not given back: node w1 was cordoned by somebody else and stays as it is; force_uncordon=true"),
    ],
)
def test_a_node_that_somebody_else_took_meanwhile_was_not_given_back(theirs, told):
    cluster = FakeCluster([make_pod("web-1")])
    cluster.kubelet_is_dead = True

    def take():
        if cluster.clock.now() > 5:
            annotations = cluster.node["metadata"]["annotations"]
            annotations.pop(ownership.ANNOTATION, None)
            annotations.update({ownership.ANNOTATION: theirs} if theirs else {})

    cluster.on_advance = [take]
    message, data = fails(cluster, means=Means(timeout=10), restore_on_failure=True)
    assert told in message
    assert "was given back" not in message
    assert cordoned(cluster)
    assert data["actions"] == ["cordon node w1", "evict shop/web-1"]


def test_on_failure_restore_leaves_a_foreign_cordon():
    cluster = FakeCluster([make_pod("web-1")], node=make_node(unschedulable=True))
    cluster.kubelet_is_dead = True
    _message, data = fails(cluster, means=Means(timeout=10), restore_on_failure=True, force_uncordon=True)
    assert cordoned(cluster)
    assert (data["cordoned_by_us"], data["unschedulable_before"]) == (False, True)
    assert ownership.work_of(cluster.node) is None
