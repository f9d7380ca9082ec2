# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.lock import member_lock
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import in_progress, lock
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.commands import Result
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths

ANNOTATION = b"kubeops.maintenance/work"


class Commands:
    """systemctl, or none."""

    def __init__(self, units: str | None) -> None:
        self._units = units

    def has(self, program: str) -> bool:
        return self._units is not None

    def run(self, *argv: str) -> Result:
        return Result(argv, 0, self._units or "", "")


def node(work: t.Any) -> bytes:
    told = (work if isinstance(work, str) else json.dumps(work)).encode()
    assert len(told) < 128
    entry = b"\x0a" + bytes([len(ANNOTATION)]) + ANNOTATION + b"\x12" + bytes([len(told)]) + told
    return b"k8s\0\x0a\x0a\x0a\x02v1\x12\x04Nodeb" + bytes([len(entry)]) + entry + b"\x1a\x00"


@pytest.mark.parametrize("units", ["", None])
def test_nothing_on_the_node(tmp_path: pathlib.Path, units: str | None) -> None:
    assert in_progress.on_node(t.cast(t.Any, Commands(units)), Paths(str(tmp_path))) == []


def test_what_a_run_leaves_on_the_node(tmp_path: pathlib.Path) -> None:
    paths = Paths(str(tmp_path))
    left = paths.tmp / "kubeadm-upgraded-manifests123"
    left.mkdir(parents=True)
    path = paths.at(lock.PATH)
    path.parent.mkdir()
    unit = "kubeops-kubeadm-upgrade-1.37.1.service"
    with member_lock("kubeadm_upgrade", 0, str(path)):
        found = in_progress.on_node(t.cast(t.Any, Commands(f"{unit} loaded active exited kubeadm\n")), paths)
    assert found[0].startswith("kubeadm_upgrade works on this node (")
    assert found[1:] == [f"{unit} runs, or its result was not read", f"{left} is left of an unfinished upgrade"]
    left.rmdir()
    assert in_progress.on_node(t.cast(t.Any, Commands("")), paths) == []


def test_nodes_in_work() -> None:
    key = b"/registry/minions/w1"
    since = {"since": "2026-11-20T10:00:00Z"}
    assert in_progress.on_nodes([(key, node({"target": "1.37.1", **since}))]) == [
        "node/w1 is being upgraded to 1.37.1 since 2026-11-20T10:00:00Z"
    ]
    others = [node({"owner": "x", **since}), node("{"), node("[1]"), ANNOTATION, ANNOTATION + b"\x12", b"", b"k8s\0"]
    assert in_progress.on_nodes([(key, value) for value in others]) == []
