# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Named checks of a cluster of etcd, pure: they judge what its members said.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import typing as t

from ..._check import FAIL, PASS, SKIP, WARN, Check
from . import health, state
from .cluster import Cluster, Seen

CLUSTER = "etcd"
# etcd's own default, and what it does with zero.
DEFAULT_QUOTA = 2 << 30
# In percent of the quota that is in use, and what may lie free inside the file before it is worth a defragmentation.
FULL, NEARLY_FULL = 90, 80
WASTED_SHARE, WASTED_BYTES = 45, 200 << 20


def checks(cluster: Cluster, stored: t.Optional[t.Sequence[state.Member]] = None) -> list[Check]:
    """``stored``: the members that the database of one member names, None where it could not be read."""
    found = [answers(seen) for seen in cluster.members]
    found += [_quorum(cluster), leader(cluster), _voters(cluster), _versions(cluster)]
    for seen in cluster.answering:
        found += [health.caught_up(f"etcd/{seen.name}", t.cast(state.Status, seen.status)), _room(seen), _waste(seen)]
    return [*found, alarms(cluster), equal(cluster), _zombies(cluster, stored)]


def answers(seen: Seen) -> Check:
    if seen.status:
        return Check("etcd member answers", PASS, f"etcd/{seen.name}", f"{seen.endpoint}, etcd {seen.status.version}")
    return health.silent(seen.name, seen.trouble)


def _quorum(cluster: Cluster) -> Check:
    voters = [seen for seen in cluster.members if not seen.member.is_learner]
    up = [seen for seen in voters if seen.status]
    needed = len(voters) // 2 + 1
    evidence = f"{len(up)} of {len(voters)} voting members answer, {needed} are needed"
    if len(up) < needed:
        return Check("etcd quorum", FAIL, CLUSTER, evidence, "start the members that are down, or restore a snapshot")
    if len(up) == needed and len(voters) > 1:
        fix = "bring all members back, and have three or five of them: two are no safer than one"
        return Check("etcd quorum", WARN, CLUSTER, f"{evidence}: none may be lost", fix)
    return Check("etcd quorum", PASS, CLUSTER, evidence)


def leader(cluster: Cluster) -> Check:
    named = {seen.name: t.cast(state.Status, seen.status).leader for seen in cluster.answering}
    leaders = set(named.values())
    if len(leaders) == 1 and all(leaders):
        names = {seen.member.id: seen.name for seen in cluster.members}
        (leader,) = leaders
        return Check(health.LEADER, PASS, CLUSTER, f"{names.get(leader, leader)} leads")
    said = ", ".join(f"{name}: {leader or 'none'}" for name, leader in named.items()) or "nobody answers"
    fix = "look at the network between the members' peer URLs, and at their logs for elections"
    return Check(health.LEADER, FAIL, CLUSTER, f"the members do not agree on one ({said})", fix)


def _voters(cluster: Cluster) -> Check:
    learners = [seen.name for seen in cluster.members if seen.member.is_learner]
    unstarted = [str(seen.member) for seen in cluster.members if not seen.member.name]
    if unstarted:
        fix = "start them, or remove them: etcdctl member remove ID"
        evidence = f"added and never started: {', '.join(unstarted)}"
        return Check("etcd members vote", FAIL, CLUSTER, evidence, fix)
    if learners:
        fix = "promote them when they have caught up (etcdctl member promote ID), or remove them"
        return Check("etcd members vote", WARN, CLUSTER, f"learners: {', '.join(learners)}", fix)
    return Check("etcd members vote", PASS, CLUSTER, f"{len(cluster.members)} voting")


def _versions(cluster: Cluster) -> Check:
    by_version = collections.defaultdict(list)
    for seen in cluster.answering:
        by_version[t.cast(state.Status, seen.status).version].append(seen.name)
    evidence = ", ".join(f"{version} on {', '.join(names)}" for version, names in sorted(by_version.items()))
    if len(by_version) > 1:
        return Check("etcd versions", WARN, CLUSTER, evidence, "finish the upgrade of the other members")
    return Check("etcd versions", PASS if by_version else SKIP, CLUSTER, evidence or "nobody answers")


