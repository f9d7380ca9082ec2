# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drill of a restore: the same file, restored by the same programs into a throw-away member.

Unlike `drill.run` it needs no member that runs, for where a restore is needed there may be none.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import time
import typing as t

from ..._errors import MaintenanceError
from ..._wait import Deadline
from ..database.pages import Damaged
from ..drill import throwaway
from ..member.programs import Program
from ..snapshots import leftovers, snapshot, store
from .report import RestoreReport


class Place(t.NamedTuple):
    """``directory`` of the snapshots; ``member`` that the drill is of."""

    directory: str
    member: str


def hold(
    tools: t.Mapping[str, Program],
    path: str,
    facts: snapshot.Facts,
    place: Place,
    deadline: Deadline,
    report: RestoreReport,
) -> None:
    """Also in check mode. Then the sidecar says nothing of it."""
    leftovers.remove_drills(*place, report)
    folder = store.drill_folder(*place)
    report.actions.append(f"restore {path} with etcd {tools['etcd'].version} into {folder}, compare, and remove it")
    clock = time.monotonic()
    try:
        throwaway.exercise(tools, path, facts, folder, deadline)
    except Damaged as error:
        damaged = {"at": store.now(), "reason": error.msg}
        report.act(f"mark {path} as damaged", lambda: _mark(path, damaged=damaged, proven=None))
        raise MaintenanceError(f"nothing was prepared, nothing was changed: the drill failed: {error.msg}") from None
    seconds = round(time.monotonic() - clock, 3)
    proven = {"at": store.now(), "etcd_version": tools["etcd"].version, "seconds": seconds}
    report.act(f"mark {path} as proven", lambda: _mark(path, proven=proven, damaged=None))


def _mark(path: str, **fields: t.Any) -> None:
    sidecar = store.description(path)
    if sidecar:  # a file that was brought here by hand may have none
        store.note(path, sidecar, **fields)
