# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pruning a real directory: what would go is told first, and nothing else goes."""

from __future__ import annotations

import typing as t

import pytest

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from testinfra.host import Host

Start = t.Callable[..., "Run"]

NOTHING = {"hourly": 0, "daily": 0, "weekly": 0, "monthly": 0, "at_least": 1}
# As others name theirs, and one that has our name but no sidecar that says so.
FOREIGN = ("notes.txt", "snapshot.db", "etcd-cp1.db", "etcd-cp1-20200101T000000.000Z-hourly-rev7.db")


@pytest.fixture(scope="module")
def taken(on: t.Callable[[str], Host], backup: Start, folder: Folder) -> list[str]:
    """Three of a schedule, the oldest first."""
    for _number in range(3):
        options = f"dir={folder.path} tier=hourly"
        result = on("cp1").ansible("kubeops.maintenance.etcd_snapshot", options, become=True, check=False)
        assert result["changed"], result
    names = folder.snapshots()
    assert backup().finish() == 0  # one by hand, the newest
    for name in FOREIGN:
        folder.shell(f"echo foreign > {folder.path}/{name}")
    return names


def test_check_mode_only_tells(taken: list[str], snapshots: Start, folder: Folder) -> None:
    before = folder.state()
    run = snapshots("--check", "--extra-vars=prune=true", etcd_backup_keep=NOTHING)
    assert run.finish() == 0, run.output
    assert run.says(f"keep {taken[2]}: one of the 1 newest")
    for name in taken[:2]:
        assert run.says(f"delete {name}")
    assert folder.state() == before


def test_only_what_nothing_keeps_goes(taken: list[str], snapshots: Start, folder: Folder) -> None:
    manual = [name for name in folder.snapshots() if "-manual-" in name]
    run = snapshots(prune=True, etcd_backup_keep=NOTHING)
    assert run.finish() == 0, run.output
    assert folder.snapshots() == sorted([*manual, taken[-1], *(name for name in FOREIGN if name.endswith(".db"))])
    assert [name for name in taken[:2] if any(name in left for left in folder.files())] == []
    for name in FOREIGN:
        assert folder.shell(f"cat {folder.path}/{name}") == "foreign"


def test_a_second_run_finds_nothing_to_do(snapshots: Start, folder: Folder) -> None:
    before = folder.state()
    run = snapshots(prune=True, etcd_backup_keep=NOTHING)
    assert run.finish() == 0, run.output
    assert run.output.rpartition("PLAY RECAP")[2].count("changed=0") == 2
    assert folder.state() == before
