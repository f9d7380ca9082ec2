# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the database of a running member holds, read beside the etcd that writes it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import posixpath
import typing as t

from ..member import state
from . import contents
from .bolt import Database
from .pages import Damaged

# etcd never writes into pages that the last transaction uses, but it may have finished the next two meanwhile.
_ATTEMPTS = 5

T = t.TypeVar("T")


def members(data_dir: str) -> t.Optional[tuple[state.Member, ...]]:
    """The members that the database names, None where it could not be read."""
    return _read(data_dir, contents.members)


def revision(data_dir: str) -> t.Optional[int]:
    """The last one that was written, None where the database could not be read."""
    return _read(data_dir, contents.revision)


def _read(data_dir: str, read: t.Callable[[Database], T]) -> t.Optional[T]:
    try:
        handle = os.open(posixpath.join(data_dir, "member", "snap", "db"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        for _attempt in range(_ATTEMPTS):
            try:
                return read(Database(handle))
            except Damaged:
                continue
        return None
    finally:
        os.close(handle)
