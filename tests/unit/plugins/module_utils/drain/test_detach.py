# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that are attached to a node that is drained."""

from __future__ import annotations

import pytest
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
    make_node,
    make_pod,
)

WAIT = Means(detach_timeout=60)


def using(pod, claim):
    pod["spec"]["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    return pod


def attach(cluster, name, claim="", node="w1", **metadata):
    """A volume and its attachment; ``claim`` with its namespace."""
    cluster.attachments.append(
        {
            "metadata": {"name": f"csi-{name}", "uid": f"uid-{name}-{node}", **metadata},
            "spec": {"attacher": "csi.x.io", "nodeName": node, "source": {"persistentVolumeName": name}},
        }
    )
    namespace, _slash, claimed = claim.partition("/")
    spec = {"csi": {"driver": "csi.x.io", "volumeHandle": f"handle-{name}"}}
    if claim:
        spec["claimRef"] = {"namespace": namespace, "name": claimed}
    cluster.objects[f"/api/v1/persistentvolumes/{name}"] = {"spec": spec}


def detach_at(cluster, seconds, name):
    def detach():
        if cluster.clock.now() >= seconds:
            cluster.attachments = [one for one in cluster.attachments if one["metadata"]["name"] != f"csi-{name}"]

    cluster.on_advance.append(detach)


def lists(cluster):
    return cluster.count("LIST", "volumeattachments")


def test_nothing_is_asked_unless_it_is_wanted():
    cluster = FakeCluster([make_pod("web-1")])
    attach(cluster, "pv-1", "shop/data")
    assert run(cluster)["volumes"] == []
    assert lists(cluster) == 0


def test_it_waits_until_the_volumes_are_detached():
    cluster = FakeCluster([using(make_pod("db-0"), "data")])
    cluster.stops_after = {"db-0": 5.0}
    attach(cluster, "pv-1", "shop/data")
    attach(cluster, "pv-2", "shop/data-2", node="w2")
    detach_at(cluster, 15, "pv-1")
    lines = []
    result = run(cluster, means=WAIT, tell=lines.append)
    assert "w1: 1 volume is still attached" in lines
    assert result["volumes"] == []
    assert result["durations"]["wait"] == 5
    assert 10 <= result["durations"]["detach"] <= 11
    assert 15 <= result["durations"]["total"] <= 16
    assert result["nodes"][0]["durations"]["detach"] == result["durations"]["detach"]
    assert lists(cluster) < 25


def test_a_long_wait_is_looked_at_less_and_less_often():
    cluster = FakeCluster([make_pod("web-1")])
    attach(cluster, "pv-1", "shop/data")
    detach_at(cluster, 100, "pv-1")
    assert run(cluster, means=Means(detach_timeout=200))["durations"]["detach"] < 106
    assert lists(cluster) < 100


def test_volumes_of_pods_that_stay_are_not_waited_for():
    ephemeral = daemon_pod("log-1")
    ephemeral["spec"]["volumes"] = [{"name": "scratch", "ephemeral": {}}]
    finished = make_pod("done", phase="Succeeded", labels={"app": "other"})
    pods = [using(make_pod("db-0"), "data"), using(daemon_pod("agent"), "cache"), ephemeral, using(finished, "old")]
    # Left out by the selector, so it stays, too.
    pods.append(using(make_pod("apart", labels={"app": "other"}), "apart"))
    cluster = FakeCluster(pods)
    for volume, claim in (
        ("pv-data", "shop/data"),
        ("pv-cache", "kube-system/cache"),
        ("pv-log", "kube-system/log-1-scratch"),
        ("pv-apart", "shop/apart"),
        ("pv-old", "shop/old"),
        ("pv-none", ""),
    ):
        attach(cluster, volume, claim)
    for volume in ("pv-data", "pv-old", "pv-none"):
        detach_at(cluster, 3, volume)
    result = run(cluster, means=WAIT, selector="app=web")
    assert {entry["name"]: entry["reason"] for entry in result["volumes"]} == {
        "pv-cache": "used by kube-system/agent, which stays on the node",
        "pv-log": "used by kube-system/log-1, which stays on the node",
        "pv-apart": "used by shop/apart, which stays on the node",
    }
    assert result["volumes"][0]["claim"] == "kube-system/cache"
    assert 2 <= result["durations"]["detach"] <= 4


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "the controller-manager has not asked to detach it"),
        ({"mounted": True}, "the kubelet has not unmounted it"),
        ({"deletionTimestamp": "2026-11-20T10:00:00Z"}, "csi.x.io has not detached it yet"),
        ({"error": "no such disk"}, "csi.x.io failed to detach it: no such disk"),
    ],
)
def test_what_holds_a_volume_is_told(change, reason):
    cluster = FakeCluster([make_pod("web-1")])
    metadata = {key: value for key, value in change.items() if key == "deletionTimestamp"}
    attach(cluster, "pv-1", "shop/data", **metadata)
    if change.get("error"):
        cluster.attachments[0]["status"] = {"detachError": {"message": change["error"]}}
    if change.get("mounted"):
        cluster.node["status"]["volumesInUse"] = ["kubernetes.io/csi/csi.x.io^handle-pv-1"]
    message, data = fails(cluster, means=WAIT)
    assert message.startswith(
        f"node w1 is empty, but not free of its volumes after 60 s: pv-1 (claim shop/data): {reason}. Node w1 stays"
    )
    assert data["volumes"] == [{"node": "w1", "name": "pv-1", "claim": "shop/data", "reason": reason}]
    assert named(data["evicted"]) == {"web-1"}
    assert data["remaining"] == []
    assert 60 <= data["durations"]["detach"] < 66
    assert data["nodes"][0]["failure"].startswith("node w1 is empty")


