# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one shape of a check: preflight findings, health and gates all use it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

PASS = "pass"
WARN = "warn"
FAIL = "fail"
SKIP = "skip"


@dataclasses.dataclass(frozen=True)
class Check:
    """A short noun phrase and what was found: ``fix`` is what to do next, empty on a pass."""

    name: str
    status: str
    object: str
    evidence: str
    fix: str = ""

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    def sentence(self) -> str:
        """``FAIL  node ready: node/w1 is NotReady since 10:02. Fix: ...``"""
        text = f"{self.status.upper():<5} {self.name}: {self.object}: {self.evidence}"
        return f"{text}. Fix: {self.fix}" if self.fix else text


def failures(checks: t.Iterable[Check]) -> list[Check]:
    return [check for check in checks if check.status == FAIL]
