# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Progress: one line per stage, with the time that it took."""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

_started = time.monotonic()
_lock = threading.Lock()


def elapsed() -> float:
    return time.monotonic() - _started


def say(text: str) -> None:
    """Print a line behind the time since the command began."""
    with _lock:
        print(f"[{elapsed():6.1f}s] {text}", flush=True)


@contextlib.contextmanager
def stage(name: str) -> t.Iterator[None]:
    """A stage says when it begins, and when it is done how long it took."""
    say(f"{name} ...")
    begin = time.monotonic()
    yield
    say(f"{name}: {time.monotonic() - begin:.1f}s")
