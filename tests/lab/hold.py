# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who has a lab: a run that needs it for longer keeps others from making or removing a lab of that name meanwhile.

Labs are the machine's, whatever the checkout, so the lock is as well. It lasts as long as the process that holds it or
one that it has started: nothing has to be cleared after a SIGKILL. What a run starts knows by a mark whose it is.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import typing as t
import uuid
from pathlib import Path

from . import access, lab
from .process import LabError

MARK = "KUBEOPS_LAB_HELD"


@contextlib.contextmanager
def held(name: str) -> t.Iterator[None]:
    lock = take(name)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def become(name: str, command: t.Sequence[str]) -> t.NoReturn:
    """Go on as a command that holds the lab for the rest of its life."""
    lock = take(name)
    if lock is not None:
        os.set_inheritable(lock, True)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise LabError(f"{command[0]}: {error.strerror}") from None


def take(name: str) -> int | None:
    """The lock, or None where the run that we belong to has it already."""
    lab.folder(name)  # refuses what is no name
    access.SOCKETS.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = access.SOCKETS / f"{name}.lock"
    lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        if os.environ.get(MARK, "nobody") == file.read_text():
            return None
        raise LabError(
            f"lab {name} is in the hands of {' and '.join(holders(file)) or 'another run'}: "
            f"wait for the end of it, or take a lab of another name (LAB=other for make and scripts/test, --name other)"
        ) from None
    mark = os.environ.setdefault(MARK, str(uuid.uuid4()))
    os.ftruncate(lock, 0)
    os.write(lock, mark.encode())
    return lock


def holders(file: Path) -> list[str]:
    """The processes that have the lock open. Who took it may be dead, and what it started still at work."""
    found = {}
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        process = opened.parents[1]
        with contextlib.suppress(OSError):
            if int(process.name) != os.getpid() and opened.samefile(file):
                words = (process / "cmdline").read_text(errors="replace").split("\0")
                found[int(process.name)] = f"process {process.name} ({' '.join(words).strip()[:80]})"
    return [found[process] for process in sorted(found)]
