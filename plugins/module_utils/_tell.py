# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines for a person who waits: who hears them, and how many are enough.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import time
import typing as t

Tell = t.Callable[[str], None]

# Seconds between two lines that only say how far it is.
BEAT = 10.0


def nobody(_line: str) -> None:
    """Where nobody listens."""


class Counters:
    """Lines about how far it is: one now and then, and only when it says something new."""

    def __init__(self, tell: Tell, now: t.Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._now = now
        self._last = ""
        self._next = now() + BEAT

    def soon(self) -> None:
        """The next line need not wait."""
        self._next = self._now()

    def rest(self) -> None:
        """Something was told just now that says as much."""
        self._next = self._now() + BEAT

    def show(self, line: str) -> None:
        if self._now() < self._next:
            return
        self.rest()
        if line and line != self._last:
            self._last = line
            self._tell(line)


def some(things: t.Sequence[str], between: str = ", ", shown: int = 3) -> str:
    """The first of them, and how many more there are."""
    text = between.join(things[:shown])
    more = len(things) - shown
    return f"{text} and {more} more" if more > 0 else text
