# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that are attached to the node, at a real API. The test is the attacher: it deletes the attachments."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.tests.api.corner import SECONDS, Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import Proxy
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until


def test_a_drain_ends_when_the_volumes_are_detached(
    corner: Corner, proxy: Proxy, drain: t.Any, meanwhile: t.Any
) -> None:
    attachment = corner.attach(corner.volume("data"))
    corner.owned_pods("db", 1, claim="data")

    def detach() -> None:
        """When the drain waits for it."""
        until("a second look", lambda: len(proxy.asked("GET", "/volumeattachments$")) >= 2, SECONDS, every=0.05)
        corner.kube.delete(attachment)

    with meanwhile(detach):
        result = drain(wait_volume_detach=600)
    assert len(result["evicted"]) == 1
    assert result["volumes"] == []
    assert result["durations"]["detach"] < 300
    proxy.clear()
    assert not drain(wait_volume_detach=30)["changed"]
    assert len(proxy.calls) == 3


def test_a_volume_that_stays_attached_is_named_with_what_holds_it(corner: Corner, drain: t.Any) -> None:
    volume = corner.volume("data")
    attachment = corner.attach(volume, finalizers=["example.com/attacher"])
    corner.owned_pods("db", 1, claim="data")
    corner.kube.delete(attachment)
    result = drain(failed=True, wait_volume_detach=1)
    assert len(result["evicted"]) == 1
    where = {"node": corner.nodes[0], "name": volume, "claim": f"{corner.namespace}/data"}
    assert result["volumes"] == [{**where, "reason": "csi.test has not detached it yet"}]
    assert f"{volume} (claim {corner.namespace}/data): csi.test has not detached it yet" in result["msg"]
    corner.kube.patch(attachment, {"metadata": {"finalizers": None}})


def test_volumes_of_pods_that_stay_are_left_alone(corner: Corner, drain: t.Any) -> None:
    volume = corner.volume("cache")
    corner.attach(volume)
    corner.daemonset("agent", claim="cache")
    corner.deployment("web", 1)
    result = drain(wait_volume_detach=30)
    assert len(result["evicted"]) == 1
    assert [entry["name"] for entry in result["volumes"]] == [volume]
    assert "which stays on the node" in result["volumes"][0]["reason"]
