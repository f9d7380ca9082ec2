# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What comes of a run, filled on the way.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._check import FAIL, WARN, Check
from .limits import Size


@dataclasses.dataclass
class Report:
    """``due``: whether the member is worth it, and ``why``; None where that was not asked. ``done``: it was."""

    dry_run: bool
    changed: bool = False
    member: str = ""
    cluster_id: str = ""
    leader: str = ""
    members: list[str] = dataclasses.field(default_factory=list)
    alarms: list[dict[str, str]] = dataclasses.field(default_factory=list)
    due: t.Optional[bool] = None
    done: bool = False
    why: str = ""
    before: t.Optional[Size] = None
    after: t.Optional[Size] = None
    checks: list[Check] = dataclasses.field(default_factory=list)
    actions: list[str] = dataclasses.field(default_factory=list)
    durations: dict[str, float] = dataclasses.field(
        default_factory=lambda: dict.fromkeys(("lock", "transfer", "defragment", "settle"), 0.0)
    )

    def act(self, what: str, do: t.Callable[[], t.Any], timed: str = "") -> None:
        clock = time.monotonic()
        if not self.dry_run:
            # Noted before: an act that fails half way has changed something.
            self.changed = True
            try:
                do()
            finally:
                if timed:
                    self.durations[timed] = round(time.monotonic() - clock, 3)
        self.actions.append(what)
        self.changed = True

    def as_dict(self) -> dict[str, t.Any]:
        shown = ("changed", "member", "cluster_id", "leader", "members", "alarms", "due", "why", "actions", "durations")
        return {
            **{name: getattr(self, name) for name in shown},
            "before": self.before.as_dict() if self.before else None,
            "after": self.after.as_dict() if self.after else None,
            "checks": [check.as_dict() for check in self.checks],
            "summary": self._summary(),
        }

    def _summary(self) -> list[str]:
        would = "would " if self.dry_run else ""
        lines = [f"{would}{action}" for action in self.actions]
        if self.why and not self.actions and not self.due:
            lines.append(f"nothing to do: {self.why}")
        elif self.before and self.after and self.done:
            took = self.durations["defragment"]
            lines.append(f"{self.before.db_size} bytes before, {self.after.db_size} after, in {took:.1f} s")
        told = [check.sentence() for check in self.checks if check.status in (WARN, FAIL)]
        return [f"etcd/{self.member}: {line}" for line in lines] + told
