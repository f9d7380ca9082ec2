# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A disk without room is refused before anything is written; one that fills meanwhile gets nothing that looks whole."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.kubeops.maintenance.extensions.molecule.support import faults

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run

Start = t.Callable[..., "Run"]

MIB = 1 << 20
PROGRAMS = 80 * MIB  # more than those that are kept with a snapshot take


def database(folder: Folder) -> int:
    return int(json.loads(folder.shell(f"{faults.ETCD}/maintenance/status --data '{{}}'"))["dbSize"])


def test_too_small_a_disk_is_refused(backup: Start, folder: Folder) -> None:
    with folder.disk(size=MIB):
        run = backup()
        assert run.finish() != 0
        assert folder.files() == []
    assert re.search(r"bytes needed for a database of \d+ bytes .*, 1048576 bytes free", run.message)
    assert "no snapshot was taken, nothing was written" in run.message


def test_a_disk_that_fills_meanwhile(ballast: None, backup: Start, folder: Folder) -> None:
    with folder.disk(size=database(folder) * 3 // 2 + PROGRAMS):
        with folder.met("fill") as met:
            run = backup()
            assert run.finish() != 0
        assert 0 < met()["size"] < database(folder)
        assert "No space left on device" in run.message
        assert folder.files() == ["filler"]

        folder.shell(f"rm {folder.path}/filler")
        assert backup().finish() == 0
        assert len(folder.snapshots()) == 1
