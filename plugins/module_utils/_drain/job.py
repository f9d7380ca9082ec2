# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call for one node: what was asked for.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses

from .filters import Guards
from .ownership import Work


@dataclasses.dataclass(frozen=True)
class Means:
    """How pods are asked to go, and how long that may take, in seconds."""

    disable_eviction: bool = False
    grace_period: int | None = None
    timeout: float = 600
    slowest_look: float = 5


@dataclasses.dataclass(frozen=True)
class Job:
    """``me`` is what the node's annotation will say."""

    node: str
    me: Work
    guards: Guards = Guards()
    means: Means = Means()
    selector: str = ""
    restore_on_failure: bool = False
    force_uncordon: bool = False
    keep_work: bool = False
    check_mode: bool = False
