# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs that end at any of the system's calls that matter: by an exception, or by SIGKILL in a process of their own."""

from __future__ import annotations

import os
import signal
import typing as t

import pytest

# Whatever changes what is on the disk. Reading changes nothing, so a cut there is one before the next of these.
CALLS = ("rename", "mkdir", "chown", "chmod", "setxattr", "fsync", "unlink", "rmdir", "open")


def places(calls: int) -> list[tuple[int, bool]]:
    """Before each call, and after the last: right after one is before the next."""
    return [*((at, False) for at in range(1, calls + 1)), (calls, True)]


class Cut(BaseException):
    """Not to be caught by anything that a program does about errors."""


class Cutter:
    """Ends the run at the call number ``at``, before it or right after it. ``at`` 0: never; then it only counts."""

    def __init__(self, at: int = 0, after: bool = False, kill: bool = False) -> None:
        self._at, self._after, self._kill = at, after, kill
        self.calls = 0

    def _end(self) -> t.NoReturn:
        if self._kill:
            os.kill(os.getpid(), signal.SIGKILL)
        raise Cut

    def wrap(self, name: str) -> t.Callable[..., t.Any]:
        original = getattr(os, name)

        def call(*arguments: t.Any, **named: t.Any) -> t.Any:
            if name == "open" and not (len(arguments) > 1 and arguments[1] & os.O_CREAT):
                return original(*arguments, **named)
            self.calls += 1
            mine = self.calls == self._at
            if mine and not self._after:
                self._end()
            try:
                return original(*arguments, **named)
            finally:
                if mine:
                    self._end()

        return call


def run(work: t.Callable[[], object], at: int = 0, after: bool = False) -> tuple[bool, int]:
    """Whether the run came to its end, and how many calls it made."""
    cutter = Cutter(at, after)
    with pytest.MonkeyPatch.context() as patch:
        for name in CALLS:
            patch.setattr(os, name, cutter.wrap(name))
        try:
            work()
        except Cut:
            return False, cutter.calls
    return True, cutter.calls


def killed(work: t.Callable[[], object], at: int, after: bool) -> bool:
    """Whether SIGKILL came before the run was at its end. It runs in a child, so nothing of it is tidied up."""
    child = os.fork()
    if child == 0:
        try:
            cutter = Cutter(at, after, kill=True)
            for name in CALLS:
                setattr(os, name, cutter.wrap(name))
            work()
        except BaseException:  # noqa: BLE001 (nothing of the parent may go on here)
            os._exit(1)
        os._exit(0)
    _pid, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False
