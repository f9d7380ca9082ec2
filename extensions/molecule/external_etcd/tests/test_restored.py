# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three members under systemd are restored together: their data is still etcd's own, and units start as before."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster, restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import (
    DATA,
    FIRST,
    Start,
    Story,
)
from ansible_collections.kubeops.maintenance.extensions.molecule.support.watcher import Watcher

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

# Type=notify: it is active when most members serve.
UNIT = "systemctl is-active etcd.service; systemctl is-enabled etcd.service; systemctl cat etcd.service"


def owners(lab: Lab, member: str) -> str:
    script = f"find {DATA}/member -printf '%U:%G %m %y\\n' | sort --unique; stat -c '%U %G %a' {DATA}"
    return cluster.shell(lab, member, script)


def test_all_are_restored(lab: Lab, restore: Start, story: Story, snapshot: str, members: list[str]) -> None:
    units = {member: cluster.shell(lab, member, UNIT) for member in members}
    owned = {member: owners(lab, member) for member in members}
    with Watcher(lab) as watcher:
        run = restore(snapshot=snapshot)
        assert run.finish() == 0, run.output
        watcher.until_it_sees(FIRST)
    assert watcher.backwards == []
    story.is_taken_back()
    assert restores.phases(lab, members) == ["finished"] * 3
    assert {member: cluster.shell(lab, member, UNIT) for member in members} == units
    assert {member: owners(lab, member) for member in members} == owned
    print(restores.plan(lab, "e1")["at"])


@pytest.mark.slow
def test_killed_between_stop_and_start(
    lab: Lab, restore: Start, story: Story, snapshot: str, members: list[str]
) -> None:
    """A boot meanwhile starts no etcd that would make a cluster of its own."""
    story.go_on()
    restores.killed(lab, "e1", "stopped", lambda: restore(snapshot=snapshot))
    cluster.shell(lab, "e1", "systemctl start etcd.service || true")
    assert cluster.shell(lab, "e1", "pgrep --exact etcd || true") == ""
    run = restore(snapshot=snapshot)
    assert run.finish() == 0, run.output
    story.is_taken_back()
    assert restores.phases(lab, members) == ["finished"] * 3
