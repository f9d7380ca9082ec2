# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One cluster is restored: its story is taken back, who watched knows it, and the cluster beside it notices nothing."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster, restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import (
    DATA,
    FIRST,
    LATER,
    Start,
    Story,
)
from ansible_collections.kubeops.maintenance.extensions.molecule.support.watcher import Watcher
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

# Half of what a restored database begins with: etcd does not start from it.
SPOIL = f"truncate --size=4096 {DATA}/kubeops-restore/*/prepared/member/snap/db"


def test_what_does_not_start_is_taken_back(restore: Start, cluster2: Lab, story: Story, snapshot: str) -> None:
    """What was prepared is damaged when etcd is being stopped: nobody reads it again before it is started."""
    with restores.met(cluster2, "cp2", "stopping") as meeting:
        run = restore(snapshot=snapshot, restore_timeout=60)
        meeting.wait()
        cluster.shell(cluster2, "cp2", SPOIL)
        meeting.tell("go on")
    assert run.finish() != 0
    assert run.says("All members were rolled back: cp2 serve the data from before, and nothing is lost")
    assert restores.phases(cluster2, ["cp2"]) == ["rolled_back"]
    story.went_on()


def test_the_story_is_taken_back(restore: Start, cluster1: Lab, cluster2: Lab, story: Story, snapshot: str) -> None:
    beside = restores.state(cluster1, "cp1")
    with Watcher(cluster2) as watcher:
        run = restore(snapshot=snapshot)
        assert run.finish() == 0, run.output
        watcher.until_it_sees(FIRST)
    assert watcher.backwards == []
    assert watcher.lists == 2, "it was told once that what it knew was gone"
    story.is_taken_back()
    assert restores.state(cluster1, "cp1") == beside
    assert run.says("the API was away for")
    found = restores.plan(cluster2, "cp2")
    assert (found["phase"], found["snapshot"]["name"]) == ("finished", snapshot)
    print({key: found["at"][key] for key in found["at"]})


def test_what_was_there_before_is_kept_until_it_is_cleaned_up(restore: Start, cluster2: Lab) -> None:
    kept = f"{DATA}/kubeops-restore"
    assert cluster.shell(cluster2, "cp2", f"ls -d {kept}/*/previous/member")
    run = restore(restore_clean=True)
    assert run.finish() == 0, run.output
    assert cluster.shell(cluster2, "cp2", f"ls -d {kept} 2>/dev/null || true") == ""


@pytest.mark.slow
def test_a_second_restore_undone_and_undone_again(restore: Start, cluster2: Lab, story: Story, snapshot: str) -> None:
    story.go_on()
    run = restore(snapshot=snapshot)
    assert run.finish() == 0, run.output
    story.is_taken_back()
    identity = restores.plan(cluster2, "cp2")["id"]
    refused = restore(restore_undo=True)
    assert refused.finish() != 0
    assert refused.says(f"restore_undo={identity} restores what was there before it")
    with Watcher(cluster2) as watcher:
        undone = restore(restore_undo=identity)
        assert undone.finish() == 0, undone.output
        watcher.until_it_sees(LATER)
        story.went_on()
        found = restores.plan(cluster2, "cp2")
        assert (found["phase"], found["undoes"]) == ("finished", identity)
        again = restore(restore_undo=found["id"])
        assert again.finish() == 0, again.output
        watcher.until_it_sees(FIRST)
    assert watcher.backwards == []
    assert watcher.lists == 3, "it was told twice that what it knew was gone"
    story.is_taken_back()


@pytest.mark.slow
@pytest.mark.parametrize(
    "phase",
    [
        "preparing",
        "prepared",
        "stopping",
        "stopped",
        "swapping",
        "swapped",
        "starting",
        "started",
        "verified",
        "committed",
    ],
)
def test_killed_and_gone_on_with(restore: Start, cluster2: Lab, story: Story, snapshot: str, phase: str) -> None:
    """A run dies when its member is that far, and the same command ends what it began."""
    story.go_on()
    restores.killed(cluster2, "cp2", phase, lambda: restore(snapshot=snapshot))
    begun = restores.plan(cluster2, "cp2")
    run = restore(snapshot=snapshot)
    assert run.finish() == 0, run.output
    story.is_taken_back()
    done = restores.plan(cluster2, "cp2")
    assert done["phase"] == "finished"
    assert (done["id"] == begun["id"]) == plan.begun(phase)


@pytest.mark.slow
def test_killed_while_it_goes_back(restore: Start, cluster2: Lab, story: Story, snapshot: str) -> None:
    story.go_on()
    restores.killed(cluster2, "cp2", "stopped", lambda: restore(snapshot=snapshot))
    restores.killed(cluster2, "cp2", "rolling_back", lambda: restore(restore_undo=True))
    run = restore(snapshot=snapshot)
    assert run.finish() != 0
    assert run.says("All members were rolled back")
    story.went_on()