def _room(seen: Seen) -> Check:
    """By what is in use: the rest of the file is used again before it grows."""
    status, subject = t.cast(state.Status, seen.status), f"etcd/{seen.name}"
    quota = seen.quota or DEFAULT_QUOTA
    percent = status.db_size_in_use * 100 // quota
    known = "" if seen.quota else ", etcd's default"
    evidence = f"{percent}% of its quota in use ({status.db_size_in_use} of {quota} bytes{known})"
    if percent < NEARLY_FULL:
        return Check("etcd room", PASS, subject, evidence)
    fix = (
        "find out what fills it (snapshots.yml -e inspect=true counts objects), or raise quota-backend-bytes on every"
        " member"
    )
    return Check("etcd room", FAIL if percent >= FULL else WARN, subject, evidence, fix)


def _waste(seen: Seen) -> Check:
    status, subject = t.cast(state.Status, seen.status), f"etcd/{seen.name}"
    free = status.db_size - status.db_size_in_use
    share = free * 100 // status.db_size if status.db_size else 0
    evidence = f"{share}% of the file is free inside ({free} of {status.db_size} bytes)"
    if share > WASTED_SHARE and free > WASTED_BYTES:
        return Check(
            "etcd file compact",
            WARN,
            subject,
            evidence,
            "run defrag.yml: it defragments it, followers first",
        )
    return Check("etcd file compact", PASS, subject, evidence)


def alarms(cluster: Cluster) -> Check:
    if cluster.alarms is None:
        return Check("etcd has no alarm", SKIP, CLUSTER, "no member could say, which needs a quorum")
    return health.alarms(CLUSTER, cluster.alarms, {seen.member.id: seen.member.name for seen in cluster.members})


def equal(cluster: Cluster) -> Check:
    names = {seen.member.id: seen.name for seen in cluster.members}
    hashes = cluster.hashes
    if len(hashes) < 2:
        return Check("etcd data equal", SKIP, CLUSTER, f"{len(hashes)} members have been compared")
    revisions = {(one.revision, one.compact_revision) for one in hashes.values()}
    if len(revisions) > 1:
        return Check("etcd data equal", SKIP, CLUSTER, "compacted while it was compared, each time it was tried")
    ((revision, _compacted),) = revisions
    by_hash = collections.defaultdict(list)
    for member, one in hashes.items():
        by_hash[one.hash].append(names[member])
    if len(by_hash) == 1:
        return Check("etcd data equal", PASS, CLUSTER, f"the same on {len(hashes)} members at revision {revision}")
    said = ", ".join(f"{value} on {', '.join(members)}" for value, members in by_hash.items())
    fix = "take a snapshot of each side first; then remove the member that differs from the most and add it again empty"
    return Check("etcd data equal", FAIL, CLUSTER, f"hashes at revision {revision} differ: {said}", fix)


def _zombies(cluster: Cluster, stored: t.Optional[t.Sequence[state.Member]]) -> Check:
    """Before 3.6 etcd goes by another list than the one in its database, which counts from 3.6 on (etcd#20967)."""
    if stored is None:
        return Check("etcd member list", SKIP, CLUSTER, "the database of this node's member could not be read")
    listed = {seen.member.id: seen.member for seen in cluster.members}
    kept = {member.id: member for member in stored}
    differences = {
        "removed, but stored": [one for name, one in kept.items() if name not in listed],
        "not stored": [one for name, one in listed.items() if name not in kept],
        "stored with another role": [
            one for name, one in kept.items() if name in listed and listed[name].is_learner != one.is_learner
        ],
    }
    found = [f"{what}: {', '.join(map(str, members))}" for what, members in differences.items() if members]
    if not found:
        return Check("etcd member list", PASS, CLUSTER, f"{len(kept)} members, as the database has them")
    fix = "bring every member to the latest 3.5 patch, which mends its list, before any of them goes to 3.6"
    return Check("etcd member list", FAIL, CLUSTER, "; ".join(found), fix)
