# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has to hold before a member is defragmented, and again after it: named checks, pure.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._check import FAIL, PASS, SKIP, WARN, Check
from ..member import cluster_health, health, state
from ..member.cluster import Cluster
from .limits import Size

CORRUPT, NOSPACE = "CORRUPT", "NOSPACE"
# Of the checks of a cluster, those that a member which stands still for a while would make worse.
_GATE = ("etcd member answers", health.LEADER, "etcd members vote", "etcd versions")
# A file grows by that much at a time.
_STEP = 16 << 20


def gate(cluster: Cluster) -> list[Check]:
    """All members answer, vote, have caught up and follow one leader. What is a warning elsewhere fails here."""
    found = [
        dataclasses.replace(check, status=FAIL) if check.status in (WARN, SKIP) else check
        for check in cluster_health.checks(cluster)
        if check.name in _GATE
    ]
    said = [(seen.name, t.cast(state.Status, seen.status)) for seen in cluster.answering]
    ahead = max((status.raft_index for _name, status in said), default=0)
    found += [health.caught_up(f"etcd/{name}", dataclasses.replace(status, raft_index=ahead)) for name, status in said]
    return found


def alarms(cluster: Cluster, recover: bool) -> Check:
    """``recover``: from NOSPACE, which is what a defragmentation is for."""
    raised = cluster.alarms
    if raised is None:
        fix = "bring back the quorum: start the members that are down"
        return Check("etcd has no alarm", FAIL, "etcd", "no member could say, which needs a quorum", fix)
    names = {seen.member.id: seen.member.name for seen in cluster.members}
    found = health.alarms("etcd", [one for one in raised if not (recover and one.kind == NOSPACE)], names)
    if found.status == PASS and raised:
        return dataclasses.replace(found, evidence="none but NOSPACE, from which it is recovered")
    if {one.kind for one in raised} == {NOSPACE}:
        fix = (
            "set recover_nospace (-e defrag_recover_nospace=true): compact to the current revision, which makes every"
            " watch begin anew, defragment all members, then disarm NOSPACE"
        )
        return dataclasses.replace(found, fix=fix)
    # Nothing here is a way out of the others, and while one of them is raised, NOSPACE has to wait.
    rest = [one for one in raised if one.kind != NOSPACE]
    return dataclasses.replace(found, fix=health.alarms("etcd", rest, names).fix)


def has_nospace(cluster: Cluster) -> bool:
    return any(one.kind == NOSPACE for one in cluster.alarms or ())


def other_defragmentation(inflight: t.Mapping[str, t.Optional[bool]]) -> Check:
    """By name of the member, None where its metrics could not be read."""
    name = "no other defragmentation"
    running = [member for member, runs in inflight.items() if runs]
    if running:
        fix = "wait until it ends; look for a job that runs etcdctl defrag, and let one of the two do it"
        return Check(name, FAIL, "etcd", f"etcd_disk_defrag_inflight is 1 on {', '.join(running)}", fix)
    unread = [member for member, runs in inflight.items() if runs is None]
    if unread:
        return Check(name, SKIP, "etcd", f"the metrics of {', '.join(unread)} could not be read")
    return Check(name, PASS, "etcd", f"none on {', '.join(inflight) or 'any member'}")


def no_snapshot(subject: str, running: t.Optional[int]) -> Check:
    """A warning: whoever has the lock has waited for those that are taken without it."""
    name = "no snapshot of it is read"
    if running is None:
        return Check(name, SKIP, subject, "its metrics do not say")
    if running:
        fix = "its turn waits for that; without an end to it, look for a job that runs etcdctl snapshot save"
        return Check(name, WARN, subject, f"{running} just now", fix)
    return Check(name, PASS, subject, "none")


def no_upgrade(name: str, traces: t.Sequence[str]) -> Check:
    if not traces:
        return Check(name, PASS, "cluster", "none is seen from this node")
    fix = "finish it (upgrade.yml goes on from where it was left), then run this again"
    return Check(name, FAIL, "cluster", "; ".join(traces), fix)


def no_restore(unfinished: str) -> Check:
    name = "no restore in progress"
    if not unfinished:
        return Check(name, PASS, "etcd", "none is unfinished on this node")
    fix = "finish the restore (restore.yml goes on from where it was left), or undo it, first;"
    fix += " what was only prepared goes with -e restore_clean=true"
    return Check(name, FAIL, "etcd", unfinished, fix)


def room(directory: str, free: int, found: Size) -> Check:
    """The new file is written beside the old one."""
    needed = found.db_size_in_use * 11 // 10 + _STEP
    evidence = f"{needed} bytes needed for {found.db_size_in_use} bytes in use, {free} bytes free"
    if free >= needed:
        return Check("room for the new file", PASS, directory, evidence)
    return Check("room for the new file", FAIL, directory, evidence, f"free {needed - free} bytes there")


def others(cluster: Cluster, consent: bool, found: Size) -> Check:
    """Whether somebody serves while this member does not."""
    name, number = "other members serve", len(cluster.members)
    if number > 1:
        return Check(name, PASS, "etcd", f"{number - 1} besides this one")
    evidence = f"the only member: the API answers nothing for about {found.seconds} s"
    if consent:
        return Check(name, WARN, "etcd", evidence, "nothing: single_member allows it")
    return Check(name, FAIL, "etcd", evidence, "allow it with single_member (-e defrag_single_member=true)")


def quota(subject: str, found: Size, recover: bool = False) -> Check:
    """Whether a defragmentation alone can bring the file below its quota. A warning: it may still be worth it."""
    percent = found.db_size_in_use * 100 // found.quota
    evidence = f"{percent}% of its quota is in use ({found.db_size_in_use} of {found.quota} bytes)"
    if percent <= cluster_health.NEARLY_FULL:
        return Check("room below the quota", PASS, subject, evidence)
    enough = "does not bring the file far below the quota" if percent < 100 else "does not bring the file below it"
    first = "if the compaction does not free enough, " if recover else ""
    fix = (
        f"{first}delete what fills it (snapshots.yml -e inspect=true counts objects), or raise quota-backend-bytes on"
        " every member"
    )
    return Check("room below the quota", WARN, subject, f"{evidence}: a defragmentation alone {enough}", fix)
