# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drills through the role, on a host whose member is real and on one that has none."""

from __future__ import annotations

import pathlib
import shutil
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Etcd

PLAY = """
- hosts: all
  gather_facts: false
  max_fail_percentage: 0
  module_defaults:
    kubeops.maintenance.etcd_snapshot: {manifest_dir: "{{ place }}"}
    kubeops.maintenance.etcd_backup_schedule_info: {manifest_dir: "{{ place }}"}
  roles:
    - role: kubeops.maintenance.snapshots
      snapshots_hosts: "{{ ansible_play_hosts }}"
      snapshots_dir: "{{ place }}/backups"
      snapshots_drill: "{{ drill }}"
"""


@pytest.fixture
def play(etcd: Etcd, tmp_path: pathlib.Path) -> t.Callable[..., playbook_run.Run]:
    def run(drill: str, *words: str) -> playbook_run.Run:
        places = {"cp1": str(etcd.root), "cp2": str(tmp_path / "cp2")}
        hosts = {name: {"place": place, **playbook_run.HERE} for name, place in places.items()}
        playbook = tmp_path / "play.yml"
        playbook.write_text(PLAY)
        return playbook_run.play(tmp_path, {"all": {"hosts": hosts}}, playbook, *words, drill=drill)

    return run


def test_a_drill(etcd: Etcd, play: t.Callable[..., playbook_run.Run]) -> None:
    names = [pathlib.Path(etcd.backup()["snapshot"]["path"]).name for _run in range(2)]
    code, said = play("true", "--check")
    assert code == 0, said
    assert f"would restore {etcd.backups / names[1]} with etcd {etcd.release.version} into" in said
    code, said = play("no-such.db")
    assert code
    assert "No host has a snapshot no-such.db" in said
    assert names[0] in said
    assert "proven" not in said
    code, said = play("true")
    assert code == 0, said
    assert f"cp1: {names[1]}: proven, restored with etcd {etcd.release.version} in " in said
    assert said.count("verified when it was taken, proven") == 1


def test_a_host_without_a_member_shows_its_copies_and_holds_no_drill(
    etcd: Etcd, play: t.Callable[..., playbook_run.Run], tmp_path: pathlib.Path
) -> None:
    """A control plane whose etcd runs elsewhere, as long as somebody else can hold the drill."""
    name = pathlib.Path(etcd.backup()["snapshot"]["path"]).name
    copies = tmp_path / "cp2" / "backups"
    shutil.copytree(etcd.backups, copies, ignore=shutil.ignore_patterns("tools"))
    code, said = play("true")
    assert code == 0, said
    assert f"cp1: {name}: proven" in said
    assert f"Snapshots of cp2 in {copies}:" in said
    assert said.count(f"{name} ") == 2
    assert said.count("verified when it was taken, proven") == 1
    (etcd.backups / name).rename(tmp_path / name)
    code, said = play(name)
    assert code
    assert f"No host has a snapshot {name} in" in said
    assert "and a member of etcd to hold a drill with" in said
    code, said = play("true", "--limit=cp2")
    assert code
    assert "No member of etcd runs on cp2, so no drill was held" in said


def test_a_drill_that_fails_is_told_after_everything_else(etcd: Etcd, play: t.Callable[..., playbook_run.Run]) -> None:
    path = pathlib.Path(etcd.backup()["snapshot"]["path"])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    code, said = play("true")
    assert code
    assert "the drill failed, and the snapshot counts as damaged from now on" in said
    assert "DAMAGED: " in said
