# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Deadlines, and the only place that sleeps.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import time
import typing as t

from ._errors import MaintenanceError

T = t.TypeVar("T")


class Deadline:
    """A point in monotonic time, ``seconds`` from now."""

    def __init__(self, seconds: float, clock: t.Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._start = clock()

    @property
    def elapsed(self) -> float:
        return self._clock() - self._start

    @property
    def left(self) -> float:
        return max(0.0, self.seconds - self.elapsed)

    @property
    def over(self) -> bool:
        return self.left <= 0


class WaitTimeout(MaintenanceError):
    """What was waited for did not happen in time."""


def until(
    probe: t.Callable[[], t.Optional[T]],
    deadline: Deadline,
    message: t.Callable[[], str],
    interval: float = 1.0,
    sleep: t.Callable[[float], None] = time.sleep,
) -> T:
    """Call ``probe`` until it returns something that is not None and return that.

    Probes at least once. Raises WaitTimeout with ``message()``, made at that moment: it tells the last state seen.
    """
    while True:
        found = probe()
        if found is not None:
            return found
        if deadline.over:
            raise WaitTimeout(message())
        sleep(min(interval, deadline.left))
