# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What killed runs and drills of a member have left among its snapshots: how large it is, and its end.

It makes room when the next run begins, so it counts as free before.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import functools
import os
import shutil

from .. import disk
from . import store
from .report import Report


def size(directory: str, member: str) -> int:
    """In bytes."""
    return sum(map(os.path.getsize, store.leftovers(directory, member))) + size_of_drills(directory, member)


def size_of_drills(directory: str, member: str) -> int:
    return sum(map(disk.used_bytes, store.drill_folders(directory, member)))


def remove_drills(directory: str, member: str, report: Report, whose: str = "drill") -> None:
    for path in store.drill_folders(directory, member):
        report.act(f"remove {path}, which a killed {whose} has left", functools.partial(shutil.rmtree, path))
