# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a piece of work on snapshots did, or would do.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..._check import WARN, Check
from ..._errors import MaintenanceError


@dataclasses.dataclass
class Report:
    """The result, filled on the way, so that a failure returns the same keys as a success."""

    dry_run: bool
    changed: bool = False
    snapshot: dict[str, t.Any] | None = None
    checks: list[Check] = dataclasses.field(default_factory=list)
    kept: list[dict[str, str]] = dataclasses.field(default_factory=list)
    removed: list[dict[str, str]] = dataclasses.field(default_factory=list)
    actions: list[str] = dataclasses.field(default_factory=list)
    durations: dict[str, float] = dataclasses.field(default_factory=lambda: {"lock": 0.0, "save": 0.0, "verify": 0.0})

    def act(self, what: str, do: t.Callable[[], t.Any]) -> None:
        if not self.dry_run:
            do()
        self.actions.append(what)
        self.changed = True

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "changed": self.changed,
            "snapshot": self.snapshot,
            "checks": [check.as_dict() for check in self.checks],
            "kept": self.kept,
            "removed": self.removed,
            "summary": [check.sentence() for check in self.checks if check.status == WARN]
            + [f"keep    {one['name']}: {one['reason']}" for one in self.kept]
            + [f"delete  {one['name']}: {one['reason']}" for one in self.removed],
            "actions": self.actions,
            "durations": self.durations,
        }


class Filled(t.Protocol):
    """A report of any work."""

    actions: list[str]
    durations: dict[str, float]

    def as_dict(self) -> dict[str, t.Any]: ...


def reported(report: Filled, directory: str, work: t.Callable[[], None]) -> dict[str, t.Any]:
    """Do the work. What fails has the keys of the report, too."""
    start = time.monotonic()
    try:
        work()
    except MaintenanceError as error:
        error.data = {**report.as_dict(), **error.data}
        raise
    except OSError as error:
        done = "; ".join(report.actions) or "nothing"
        where = error.filename or directory
        raise MaintenanceError(f"{where}: {error.strerror}. Done before: {done}", **report.as_dict()) from error
    finally:
        report.durations["total"] = round(time.monotonic() - start, 3)
    return report.as_dict()
