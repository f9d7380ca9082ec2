# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the database of a member holds, read beside the etcd that may be writing it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import posixpath
import typing as t

from ..._errors import MaintenanceError
from ..member import state
from . import contents
from .bolt import Database
from .pages import Damaged

# etcd never writes into pages that the last transaction uses, but it may have finished the next two meanwhile.
_ATTEMPTS = 5

T = t.TypeVar("T")


def members(data_dir: str) -> t.Optional[tuple[state.Member, ...]]:
    """The members that the database names, None where it could not be read."""
    return _tried(data_dir, contents.members)


def revision(data_dir: str) -> t.Optional[int]:
    """The last one that was written, None where the database could not be read."""
    return _tried(data_dir, contents.revision)


def everything(data_dir: str) -> contents.Contents:
    """Raise MaintenanceError where the database cannot be read."""
    return _read(data_dir, contents.read)


def _tried(data_dir: str, read: t.Callable[[Database], T]) -> t.Optional[T]:
    try:
        return _read(data_dir, read)
    except MaintenanceError:
        return None


def _read(data_dir: str, read: t.Callable[[Database], T]) -> T:
    path = posixpath.join(data_dir, "member", "snap", "db")
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise MaintenanceError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        problem = ""
        for _attempt in range(_ATTEMPTS):
            try:
                return read(Database(handle))
            except Damaged as error:
                problem = error.msg
            except OSError as error:  # a disk that is ill
                raise MaintenanceError(f"{path}: cannot be read: {error.strerror}") from error
        raise MaintenanceError(f"{path}: {problem}")
    finally:
        os.close(handle)
