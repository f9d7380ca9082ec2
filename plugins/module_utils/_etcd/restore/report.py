# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a step of a restore is asked for, and what it did.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ... import _static_pod
from ..snapshots.report import Report
from .plan import Plan


@dataclasses.dataclass(frozen=True)
class Request:
    """What all steps are told. ``unit``: what `unit.show` read. ``lock_path``: none is the node's own."""

    timeout: float = 600
    lock_timeout: float = 120
    manifests: str = _static_pod.MANIFESTS
    unit: str = ""
    lock_path: t.Optional[str] = None
    dry_run: bool = False


@dataclasses.dataclass
class RestoreReport(Report):
    """``expected``: what the restored member has to hold."""

    plan: t.Optional[Plan] = None
    expected: t.Optional[dict[str, t.Any]] = None
    durations: dict[str, float] = dataclasses.field(default_factory=lambda: {"lock": 0.0})

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "changed": self.changed,
            "phase": self.plan.phase if self.plan else "",
            "plan": self.plan.as_dict() if self.plan else None,
            "expected": self.expected,
            "checks": [check.as_dict() for check in self.checks],
            "actions": self.actions,
            "durations": {name: round(seconds, 3) for name, seconds in self.durations.items()},
        }
