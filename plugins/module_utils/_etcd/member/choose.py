# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which members of a cluster may take a snapshot, and in which order: one pure function.

Members that see the same cluster in the same hour come to the same order, without a word between them.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from ..._check import SKIP, Check
from .cluster import Cluster, Seen
from .health import MOST_ENTRIES_BEHIND

CHECK = "etcd snapshot member"


@dataclasses.dataclass(frozen=True)
class Choice:
    """``members``: names, the one whose turn it is first. ``left_out``: name -> why not."""

    members: tuple[str, ...]
    left_out: t.Mapping[str, str]

    def checks(self) -> list[Check]:
        """Skips: what is wrong with a member is for the checks of the cluster to judge."""
        return [Check(CHECK, SKIP, f"etcd/{name}", f"passed over: {why}") for name, why in self.left_out.items()]


def turn(when: datetime.datetime) -> int:
    """Goes on by one in each hour and from one day to the next, so hourly and daily snapshots go round the members."""
    since = when.astimezone(datetime.timezone.utc) - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    return since.days + since.seconds // 3600


def members(cluster: Cluster, number: int) -> Choice:
    """``number``: that of the turn, see `turn`. The leader, which has the most to do already, comes last."""
    found = sorted(cluster.members, key=lambda seen: seen.member.id)
    leader = _leader(found)
    ahead = max((seen.status.raft_index for seen in found if seen.status and not _learner(seen)), default=0)
    why_not = {seen.member.id: _why_not(seen, cluster, ahead) for seen in found}
    # All followers have a place in the round: where two members do not agree on whether a third one is well,
    # they still agree on everybody else's turn.
    followers = [seen for seen in found if seen.member.id != leader and not seen.member.is_learner]
    start = number % len(followers) if followers else 0
    order = followers[start:] + followers[:start] + [seen for seen in found if seen.member.id == leader]
    return Choice(
        tuple(seen.name for seen in order if not why_not[seen.member.id]),
        {seen.name: why_not[seen.member.id] for seen in found if why_not[seen.member.id]},
    )


def _leader(found: t.Sequence[Seen]) -> str:
    """Whom most of them follow."""
    named = collections.Counter(seen.status.leader for seen in found if seen.status and seen.status.leader)
    return max(named, key=lambda one: (named[one], one), default="")


def _learner(seen: Seen) -> bool:
    return seen.member.is_learner or bool(seen.status and seen.status.is_learner)


def _why_not(seen: Seen, cluster: Cluster, ahead: int) -> str:
    """Empty where the member may take it. ``ahead``: how far the log of the cluster is known to go."""
    status = seen.status
    if not status:
        return f"does not answer: {seen.trouble}"
    if _learner(seen):
        return "is a learner, which may lag behind"
    if not status.leader:
        return "knows no leader"
    alarms = sorted(alarm.kind for alarm in cluster.alarms or () if alarm.member_id == seen.member.id)
    if alarms:
        return f"has raised {', '.join(alarms)}"
    behind = ahead - status.raft_applied_index
    if behind > MOST_ENTRIES_BEHIND:
        return f"is {behind} entries behind, at most {MOST_ENTRIES_BEHIND} are normal"
    return ""
