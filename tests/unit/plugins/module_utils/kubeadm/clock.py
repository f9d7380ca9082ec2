# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Time that passes only by waiting."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils import _wait


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        defaults = _wait.until.__defaults__
        assert defaults
        # Defaults are bound when a function is made: they are what has to be replaced.
        monkeypatch.setattr(_wait.Deadline.__init__, "__defaults__", (lambda: self.now,))
        monkeypatch.setattr(_wait.until, "__defaults__", (defaults[0], self.sleep))

    def sleep(self, seconds: float) -> None:
        self.now += seconds
