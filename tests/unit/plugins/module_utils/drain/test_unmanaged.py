# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that no controller recreates."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards, Look, decide
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    fails,
    named,
    procedure,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import EPOCH, FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import daemon_pod, make_pod


def bare(name="bare", scratch=False, **more):
    made = make_pod(name, labels={}, ownerReferences=[], **more)
    made["spec"]["volumes"] = [{"name": "scratch", "emptyDir": {}}] if scratch else []
    return made


ORPHAN = daemon_pod("orphan")


@pytest.mark.parametrize(
    ("unmanaged", "force", "pod", "action"),
    [
        (None, False, bare(), "refuse"),
        (None, True, bare(), "evict"),
        ("fail", True, bare(), "refuse"),
        ("delete", False, bare(), "evict"),
        ("delete", False, bare(scratch=True), "refuse"),
        ("skip", False, bare(scratch=True), "keep"),
        ("wait", False, bare(scratch=True), "finish"),
        ("wait", True, bare(), "finish"),
        ("wait", False, bare(phase="Succeeded"), "evict"),
        ("skip", False, bare(phase="Failed"), "evict"),
        ("skip", False, bare(deletionTimestamp="2026-11-20T10:00:00Z"), "wait"),
        ("skip", False, make_pod("web-1"), "evict"),
        ("wait", False, make_pod("web-1"), "evict"),
        # A DaemonSet's pod is not a bare one, also when the DaemonSet is gone.
        ("delete", False, ORPHAN, "refuse"),
        ("fail", True, ORPHAN, "evict"),
        ("skip", False, ORPHAN, "refuse"),
    ],
)
def test_what_becomes_of_them(unmanaged, force, pod, action):
    guards = Guards(unmanaged=unmanaged, force=force, ignore_daemonsets=True)
    assert decide(pod, Look(guards, EPOCH, set())).action == action


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_node_that_keeps_them_is_not_empty(check_mode):
    cluster = FakeCluster([make_pod("web-1"), bare()])
    work = procedure(cluster, guards=Guards(unmanaged="skip"), check_mode=check_mode)
    result = work.run("drain")
    assert named(result["evicted"]) == {"web-1"}
    assert [entry["reason"] for entry in result["kept"]] == ["no controller recreates it, so it stays (unmanaged=skip)"]
    assert work.report.warnings == [
        "node w1 will not be empty, pods that no controller recreates stay there (unmanaged=skip): shop/bare"
    ]
    assert ("shop", "bare") in cluster.pods


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_they_can_be_waited_for(phase):
    cluster = FakeCluster([make_pod("web-1"), bare()])

    def finish():
        if cluster.clock.now() > 60:
            cluster.pods["shop", "bare"]["status"]["phase"] = phase

    cluster.on_advance = [finish]
    foretold = run(cluster, guards=Guards(unmanaged="wait"), check_mode=True)
    assert foretold["predicted_seconds"] is None
    result = run(cluster, guards=Guards(unmanaged="wait"))
    assert named(result["evicted"]) == {"web-1", "bare"}
    assert "finished by itself" in result["evicted"][1]["reason"]
    assert 60 < result["durations"]["total"] < 70
    assert "evict shop/bare" not in result["actions"]
    assert cluster.count("POST", "bare") == 0


def test_they_can_run_for_longer_than_the_drain():
    message, data = fails(FakeCluster([bare()]), guards=Guards(unmanaged="wait"), means=Means(timeout=60))
    assert "within 60 s: 1 of 1 pods are still there: shop/bare: no controller recreates it, so it has to" in message
    assert named(data["remaining"]) == {"bare"}
