# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The member lock: one piece of maintenance at a time on this node's etcd member.

Snapshot, defragmentation, restore and kubeadm exclude each other: a defragmentation during a snapshot stops all writes
until the snapshot is through. The kernel gives the lock back when its holder ends, however it ends.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from ..._errors import MaintenanceError
from ..._wait import Deadline, until

# The path is documented: whatever else works on the member can take it too (flock /run/kubeops-etcd.lock ...).
PATH = "/run/kubeops-etcd.lock"


@contextlib.contextmanager
def member_lock(purpose: str, timeout: float, path: t.Optional[str] = None, dry_run: bool = False) -> t.Iterator[float]:
    """Hold the lock and say how many seconds it took, or raise MaintenanceError that says who held it all the time.

    ``path``: none is the node's own. ``dry_run``: do not take it, for it is a file that is written.
    """
    if dry_run:
        yield 0.0
        return
    path = path or PATH
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise MaintenanceError(f"{path}: cannot be locked: {error}. Run the task as root (become: true)") from error
    try:
        deadline = Deadline(timeout)
        until(lambda: _taken(handle), deadline, lambda: _busy(handle, path, timeout), interval=0.2)
        _sign(handle, f"{os.getpid()} ({purpose})\n")
        yield deadline.elapsed
        _sign(handle, "")
    finally:
        os.close(handle)


def _sign(handle: int, text: str) -> None:
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)


def _taken(handle: int) -> bool | None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None
    return True


def _busy(handle: int, path: str, timeout: float) -> str:
    text = os.pread(handle, 200, 0).decode("utf-8", "replace").strip()
    # Somebody else may hold it after a process that was killed and left its signature.
    alive = text and os.path.exists(f"/proc/{text.split()[0]}")
    holder = f"process {text}" if alive else "a process that did not say who it is"
    return f"{path}: still held by {holder} after {timeout:g} s. Wait for it to end, or raise lock_timeout"
