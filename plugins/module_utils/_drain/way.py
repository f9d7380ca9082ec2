# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a pod is evicted or deleted, and whose leave that takes. Nothing else decides it.

A deletion asks no budget. Pods that are deleted with the leave of theirs have to be counted right before.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from . import budgets, filters, pods
from .pods import Pod


@dataclasses.dataclass(frozen=True)
class Ways:
    """What the user allows besides evictions. ``always_delete``: no budget is asked at all.

    ``unhealthy_after``: seconds after which an unready pod is deleted past a budget that holds it.
    """

    always_delete: bool = False
    if_all_allow: bool = False
    unhealthy_after: float | None = None


# By default nothing is deleted.
EVICTIONS = Ways()


@dataclasses.dataclass(frozen=True)
class Way:
    """``asks``: the budgets whose leave it takes. ``why`` a pod is deleted that others evict.

    ``as_seen``: only if it did not change since it was seen. ``at_once``: without a grace period.
    """

    deletes: bool = False
    asks: tuple[str, ...] = ()
    why: str = ""
    as_seen: bool = False
    at_once: bool = False

    @property
    def verb(self) -> str:
        return "delete" if self.deletes else "evict"

    @property
    def past(self) -> str:
        done = "deleted" if self.deletes else "evicted"
        return f"{done} ({self.why})" if self.why else done


def choose(pod: Pod, over: t.Sequence[budgets.Object], ways: Ways, now: datetime.datetime) -> Way:
    """``over``: the budgets that cover it."""
    if ways.always_delete:
        return Way(deletes=True)
    asks = tuple(budgets.key(budget) for budget in over if budgets.needs_leave(pod, budget))
    ill = ways.unhealthy_after is not None and _held_as_unready(pod, over)
    if ill and (ways.if_all_allow or not is_never_evicted(pod, over)):
        seconds = int(filters.seconds_past(pods.unready_since(pod), now))
        if seconds >= t.cast("float", ways.unhealthy_after):
            past = " and ".join(asks)
            return Way(deletes=True, as_seen=True, why=f"not ready for {seconds} s, past budget {past}")
    if ways.if_all_allow and is_never_evicted(pod, over):
        several = " and ".join(budgets.key(budget) for budget in over)
        return Way(deletes=True, asks=asks, why=f"under {several}, with the leave of each")
    return Way(asks=asks)


# For a pod that is past its grace period. What is left of it on a silent node runs on.
FORCED = Way(deletes=True, why="by force, because it was stuck", at_once=True)


def is_never_evicted(pod: Pod, over: t.Sequence[budgets.Object]) -> bool:
    """Not even where all of the budgets have no say in an unready pod."""
    return len(over) > 1 and budgets.is_asked_about(pod)


def _held_as_unready(pod: Pod, over: t.Sequence[budgets.Object]) -> bool:
    """Whether it would be free to go if the budgets always allowed unready pods to."""
    if pods.ready(pod) or not pods.unready_since(pod) or any(budgets.is_stale(budget) for budget in over):
        return False
    return any(budgets.needs_leave(pod, budget) and not budgets.allowed(budget) for budget in over)
