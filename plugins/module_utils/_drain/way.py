# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a pod is evicted or deleted, and whose leave that takes. Nothing else decides it.

A deletion asks no budget, so whoever deletes has to see to it that the budgets hold.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import budgets
from .pods import Pod


@dataclasses.dataclass(frozen=True)
class Ways:
    """What the user allows besides evictions. ``always_delete``: no budget is asked at all."""

    always_delete: bool = False
    if_all_allow: bool = False


# By default nothing is deleted.
EVICTIONS = Ways()


@dataclasses.dataclass(frozen=True)
class Way:
    """``asks``: the budgets whose leave it takes. ``why`` a pod is deleted that others evict."""

    deletes: bool = False
    asks: tuple[str, ...] = ()
    why: str = ""

    @property
    def verb(self) -> str:
        return "delete" if self.deletes else "evict"

    @property
    def past(self) -> str:
        done = "deleted" if self.deletes else "evicted"
        return f"{done} ({self.why})" if self.why else done


def choose(pod: Pod, over: t.Sequence[budgets.Object], ways: Ways) -> Way:
    """``over``: the budgets that cover it."""
    if ways.always_delete:
        return Way(deletes=True)
    asks = tuple(budgets.key(budget) for budget in over if budgets.needs_leave(pod, budget))
    if ways.if_all_allow and is_never_evicted(pod, over):
        several = " and ".join(budgets.key(budget) for budget in over)
        return Way(deletes=True, asks=asks, why=f"under {several}, with the leave of each")
    return Way(asks=asks)


def is_never_evicted(pod: Pod, over: t.Sequence[budgets.Object]) -> bool:
    """Not even where all of the budgets have no say in an unready pod."""
    return len(over) > 1 and budgets.is_asked_about(pod)
