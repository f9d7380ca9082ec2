# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named checks of one etcd member, pure: they judge what the gateway answered.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._check import FAIL, PASS, Check
from . import state

if t.TYPE_CHECKING:
    from .gateway import Gateway

# etcd itself turns requests away at 5000 entries; a member that keeps up is a few behind.
MOST_ENTRIES_BEHIND = 1000
#: The check of one member, and of all.
LEADER = "etcd has a leader"
_ALARM_FIX = {
    "NOSPACE": "run defrag.yml -e defrag_recover_nospace=true: it compacts, defragments every member, and disarms it",
    "CORRUPT": "compare the members with etcdctl endpoint hashkv, remove the one that differs and add it again empty",
}


@dataclasses.dataclass(frozen=True)
class Observation:
    """What one member said. It is asked for members and alarms only where it can know them."""

    status: state.Status
    members: tuple[state.Member, ...]
    alarms: tuple[state.Alarm, ...]


def observe(gateway: Gateway) -> Observation:
    status = gateway.status()
    if not status.leader or status.is_learner:
        return Observation(status, (), ())
    return Observation(status, gateway.members(), gateway.alarms())


def checks(name: str, seen: Observation) -> list[Check]:
    """Whether this member can be trusted with what it says, worst news first where one follows from the other."""
    status = seen.status
    subject = f"etcd/{name}"
    found = [_leader(subject, status)]
    if found[0].status == PASS:
        found.append(_voter(subject, status))
    if all(check.status == PASS for check in found):
        found += [_listed(subject, seen), caught_up(subject, status)]
        names = {member.id: member.name for member in seen.members}
        found.append(alarms(subject, seen.alarms, names))
    return found


def silent(name: str, evidence: str) -> Check:
    """The check of a member that could not be asked."""
    fix = "look at its container or unit, and at its log: crictl ps -a --name etcd, journalctl -u kubelet -u etcd"
    return Check("etcd member answers", FAIL, f"etcd/{name}", evidence, fix)


def room(directory: str, free: int, database: int, beside: int = 0) -> Check:
    """Whether a snapshot fits: the database, a tenth for what is written meanwhile, and a fifth more to stay free.

    ``beside``: bytes of what is kept with it.
    """
    needed = database * 11 * 12 // 100 + beside
    more = f" and {beside} bytes that go with it" if beside else ""
    evidence = f"{needed} bytes needed for a database of {database} bytes{more}, {free} bytes free"
    if free >= needed:
        return Check("room for the snapshot", PASS, directory, evidence)
    fix = f"free {needed - free} bytes there, or choose another directory"
    return Check("room for the snapshot", FAIL, directory, evidence, fix)


def _leader(subject: str, status: state.Status) -> Check:
    if status.leader:
        return Check(LEADER, PASS, subject, f"member {status.leader} leads")
    evidence = "; ".join(("this member knows no leader", *status.errors))
    fix = "bring back the quorum: start the members that are down, and look at the network between their peer URLs"
    return Check(LEADER, FAIL, subject, evidence, fix)


def _voter(subject: str, status: state.Status) -> Check:
    if not status.is_learner:
        return Check("etcd member votes", PASS, subject, "voting member")
    fix = "wait until it has caught up and promote it (etcdctl member promote), or use a voting member"
    return Check("etcd member votes", FAIL, subject, f"member {status.member_id} is a learner and may lag behind", fix)


def _listed(subject: str, seen: Observation) -> Check:
    listed = ", ".join(map(str, seen.members))
    if any(member.id == seen.status.member_id for member in seen.members):
        return Check("etcd member listed", PASS, subject, f"members: {listed}")
    evidence = f"member {seen.status.member_id} is not among the members: {listed}"
    fix = "it was removed from the cluster: empty its data directory and add it again"
    return Check("etcd member listed", FAIL, subject, evidence, fix)


def caught_up(subject: str, status: state.Status) -> Check:
    behind = status.raft_index - status.raft_applied_index
    evidence = f"{behind} entries committed and not applied"
    if behind <= MOST_ENTRIES_BEHIND:
        return Check("etcd member caught up", PASS, subject, evidence)
    fix = "look for a slow disk or a running compaction, and try again when it has caught up"
    return Check("etcd member caught up", FAIL, subject, f"{evidence}, at most {MOST_ENTRIES_BEHIND} are normal", fix)


def alarms(subject: str, raised: t.Sequence[state.Alarm], names: t.Mapping[str, str]) -> Check:
    """``names`` of the members by id."""
    if not raised:
        return Check("etcd has no alarm", PASS, subject, "none")
    evidence = ", ".join(f"{alarm.kind} of {names.get(alarm.member_id) or alarm.member_id}" for alarm in raised)
    fixes = {_ALARM_FIX.get(alarm.kind, "see etcd's log") for alarm in raised}
    return Check("etcd has no alarm", FAIL, subject, evidence, "; ".join(sorted(fixes)))
