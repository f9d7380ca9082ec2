# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that a drain may not take, and pods that do not go."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api.corner import PODS, SECONDS, Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import Proxy
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

BARE, LOCAL, DAEMON = "no controller would recreate it", "emptyDir volumes: scratch", "managed by DaemonSet"


@pytest.fixture
def guarded(corner: Corner) -> Corner:
    """One pod of each kind that is guarded, and one that is two of them at once."""
    corner.daemonset("agent")
    corner.deployment("cache", 1, empty_dir=True)
    corner.pod("bare")
    corner.pod("both", empty_dir=True)
    return corner


@pytest.mark.parametrize(
    ("allowed", "told"),
    [
        ({}, {"agent": {DAEMON}, "cache": {LOCAL}, "bare": {BARE}, "both": {LOCAL, BARE}}),
        ({"ignore_daemonsets": True}, {"cache": {LOCAL}, "bare": {BARE}, "both": {LOCAL, BARE}}),
        ({"force": True}, {"agent": {DAEMON}, "cache": {LOCAL}, "both": {LOCAL}}),
        ({"delete_emptydir_data": True}, {"agent": {DAEMON}, "bare": {BARE}, "both": {BARE}}),
    ],
)
def test_no_option_implies_another(
    guarded: Corner, proxy: Proxy, drain: t.Any, allowed: dict[str, bool], told: dict[str, set[str]]
) -> None:
    result = drain(failed=True, **{"ignore_daemonsets": False, **allowed})
    found: dict[str, set[str]] = {}
    for entry in result["blocked"]:
        reason = DAEMON if entry["reason"].startswith(DAEMON) else entry["reason"]
        found.setdefault(entry["name"].partition("-")[0], set()).add(reason)
    assert found == told
    assert set(proxy.summary()) == {"GET"}
    assert not guarded.node()["spec"].get("unschedulable")


def test_with_all_options_everything_goes_that_can(guarded: Corner, drain: t.Any) -> None:
    result = drain(force=True, delete_emptydir_data=True)
    assert {entry["name"].partition("-")[0] for entry in result["evicted"]} == {"cache", "bare", "both"}
    assert len(result["lost_data"]) == 3
    assert {name.partition("-")[0] for name in guarded.names(guarded.nodes[0])} == {"agent"}


def test_a_finalizer_that_nobody_removes_is_named(corner: Corner, drain: t.Any) -> None:
    corner.pod("stuck", finalizers=["example.com/backup"])
    # A grace period of its own would still be running.
    result = drain(failed=True, force=True, wait_timeout=6, terminate_grace_period=1)
    assert "kept by its finalizers example.com/backup" in result["msg"]
    assert [entry["name"] for entry in result["remaining"]] == ["stuck"]
    corner.patch_pod("stuck", finalizers=None)
    again = drain(force=True)
    assert again["evicted"] == [] or again["evicted"][0]["reason"].startswith("was already terminating")


def end(corner: Corner, names: t.Iterable[str]) -> None:
    """As if their time had come, which is longer than a test of the slowest machine needs."""
    for name in names:
        corner.kube.delete(f"{PODS.format(corner.namespace)}/{name}", {"gracePeriodSeconds": 0})


def test_pods_of_a_namespace_that_is_being_deleted_are_waited_for(
    corner: Corner, proxy: Proxy, drain: t.Any, meanwhile: t.Any
) -> None:
    corner.deployment("web", 3, stops_after=300)
    names = corner.names()
    corner.kube.delete(f"/api/v1/namespaces/{corner.namespace}")
    corner._until("the deletion of all pods", lambda: all(_leaving(pod) for pod in corner.pods()))

    def go_on() -> None:
        until("the cordon", lambda: proxy.asked("PATCH"), SECONDS, every=0.05)
        end(corner, names)

    with meanwhile(go_on):
        result = drain()
    assert len(result["evicted"]) == 3
    assert all(entry["reason"].startswith("was already terminating") for entry in result["evicted"])
    assert proxy.asked("POST") == []
    assert corner.pods() == []


def test_an_interrupted_drain_is_continued(corner: Corner, proxy: Proxy, drain: t.Any, meanwhile: t.Any) -> None:
    corner.deployment("web", 3, stops_after=300)
    names = corner.names()
    first = drain(failed=True, wait_timeout=1)
    assert len(first["remaining"]) == 3
    assert "s of its grace period of 301 s are left" in first["msg"]
    proxy.clear()

    def go_on() -> None:
        until("a look", lambda: proxy.asked("GET", "/pods$"), SECONDS, every=0.05)
        end(corner, names)

    with meanwhile(go_on):
        again = drain()
    assert len(again["evicted"]) == 3
    assert proxy.asked("POST") == []


def test_finished_pods_need_no_permission(corner: Corner, drain: t.Any) -> None:
    job = {
        "template": {
            "metadata": {},
            "spec": {
                "restartPolicy": "Never",
                "nodeSelector": {"corner": corner.namespace},
                "containers": [{"name": "main", "image": "main"}],
                "volumes": [{"name": "scratch", "emptyDir": {}}],
            },
        }
    }
    corner.cordon(corner.nodes[1])
    corner.kube.post(f"/apis/batch/v1/namespaces/{corner.namespace}/jobs", {"metadata": {"name": "once"}, "spec": job})
    corner._until("the end of the job", lambda: [p for p in corner.pods() if p["status"]["phase"] == "Succeeded"])
    result = drain()
    assert len(result["evicted"]) == 1
    assert result["lost_data"] == []


def test_a_grace_period_is_passed_on(corner: Corner, drain: t.Any) -> None:
    corner.deployment("slow", 1, stops_after=200)
    result = drain(terminate_grace_period=0)
    assert len(result["evicted"]) == 1
    assert result["durations"]["total"] < 200


def _leaving(pod: dict[str, t.Any]) -> bool:
    return bool(pod["metadata"].get("deletionTimestamp"))


def test_bare_pods_can_be_left_or_waited_for(corner: Corner, proxy: Proxy, drain: t.Any, meanwhile: t.Any) -> None:
    corner.deployment("web", 1)
    corner.pod("task")

    def finish() -> None:
        """As soon as the drain has begun."""
        until("the cordon", lambda: proxy.asked("PATCH"), SECONDS, every=0.05)
        corner.kube.patch(f"{PODS.format(corner.namespace)}/task/status", {"status": {"phase": "Succeeded"}})

    with meanwhile(finish):
        result = drain(unmanaged="wait")
    assert "finished by itself" in str([entry for entry in result["evicted"] if entry["name"] == "task"])
    assert "task" in corner.names()
    corner.pod("bare")
    waited = drain(unmanaged="wait", wait_timeout=3, failed=True)
    assert "it has to finish by itself" in waited["msg"]
    left = drain(unmanaged="skip")
    assert [entry["name"] for entry in left["kept"]] == ["bare"]
    assert f"{corner.nodes[0]} will not be empty" in str(left["warnings"])
