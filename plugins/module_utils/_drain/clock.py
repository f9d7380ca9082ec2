# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The time that a drain lives by, in one hand, so that a test can turn it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import email.utils
import time
import typing as t

from .._kube import Kube
from .._wait import Deadline


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@dataclasses.dataclass(frozen=True)
class Clock:
    now: t.Callable[[], float] = time.monotonic
    utc: t.Callable[[], datetime.datetime] = _utc
    sleep: t.Callable[[float], None] = time.sleep

    def deadline(self, seconds: float) -> Deadline:
        return Deadline(seconds, clock=self.now)

    def timestamp(self) -> str:
        return self.utc().strftime("%Y-%m-%dT%H:%M:%SZ")


def server_utc(kube: Kube, now: t.Callable[[], float] = time.monotonic) -> t.Callable[[], datetime.datetime]:
    """The time by the clocks that the API's timestamps are of, which may not be ours.

    Of several servers the clock that is behind all others: one that runs ahead would make pods late that are not.
    """
    epoch = datetime.datetime.fromtimestamp(0, datetime.timezone.utc)
    ahead, heard = float("inf"), ("", 0.0)

    def utc() -> datetime.datetime:
        nonlocal ahead, heard
        if kube.heard != heard:
            heard = kube.heard
            with contextlib.suppress(TypeError, ValueError):
                ahead = min(ahead, email.utils.parsedate_to_datetime(heard[0]).timestamp() - heard[1])
        if ahead == float("inf"):
            return _utc()
        return epoch + datetime.timedelta(seconds=ahead + now())

    return utc
