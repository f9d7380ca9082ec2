# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A save that is killed in its middle: nothing looks whole, and the next run begins as if there had been none."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run

Start = t.Callable[..., "Run"]


def test_a_killed_save_leaves_nothing_that_looks_whole(ballast: None, backup: Start, folder: Folder) -> None:
    with folder.met("kill") as met:
        run = backup()
        assert run.finish(seconds=120) != 0
    assert met()["size"] > 0
    left = folder.files()
    assert left, "what was killed was no save"
    assert [name for name in left if ".part" not in name] == []


def test_the_lock_is_free(folder: Folder) -> None:
    folder.shell("flock --nonblock /run/kubeops-etcd.lock true")


def test_the_next_run_cleans_up_and_succeeds(backup: Start, snapshots: Start, folder: Folder) -> None:
    (left,) = folder.files()
    assert backup("--check").finish(seconds=120) == 0
    assert folder.files() == [left], "not in check mode"
    assert backup().finish(seconds=120) == 0
    (name,) = folder.snapshots()
    assert [name for name in folder.files() if ".part" in name] == []
    run = snapshots(verify=True)
    assert run.finish(seconds=120) == 0, run.output
    assert run.says(name)
