# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill on the control plane itself: the cluster goes on beside it, and nothing of it is left."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run

Start = t.Callable[..., "Run"]

# One bit of a page in the middle, which `etcdutl snapshot status` does not miss.
FLIP = """
import os, sys
with open(sys.argv[1], "r+b") as file:
    file.seek(os.path.getsize(sys.argv[1]) // 2)
    byte = file.read(1)
    file.seek(-1, os.SEEK_CUR)
    file.write(bytes([byte[0] ^ 1]))
"""


def around(folder: Folder) -> str:
    """Programs of etcd, who listens, and what lies where a drill could leave something."""
    return folder.shell(
        "pgrep -a '^etcd'; ss --no-header --listening --tcp --numeric | awk '{ print $4 }' | sort;"
        f"find /tmp /var/tmp /run /var/lib/etcd {folder.path} -maxdepth 1 -not -name '*.wal' | sort"
    )


def test_the_newest_is_proven_and_nothing_is_left(backup: Start, snapshots: Start, folder: Folder) -> None:
    assert backup().finish() == 0
    (name,) = folder.snapshots()
    before = around(folder)
    assert "/var/lib/etcd/member" in before
    run = snapshots("--extra-vars=drill=true")
    assert run.finish() == 0, run.output
    assert run.says(f"{name}: proven, restored with etcd 3.6.16")
    assert around(folder) == before
    proven = folder.sidecar(name)["proven"]
    assert proven["etcd_version"] == "3.6.16"
    assert proven["seconds"] > 0


def test_a_damaged_one_is_marked_so(backup: Start, snapshots: Start, folder: Folder) -> None:
    assert backup().finish() == 0
    whole, damaged = folder.snapshots()
    folder.shell(f"python3 - {folder.path}/{damaged} <<'END'\n{FLIP}\nEND")
    before = around(folder)
    run = snapshots(drill=damaged)
    assert run.finish() != 0
    assert damaged in run.message
    assert around(folder) == before
    assert folder.sidecar(damaged)["damaged"]["reason"]
    assert not folder.sidecar(damaged)["proven"]
    assert folder.sidecar(whole)["proven"]
