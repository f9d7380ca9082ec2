# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that are still there when their grace period is over, at a real API."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import Fault, Proxy


@pytest.fixture
def stuck(corner: Corner) -> t.Iterator[Corner]:
    """One pod that goes, and one that never does."""
    corner.deployment("web", 1)
    corner.pod("stuck", finalizers=["example.com/backup"])
    yield corner
    corner.patch_pod("stuck", finalizers=None)


def test_a_stuck_pod_ends_the_drain_long_before_its_time(stuck: Corner, drain: t.Any) -> None:
    result = drain(failed=True, force=True, wait_timeout=300, terminate_grace_period=1, stuck_after=1)
    assert "what is left of it is stuck (stuck_after=1): 1 of 2 pods are still there" in result["msg"]
    assert "kept by its finalizers example.com/backup" in result["msg"]
    assert len(result["evicted"]) == 1
    assert result["durations"]["total"] < 200


def test_pods_of_a_silent_node_are_left_behind(stuck: Corner, proxy: Proxy, drain: t.Any) -> None:
    node = stuck.node()
    for condition in node["status"]["conditions"]:
        condition.update(status="Unknown")
    # kwok keeps every node Ready. The first answer is for the drain itself, which must know the real node.
    proxy.inject(Fault("GET", f"/nodes/{stuck.nodes[0]}$", skip=1, times=99, status=200, body=node))
    result = drain(force=True, wait_timeout=300, terminate_grace_period=1, unreachable="leave")
    assert len(result["evicted"]) == 1
    assert [entry["name"] for entry in result["kept"]] == ["stuck"]
    assert "node.kubernetes.io/out-of-service" in str(result["warnings"])
    # Neither deleted by force nor freed from its finalizer.
    assert proxy.asked("DELETE") == []
    assert "stuck" in stuck.names()


def test_a_stuck_pod_is_deleted_by_force_and_keeps_its_finalizer(stuck: Corner, proxy: Proxy, drain: t.Any) -> None:
    how = {"force": True, "terminate_grace_period": 1, "stuck_after": 1, "force_delete_stuck": True}
    result = drain(failed=True, wait_timeout=300, **how)
    assert "kept by its finalizers example.com/backup" in result["msg"]
    assert [call.status for call in proxy.asked("DELETE")] == [200]
    assert "deleted by force" in str(result["warnings"])
    assert "stuck" in stuck.names()
