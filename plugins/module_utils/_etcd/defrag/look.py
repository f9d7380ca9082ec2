# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster around a member that is to be changed, and what else may be at work on it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ... import _static_pod
from ..._check import FAIL, SKIP, Check, failures
from ..._errors import MaintenanceError
from ..._wait import Deadline, until
from .. import disk
from ..member import health, lock, topology
from ..member.cluster import Cluster, Seen, survey
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import LocalMember
from ..member.state import Status
from ..restore import plan
from . import guards
from .limits import Limits, Size, size
from .maintainer import Maintainer, Metrics
from .report import Report

# Seconds. Metrics are there at once, or are not served.
_PATIENCE = 5
# Where Kubernetes keeps its nodes.
NODES = b"/registry/minions/"
# Node objects as they are stored -> what an upgrade has left on this node or on them.
Traces = t.Callable[[t.Iterable[tuple[bytes, bytes]]], list[str]]


@dataclasses.dataclass(frozen=True)
class Request:
    """``recover`` from NOSPACE. ``single_member``: consent to a cluster that stands still. ``unit``: what `unit.show`
    read. ``patience``: seconds for the answer to a defragmentation; then it is watched.
    """

    limits: Limits = Limits()
    recover: bool = False
    single_member: bool = False
    timeout: float = 900
    settle_timeout: float = 120
    lock_timeout: float = 120
    manifests: str = _static_pod.MANIFESTS
    unit: str = ""
    lock_path: t.Optional[str] = None
    dry_run: bool = False
    patience: float = 60
    upgrade: Traces = lambda nodes: []


@dataclasses.dataclass(frozen=True)
class Found:
    """``inflight``: member's name -> whether it is being defragmented, ``snapshots``: how many somebody reads from this
    member; None where that is not known.
    """

    cluster: Cluster
    own: Seen
    inflight: t.Mapping[str, t.Optional[bool]]
    snapshots: t.Optional[int] = None

    @property
    def status(self) -> Status:
        return t.cast(Status, self.own.status)

    @property
    def size(self) -> Size:
        return size(self.status, self.own.quota)

    @property
    def leads(self) -> bool:
        return self.status.leader == self.own.member.id

    @property
    def subject(self) -> str:
        return f"etcd/{self.own.name}"


@contextlib.contextmanager
def opened(request: Request, report: Report, purpose: str) -> t.Iterator[tuple[LocalMember, Found]]:
    """The member and its cluster, with the member's lock held."""
    local = topology.discover(request.manifests, request.unit)
    report.member = local.name
    what = f"{purpose} of etcd/{local.name}"
    with lock.member_lock(what, request.lock_timeout, request.lock_path, request.dry_run) as waited:
        if not request.dry_run:
            waited += _no_snapshot(local, request.lock_timeout - waited)
        report.durations["lock"] = round(waited, 3)
        found = look(local)
        note(found, report)
        report.before = found.size
        yield local, found


def note(found: Found, report: Report) -> None:
    names = {seen.member.id: seen.name for seen in found.cluster.members}
    report.member = found.own.name
    report.cluster_id = found.status.cluster_id
    report.leader = names.get(found.status.leader, "")
    report.members = sorted(names.values())
    report.alarms = [
        {"member": names.get(one.member_id, one.member_id), "kind": one.kind} for one in found.cluster.alarms or ()
    ]


def _no_snapshot(local: LocalMember, patience: float) -> float:
    """Wait for the end of snapshots that somebody takes without the lock. Return how many seconds that took."""
    deadline = Deadline(max(0, patience))
    until(
        lambda: None if Maintainer(local, _PATIENCE).metrics().snapshots else True,
        deadline,
        lambda: (
            f"etcd/{local.name}: somebody reads a snapshot from it (grpc_server_started_total of Snapshot is ahead of"
            " grpc_server_handled_total), and who defragments it meanwhile stops all that it serves until that is"
            " through. Nothing was changed. Look for a job that runs etcdctl snapshot save, or raise lock_timeout"
        ),
        interval=0.5,
    )
    return deadline.elapsed


