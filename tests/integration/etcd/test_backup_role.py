# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role on hosts whose members are real: each has its own below a directory of its own, and one host is silent."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Etcd,
    Release,
    agreed,
    make,
    together,
)

MEMBERS = ("m1", "m2", "m3")

PLAY = """
- hosts: all
  gather_facts: false
  max_fail_percentage: 0
  module_defaults:
    kubeops.maintenance.etcd_info: {manifest_dir: "{{ place }}"}
    kubeops.maintenance.etcd_snapshot: {manifest_dir: "{{ place }}"}
  roles:
    - role: kubeops.maintenance.backup
      backup_hosts: "{{ ansible_play_hosts }}"
      backup_dir: "{{ place }}/backups"
      backup_tier: pre-upgrade
      backup_run_key: to 1.37.1
"""


@pytest.fixture
def members(releases: list[Release], tmp_path: pathlib.Path) -> t.Iterator[t.Sequence[Etcd]]:
    with together(make(releases[-1], tmp_path, MEMBERS)) as started:
        yield started


@pytest.fixture
def play(members: t.Sequence[Etcd], tmp_path: pathlib.Path) -> t.Callable[..., playbook_run.Run]:
    def run(**variables: t.Any) -> playbook_run.Run:
        hosts: dict[str, t.Any] = {
            f"host-of-{one.name}": {"place": str(one.root), **playbook_run.HERE} for one in members
        }
        silent = {"ansible_host": "127.0.0.1", "ansible_port": 1, "place": "/nowhere"}
        playbook = tmp_path / "play.yml"
        playbook.write_text(PLAY)
        inventory = {"all": {"hosts": {"silent": silent, **hosts}}}
        return playbook_run.play(tmp_path, inventory, playbook, **variables)

    return run


def taken(members: t.Sequence[Etcd]) -> list[str]:
    """The member of each snapshot that there is."""
    return [one.name for one in members for _path in one.backups.glob("*.db")]


def test_one_follower_takes_it_and_the_others_and_a_silent_host_do_not(
    members: t.Sequence[Etcd], play: t.Callable[..., playbook_run.Run]
) -> None:
    leader = modules.call(etcd_info, manifest_dir=str(members[0].root))["leader"]
    ended = play()
    assert ended.code == 0, ended.said
    (member,) = taken(members)
    assert member != leader
    assert "silent: passed over: " in ended.said
    next(one for one in members if one.name == member).end()
    ended = play()
    assert ended.code == 0, ended.said
    assert len(set(taken(members))) == 2
    assert f"etcd/{member}: passed over: does not answer" in ended.said


def test_a_run_that_goes_on_finds_the_snapshot_of_the_run_that_began(
    members: t.Sequence[Etcd], play: t.Callable[..., playbook_run.Run]
) -> None:
    """Even that of the leader, which would never be chosen; and when its member is ill by now."""
    leader = modules.call(etcd_info, manifest_dir=str(members[0].root))["leader"]
    (first,) = (one for one in members if one.name == leader)
    first.backup(label=Label("pre-upgrade", run_key="to 1.37.1"))
    ended = play(backup_reuse_within=86400)
    assert ended.code == 0, ended.said
    assert taken(members) == [leader]
    assert f"host-of-{leader}: has the snapshot that an earlier run has taken for this" in ended.said
    first.end()
    agreed([one for one in members if one is not first])
    ended = play(backup_reuse_within=86400)
    assert ended.code == 0, ended.said
    assert "verified again, taken before" in ended.said
    assert taken(members) == [leader]