def test_a_failure_gives_the_node_back_where_that_is_wanted():
    cluster = FakeCluster([make_pod("web-1")])
    attach(cluster, "pv-1")
    fails(cluster, means=WAIT, restore_on_failure=True)
    assert not cordoned(cluster)


def test_a_drained_node_is_waited_for_again():
    cluster = FakeCluster([make_pod("web-1")])
    attach(cluster, "pv-1", "shop/data")
    fails(cluster, means=WAIT)
    cluster.requests.clear()
    detach_at(cluster, cluster.clock.now() + 2, "pv-1")
    result = run(cluster, means=WAIT)
    assert not result["changed"]
    assert result["volumes"] == []
    cluster.requests.clear()
    assert not run(cluster, means=WAIT)["changed"]
    assert len(cluster.requests) == 3


def test_the_same_volume_attached_anew_is_another_matter():
    cluster = FakeCluster([make_pod("web-1")])
    attach(cluster, "pv-1", "shop/data")

    def again():
        if cluster.clock.now() > 3:
            cluster.attachments[0]["metadata"]["uid"] = "another"

    cluster.on_advance = [again]
    assert run(cluster, means=WAIT)["durations"]["detach"] < 5


@pytest.mark.parametrize("status", [403, 404])
def test_attachments_that_may_not_be_listed(status):
    cluster = FakeCluster([make_pod("web-1")])
    denied = KubeError("no", status=status, message="forbidden to list")
    cluster.faults = [lambda _method, path: denied if "volumeattachments" in path else None]
    work = procedure(cluster, means=WAIT)
    assert work.run("drain")["volumes"] == []
    assert work.report.warnings == ["whether volumes are still attached is not known: forbidden to list"]


def test_a_volume_that_may_not_be_read_has_to_go():
    cluster = FakeCluster([using(daemon_pod("agent"), "cache")], daemonsets=["kube-system/proxy"])
    attach(cluster, "pv-1", "kube-system/cache")
    detach_at(cluster, 5, "pv-1")
    denied = KubeError("no", status=403, message="forbidden to read")
    cluster.faults = [lambda _method, path: denied if "persistentvolumes" in path else None]
    work = procedure(cluster, means=WAIT)
    assert work.run("drain")["durations"]["detach"] >= 5
    assert work.report.warnings == ["whose volume pv-1 is, is not known, so it has to go: forbidden to read"]


def test_failures_of_the_api_are_passed():
    cluster = FakeCluster([make_pod("web-1")])
    attach(cluster, "pv-1", "shop/data")
    detach_at(cluster, 10, "pv-1")
    asked = []

    def fault(_method, path):
        if "volumeattachments" in path or "persistentvolumes" in path:
            asked.append(path)
            return KubeError("reset") if len(asked) % 2 else None
        return None

    cluster.faults = [fault]
    assert run(cluster, means=WAIT)["volumes"] == []


def test_a_node_that_fails_is_not_waited_for_and_does_not_hinder_the_others():
    pods = [make_pod("web-1"), make_pod("stuck", node="w2", finalizers=["x.io/wait"])]
    cluster = FakeCluster(pods, nodes=[make_node("w1"), make_node("w2")])
    cluster.elsewhere = "w9"
    attach(cluster, "pv-1", "shop/a")
    attach(cluster, "pv-2", "shop/b", node="w2")
    detach_at(cluster, 50, "pv-1")
    message, data = fails(cluster, nodes=("w1", "w2"), means=Means(timeout=20, detach_timeout=60))
    assert message.startswith("node w2 is not drained")
    assert data["volumes"] == []
    assert [node["durations"]["detach"] >= 20 for node in data["nodes"]] == [True, False]


def test_it_stops_when_nobody_waits_for_it():
    cluster = FakeCluster([make_pod("web-1")])
    attach(cluster, "pv-1", "shop/data")
    message, _data = fails(cluster, means=WAIT, abandoned=lambda: cluster.clock.now() > 10)
    assert message.startswith("stopped, because the process that asked for the drain is gone")
    assert cluster.clock.now() < 12
