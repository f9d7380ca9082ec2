# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call: what was asked for, and the means to do it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import MaintenanceError
from .._kube import Kube
from .clock import Clock
from .filters import Guards
from .news import Silence
from .order import Group
from .ownership import Work
from .progress import Progress
from .way import Ways


@dataclasses.dataclass(frozen=True)
class Means:
    """How pods are asked to go, and how long that may take, in seconds."""

    disable_eviction: bool = False
    grace_period: int | None = None
    timeout: float = 600
    slowest_look: float = 5
    order: tuple[Group, ...] = ()
    stuck_after: float = 120
    leave_unreachable: bool = False
    detach_timeout: float = 0
    force_delete_stuck: bool = False
    delete_if_all_allow: bool = False
    delete_unhealthy_after: float | None = None

    @property
    def ways(self) -> Ways:
        return Ways(self.disable_eviction, self.delete_if_all_allow, self.delete_unhealthy_after)

    @property
    def verb(self) -> str:
        return "delete" if self.disable_eviction else "evict"


@dataclasses.dataclass(frozen=True)
class Job:
    """``nodes`` by their names, or those that ``node_selector`` matches. ``me`` is what their annotations will say.

    ``parallel``: how many nodes are emptied at once, 0 is all of them. ``max_cordoned``: how many of the cluster may be
    out of work, 0 is no limit.
    """

    nodes: tuple[str, ...]
    me: Work
    guards: Guards = Guards()
    means: Means = Means()
    selector: str = ""
    restore_on_failure: bool = False
    force_uncordon: bool = False
    keep_work: bool = False
    node_selector: str = ""
    parallel: int = 0
    max_cordoned: int = 0
    check_mode: bool = False


class Abandoned(MaintenanceError):
    """The one who asked for the drain is gone."""


@dataclasses.dataclass(frozen=True)
class Call:
    """What every room works with. ``news`` makes new ones, ``abandoned`` tells that nobody waits any more."""

    kube: Kube
    job: Job
    clock: Clock
    progress: Progress
    abandoned: t.Callable[[], bool]
    news: t.Callable[[], Silence]
