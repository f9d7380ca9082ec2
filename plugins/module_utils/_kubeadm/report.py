# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run did, told alike on success and on failure.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import time
import typing as t

from .._check import Check


class Report:
    def __init__(self) -> None:
        self.actions: list[str] = []
        self.before: dict[str, t.Any] = {}
        self.after: dict[str, t.Any] = {}
        self.durations: dict[str, float] = {}
        self.checks: list[Check] = []

    def act(self, action: str) -> None:
        self.actions.append(action)

    @contextlib.contextmanager
    def timed(self, name: str) -> t.Iterator[None]:
        """Add the seconds of a block to ``name``; a block that fails has taken its time too."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.durations[name] = round(self.durations.get(name, 0.0) + time.monotonic() - start, 1)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "changed": bool(self.actions),
            "actions": self.actions,
            "before": self.before,
            "after": self.after,
            "durations": self.durations,
            "checks": [check.as_dict() for check in self.checks],
        }
