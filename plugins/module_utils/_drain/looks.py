# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When to look again: every so often of the time that has passed since something changed.

So quick drains end quickly, and long waits cost few requests.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

from .clock import Clock

TICK = 0.5
_SHARE = 0.05
# Who is told of changes only looks for what nobody has told of.
_SHARE_WITH_NEWS = 2.0


class Looks:
    """``slowest``: seconds between two of them at most."""

    def __init__(self, clock: Clock, slowest: float) -> None:
        self._clock, self._slowest = clock, slowest
        self._changed = clock.now()
        self._next = self._changed + TICK

    def due(self, when_quiet: bool = False) -> bool:
        """``when_quiet``: not while one change comes after the other."""
        return self._clock.now() >= max(self._next, self._changed + TICK if when_quiet else 0.0)

    def change(self) -> None:
        self._changed = self._clock.now()

    def hurry(self) -> None:
        self._next = self._clock.now()

    def defer(self) -> None:
        self._next = max(self._next, self._clock.now() + TICK)

    def failed(self, retry_after: float | None) -> None:
        self._next = self._clock.now() + (retry_after or TICK)

    def done(self, with_news: bool = False) -> None:
        quiet = self._clock.now() - self._changed
        share = _SHARE_WITH_NEWS if with_news else _SHARE
        self._next = self._clock.now() + max(TICK, min(self._slowest, quiet * share))
