# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which snapshots are kept, and why: one pure function.

Tiers are labels and not copies. One file may be the newest of its hour, its day, its week and its month, and is kept as
long as one of them keeps it. Times are those of the sidecars, in UTC: a copy has a new date in its file system.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from . import identity
from .identity import Identity

MANUAL, PRE_UPGRADE = "manual", "pre-upgrade"
# Longer without a snapshot is more likely a clock that has jumped ahead, for which everything is suddenly old.
GAP = datetime.timedelta(days=366)


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """``released``: a pre-upgrade one that nobody needs for its upgrade any more. ``proven``: restored in a drill.

    ``cluster`` is what tells it from those of other clusters. ``verified``: its file is as it was when it was verified,
    and no drill has found it damaged.
    """

    name: str
    taken: datetime.datetime
    tier: str
    cluster: Identity
    verified: bool = True
    released: bool = False
    proven: bool = False

    @property
    def ordinary(self) -> bool:
        return self.tier != MANUAL and (self.released or self.tier != PRE_UPGRADE)


@dataclasses.dataclass(frozen=True)
class Policy:
    """For how many hours, days, weeks and months the newest snapshot of each is kept; 0 keeps none for its sake.

    ``at_least`` of the ordinary ones are kept however old they are. ``at_most`` are deleted in one run.
    """

    hourly: int = 24
    daily: int = 7
    weekly: int = 4
    monthly: int = 12
    at_least: int = 3
    at_most: int = 100


@dataclasses.dataclass(frozen=True)
class Verdict:
    snapshot: Snapshot
    keep: bool
    reason: str


class _Tier(t.NamedTuple):
    """``period``: the calendar's hour, day, week or month of a time, in UTC."""

    name: str
    lasts: datetime.timedelta
    period: t.Callable[[datetime.datetime], t.Hashable]


def decide(snapshots: t.Iterable[Snapshot], policy: Policy, cluster: Identity, now: datetime.datetime) -> list[Verdict]:
    """One verdict for each, newest first. ``cluster``: whose snapshots these are; those of others are left alone."""
    found = sorted(snapshots, key=lambda one: (one.taken, one.name), reverse=True)
    candidates = [one for one in found if not _untouchable(one, cluster, now)]
    labels = _labels(candidates, policy, now)
    spared = {one.name for one in candidates[: max(1, policy.at_least)]}
    stranded = _stranded(candidates)
    verdicts = []
    for one in found:
        reason = _untouchable(one, cluster, now) or ", ".join(labels.get(one.name, ()))
        if not reason and one.name in spared:
            reason = f"one of the {max(1, policy.at_least)} newest"
        reason = reason or stranded.get(one.name, "")
        verdicts.append(Verdict(one, bool(reason), reason or "no hour, day, week or month keeps it"))
    return _limited(verdicts, policy.at_most)


def _untouchable(one: Snapshot, cluster: Identity, now: datetime.datetime) -> str:
    """Why it is kept whatever the policy says, empty where the policy decides."""
    if not identity.same(one.cluster, cluster):
        return "of another cluster"
    if one.tier == MANUAL:
        return "taken by hand: never deleted by itself"
    if not one.ordinary:
        return "from before an upgrade: kept until it is released"
    if not one.verified:
        return "its file is not the one that was verified, or a drill could not restore it: have a look at it"
    if one.taken > now:
        return "from the future: have a look at the clocks"
    return ""


def _labels(candidates: t.Sequence[Snapshot], policy: Policy, now: datetime.datetime) -> dict[str, list[str]]:
    """Name -> the tiers that keep it."""
    tiers = (
        _Tier("hourly", datetime.timedelta(hours=policy.hourly), lambda taken: (taken.date(), taken.hour)),
        _Tier("daily", datetime.timedelta(days=policy.daily), lambda taken: taken.date()),
        _Tier("weekly", datetime.timedelta(weeks=policy.weekly), lambda taken: tuple(taken.isocalendar())[:2]),
        _Tier("monthly", datetime.timedelta(days=policy.monthly * 366 / 12), lambda taken: (taken.year, taken.month)),
    )
    labels: dict[str, list[str]] = {}
    for tier in tiers:
        best: dict[t.Hashable, Snapshot] = {}
        for one in candidates:  # newest first, and a proven one is worth more
            period = tier.period(one.taken.astimezone(datetime.timezone.utc))
            if period not in best or (one.proven and not best[period].proven):
                best[period] = one
        for one in best.values():
            if now - one.taken <= tier.lasts:
                labels.setdefault(one.name, []).append(tier.name)
    return labels


def _stranded(candidates: t.Sequence[Snapshot]) -> dict[str, str]:
    """Those from before a gap, and why they are kept. ``now`` has no say in it, for it is what is doubted.

    Who releases a snapshot has looked at it.
    """
    for older in range(1, len(candidates)):
        gap = candidates[older - 1].taken - candidates[older].taken
        if gap > GAP:
            reason = f"from before {gap.days} days without a snapshot: have a look at the clocks, or delete it by hand"
            return {one.name: reason for one in candidates[older:] if not one.released}
    return {}


def _limited(verdicts: t.Sequence[Verdict], at_most: int) -> list[Verdict]:
    """The oldest go first; what is more than ``at_most`` goes in the next run."""
    going = [verdict.snapshot.name for verdict in verdicts if not verdict.keep]
    later = set(going[: max(0, len(going) - at_most)])
    return [
        Verdict(verdict.snapshot, True, f"goes in a later run: at most {at_most} in one")
        if verdict.snapshot.name in later
        else verdict
        for verdict in verdicts
    ]
