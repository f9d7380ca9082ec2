# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused leaves both clusters as they are: the same processes, the same data, the same files."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster, restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import BACKUPS, Start, Story
from ansible_collections.kubeops.maintenance.tests.lab import podman

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

State = t.Callable[[], dict[str, list[str]]]

# One bit of a page in the middle, which `etcdutl snapshot status` does not miss.
FLIP = """
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(os.path.getsize(sys.argv[1]) // 2)
    byte = file.read(1)
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([byte[0] ^ 1]))
"""


@pytest.fixture(scope="module")
def foreign(play: Start, cluster1: Lab, cluster2: Lab, snapshot: str) -> t.Iterator[str]:
    """A snapshot of cluster1 that lies among those of cluster2."""
    taken = play("backup", "--extra-vars=cluster=cluster1")
    assert taken.finish() == 0, taken.output
    (name,) = restores.snapshots(cluster1, "cp1")
    for file in (name, f"{name}.json"):
        content = podman.podman("exec", cluster1.container("cp1"), "base64", f"{BACKUPS}/{file}")
        cluster.shell(cluster2, "cp2", f"base64 --decode > {BACKUPS}/{file} <<'END'\n{content}\nEND")
    yield name
    cluster.shell(cluster2, "cp2", f"rm {BACKUPS}/{name} {BACKUPS}/{name}.json")


@pytest.fixture
def unchanged(cluster1: Lab, cluster2: Lab, snapshot: str) -> State:
    return lambda: {**restores.state(cluster1, "cp1"), **restores.state(cluster2, "cp2")}


@pytest.fixture
def refused(restore: Start, unchanged: State, story: Story) -> t.Callable[..., str]:
    def work(*arguments: str, **variables: t.Any) -> str:
        before = unchanged()
        run = restore(*arguments, **variables)
        assert run.finish() != 0
        assert unchanged() == before
        story.went_on()
        return run.output

    return work


def test_a_call_without_a_snapshot(refused: t.Callable[..., str]) -> None:
    assert "Say which snapshot: -e snapshot=NAME" in refused()


def test_a_snapshot_that_is_not_there(refused: t.Callable[..., str]) -> None:
    assert "no host has etcd-nobody.db" in refused(snapshot="etcd-nobody.db")


def test_a_snapshot_of_the_other_cluster(refused: t.Callable[..., str], foreign: str) -> None:
    assert f"{foreign}: is of another cluster" in refused(snapshot=foreign)


def test_a_file_that_was_damaged(refused: t.Callable[..., str], cluster2: Lab, snapshot: str) -> None:
    flip = f"python3 - {BACKUPS}/{snapshot} <<'END'\n{FLIP}\nEND"
    cluster.shell(cluster2, "cp2", f"cp --preserve {BACKUPS}/{snapshot} {BACKUPS}/kept\n{flip}")
    try:
        assert "sha256" in refused(snapshot=snapshot)
    finally:
        cluster.shell(cluster2, "cp2", f"mv {BACKUPS}/kept {BACKUPS}/{snapshot}")


def test_check_mode_tries_everything_and_changes_nothing(
    restore: Start, unchanged: State, story: Story, snapshot: str
) -> None:
    before = unchanged()
    run = restore("--check", snapshot=snapshot)
    assert run.finish() == 0, run.output
    assert run.says(f"RESTORE {snapshot}")
    assert run.says("downtime about")
    assert unchanged() == before
    story.went_on()


def test_nobody_says_yes(restore: Start, story: Story, cluster2: Lab, snapshot: str) -> None:
    run = restore(snapshot=snapshot, restore_confirmed=False)
    assert run.finish() != 0
    assert "Nobody said yes, so nothing was stopped" in run.message
    assert "-e restore_confirmed=true" in run.message
    assert restores.phases(cluster2, ["cp2"]) == ["prepared"]
    story.went_on()