def look(local: LocalMember) -> Found:
    try:
        own = Gateway(local).status().member_id
    except GatewayError as error:
        busy = Maintainer(local, _PATIENCE).metrics().defrag_inflight
        why = guards.other_defragmentation({local.name: True}) if busy else health.silent(local.name, error.msg)
        raise MaintenanceError(why.sentence(), checks=[why.as_dict()]) from None
    cluster = survey([local], compare=False)
    # Also of those that are silent: who is being defragmented tells that, and nothing else.
    told = {
        seen.member.id: Maintainer(dataclasses.replace(local, endpoint=seen.endpoint), _PATIENCE).metrics()
        for seen in cluster.members
        if seen.endpoint
    }
    members = tuple(_with(seen, told.get(seen.member.id, Metrics())) for seen in cluster.members)
    mine = [seen for seen in members if seen.member.id == own and seen.status]
    if not mine:
        listed = ", ".join(str(seen.member) for seen in members)
        raise MaintenanceError(f"etcd/{local.name}: member {own} is not among the members that answer: {listed}")
    inflight = {
        seen.name: told[seen.member.id].defrag_inflight
        for seen in cluster.members
        if seen.endpoint and (seen.status or told[seen.member.id].defrag_inflight)
    }
    return Found(dataclasses.replace(cluster, members=members), mine[0], inflight, told[own].snapshots)


def _with(seen: Seen, metrics: Metrics) -> Seen:
    trouble = seen.trouble
    if not seen.status and metrics.defrag_inflight:
        trouble = "it is being defragmented (etcd_disk_defrag_inflight is 1), and answers when that is done"
    return dataclasses.replace(seen, quota=seen.quota or metrics.quota or 0, trouble=trouble)


def check(request: Request, local: LocalMember, found: Found) -> list[Check]:
    """What else must not be at work on the member, and whether all others are well."""
    gate = guards.gate(found.cluster)
    return [
        *gate,
        _no_restore(local),
        _no_upgrade(request, local, well=not failures(gate)),
        guards.other_defragmentation(found.inflight),
    ]


def _no_upgrade(request: Request, local: LocalMember, well: bool) -> Check:
    name = "no upgrade in progress"
    if not well:  # to read takes a quorum, and without one long
        return Check(name, SKIP, "cluster", "not looked for where etcd is not well")
    try:
        return guards.no_upgrade(name, request.upgrade(Maintainer(local).stored(NODES)))
    except GatewayError as error:
        return Check(name, FAIL, "cluster", error.msg, "look at the member's log")


def _no_restore(local: LocalMember) -> Check:
    try:
        found = plan.unfinished(local.data_dir)
    except MaintenanceError as error:
        return guards.no_restore(error.msg)
    return guards.no_restore(f"{found.folder} is {found.phase}" if found else "")


def room(local: LocalMember, found: Found) -> Check:
    folder = os.path.join(local.data_dir, "member", "snap")
    return guards.room(folder, disk.free_bytes(folder), found.size)


def refuse(report: Report, subject: str, not_done: str) -> None:
    failed = failures(report.checks)
    if failed:
        reasons = "; ".join(check.sentence() for check in failed)
        raise MaintenanceError(f"{subject}: {not_done}: {reasons}")


def settled(request: Request, local: LocalMember, what: str) -> Found:
    """Wait until all members answer, follow one leader and have caught up. ``what`` was done before."""
    reasons: list[str] = []

    def well() -> t.Optional[Found]:
        try:
            found = look(local)
        except MaintenanceError as error:
            reasons[:] = [error.msg]
            return None
        checks = [*guards.gate(found.cluster), guards.alarms(found.cluster, recover=True)]
        reasons[:] = [one.sentence() for one in failures(checks)]
        return None if reasons else found

    return until(
        well,
        Deadline(request.settle_timeout),
        lambda: (
            f"{what}, but etcd is not well {request.settle_timeout:g} s later: {'; '.join(reasons)}. Mend that, then"
            " run this again: what is done already is not done twice"
        ),
        interval=0.5,
    )
