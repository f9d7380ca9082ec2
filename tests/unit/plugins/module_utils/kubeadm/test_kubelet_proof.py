# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import pathlib
import time

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import kubelet_proof
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.kubectl import Kubectl
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import parse

from .fake_node import FakeControlPlane


def stamp(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:01:40Z", 100.0),
        ("1970-01-01T00:01:40.500000Z", 100.5),
        (None, 0.0),
        ("", 0.0),
    ],
)
def test_the_times_of_the_api(text: str | None, seconds: float) -> None:
    assert kubelet_proof.seconds(text) == seconds


def test_conditions_know_whole_seconds_only() -> None:
    assert kubelet_proof.since("1970-01-01T00:01:40Z", 100.7)
    assert not kubelet_proof.since("1970-01-01T00:01:39Z", 100.7)
    assert not kubelet_proof.since(None, 100.7)


@pytest.mark.parametrize(
    ("started", "container", "condition", "settled"),
    [
        # A kubelet of a new minor makes the static pods anew some seconds after its own start.
        (60, 50, 40, True),
        (60, 5, 40, False),
        (60, 50, 3, False),
        (2, 3600, 3600, False),
    ],
)
def test_static_pods_are_settled_when_nothing_changed_for_a_while(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, started: int, container: int, condition: int, settled: bool
) -> None:
    node, now = FakeControlPlane(tmp_path), time.time()
    running = {"state": {"running": {"startedAt": stamp(now - container)}}}
    pod = {"status": {"containerStatuses": [running], "conditions": [{"lastTransitionTime": stamp(now - condition)}]}}
    api = Kubectl(node.commands, Paths(str(tmp_path)).admin_conf)  # type: ignore[arg-type]
    monkeypatch.setattr(api, "list", lambda _path, _query: [pod])
    proof = kubelet_proof.Proof(node.commands, Paths(str(tmp_path)), parse("1.37.1"), "cp1", api, node.health)  # type: ignore[arg-type]
    assert (proof._settled(api, now - started).status == "pass") == settled
