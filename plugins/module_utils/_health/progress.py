# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells a person who waits for a cluster to be well what still is not.

A line names checks and objects. Of the evidence it has numbers, and nothing that a kubelet or a controller wrote: an
image's address may have a password in it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import Check, failures
from .._tell import Counters, Tell, nobody, some

# Their evidence is made of numbers only.
NUMBERS = ("workloads", "budgets")


class Progress:
    def __init__(self, tell: Tell = nobody, now: t.Callable[[], float] | None = None) -> None:
        self._tell = tell
        self._counters = Counters(tell, now) if now else Counters(tell)
        self._counters.soon()
        self._waits = False

    def failing(self, checks: t.Sequence[Check]) -> None:
        self._waits = True
        self._counters.show(still(failures(checks)))

    def silent(self) -> None:
        self._waits = True
        self._counters.show("health: the API does not answer as it should; asked again")

    def well(self, seconds: float) -> None:
        if self._waits:
            self._tell(f"health: no check fails any more, after {seconds:.0f} s")


def still(failed: t.Sequence[Check]) -> str:
    many = f"{len(failed)} checks fail" if len(failed) > 1 else "1 check fails"
    return f"health: {many}: {some([_name(check) for check in failed])}"


def _name(check: Check) -> str:
    numbers = f" ({check.evidence})" if check.name in NUMBERS else ""
    return f"{check.name} {check.object}{numbers}"
