# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One kubeadm_upgrade at a time on a node.

A module whose controller was killed may go on working on the node; the re-run waits for it instead of racing it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t

from .._etcd.member.lock import PATH as MEMBER
from .._etcd.member.lock import member_lock
from .._wait import Deadline, until

__all__ = ["MEMBER", "PATH", "held", "holder", "wait_free"]

PATH = "/run/kubeops-kubeadm.lock"


def held(timeout: float, path: str = PATH) -> contextlib.AbstractContextManager[float]:
    return member_lock("kubeadm_upgrade", timeout, path)


def wait_free(deadline: Deadline, path: str = PATH) -> None:
    """Wait for the one who works, without becoming the next one."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return

    def free() -> t.Optional[bool]:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        return True

    def message() -> str:
        holder = os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip()
        return (
            f"an earlier run still works on this node ({holder}) and did not end in {deadline.seconds:.0f} s. "
            f"Wait for it, then run this again"
        )

    try:
        until(free, deadline, message, interval=0.5)
    finally:
        os.close(descriptor)


def holder(path: str = PATH) -> str:
    """Who works, empty where nobody does."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.pread(descriptor, 200, 0).decode("utf-8", "replace").strip() or "somebody"
    finally:
        os.close(descriptor)
    return ""
