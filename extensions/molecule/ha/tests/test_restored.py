# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three members are restored together. One that does not come along sends all of them back; one whose disk is gone is
restored with the others.
"""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster, restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import (
    BACKUPS,
    DATA,
    FIRST,
    Start,
    Story,
)
from ansible_collections.kubeops.maintenance.extensions.molecule.support.watcher import Watcher

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

# The same snapshot restored by hand, as others do it: a member alone, with etcd's default token.
STRANGER = f"""
cd /etc/kubernetes
manifest=$(ls manifests/etcd.yaml kubeops-stopped/etcd.yaml 2>/dev/null | head -1)
peer=$(sed -n 's/.*--initial-advertise-peer-urls=//p' $manifest)
{BACKUPS}/tools/*/etcdutl snapshot restore {BACKUPS}/etcd-*.db --name=$(hostname) --data-dir={DATA}/stranger \
  --initial-cluster=$(hostname)=$peer --initial-advertise-peer-urls=$peer
prepared=$(echo {DATA}/kubeops-restore/*/prepared)
mv $prepared/member $prepared/kept
mv {DATA}/stranger/member $prepared/member
rmdir {DATA}/stranger
"""


def test_one_that_is_another_sends_all_back(
    lab: Lab, restore: Start, story: Story, snapshot: str, members: list[str]
) -> None:
    with restores.met(lab, "cp2", "stopping") as meeting:
        run = restore(snapshot=snapshot, restore_timeout=90)
        meeting.wait()
        cluster.shell(lab, "cp2", STRANGER)
        meeting.tell("go on")
    assert run.finish() != 0
    assert run.says("All members were rolled back: cp1, cp2, cp3 serve the data from before")
    assert restores.phases(lab, members) == ["rolled_back"] * 3
    story.went_on()


def test_all_are_restored_with_one_whose_disk_was_lost(
    lab: Lab, restore: Start, story: Story, snapshot: str, members: list[str]
) -> None:
    cluster.shell(lab, "cp3", f"rm -rf {DATA}/* {BACKUPS}; kill $(pgrep --exact etcd)")
    with Watcher(lab) as watcher:
        run = restore(snapshot=snapshot)
        assert run.finish() == 0, run.output
        watcher.until_it_sees(FIRST)
    assert watcher.backwards == []
    story.is_taken_back()
    assert restores.phases(lab, members) == ["finished"] * 3
    tokens = {restores.plan(lab, member)["token"] for member in members}
    assert len(tokens) == 1
    print(restores.plan(lab, "cp1")["at"])


@pytest.mark.slow
def test_a_second_restore(lab: Lab, restore: Start, story: Story, snapshot: str, members: list[str]) -> None:
    story.go_on()
    run = restore(snapshot=snapshot)
    assert run.finish() == 0, run.output
    story.is_taken_back()
    assert restores.phases(lab, members) == ["finished"] * 3


@pytest.mark.slow
@pytest.mark.parametrize("phase", ["stopping", "swapped", "started", "committed"])
def test_killed_while_the_first_is_there(
    lab: Lab, restore: Start, story: Story, snapshot: str, members: list[str], phase: str
) -> None:
    """Whatever the others are: the same command ends it on all of them."""
    story.go_on()
    restores.killed(lab, "cp1", phase, lambda: restore(snapshot=snapshot))
    print(restores.phases(lab, members))
    run = restore(snapshot=snapshot)
    assert run.finish() == 0, run.output
    story.is_taken_back()
    assert restores.phases(lab, members) == ["finished"] * 3
