# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting for a condition: the only place that sleeps, and never without a deadline."""

from __future__ import annotations

import time
import typing as t

from .process import LabError

T = t.TypeVar("T")
# Seconds after which something is broken. What works may take long on a slow machine.
PATIENCE = 300


def until(what: str, probe: t.Callable[[], T | None], seconds: float = PATIENCE, every: float = 0.25) -> T:
    """Call ``probe`` until it gives something true; a LabError of its own says what is still missing."""
    deadline = time.monotonic() + seconds
    missing = ""
    while True:
        try:
            if found := probe():
                return found
        except LabError as error:
            missing = f": {error}"
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not happen within {seconds:.0f} s{missing}")
        time.sleep(every)
