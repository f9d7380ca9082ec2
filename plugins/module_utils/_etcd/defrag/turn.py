# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One member is defragmented.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._check import PASS, WARN, Check, failures
from ..._errors import MaintenanceError
from ..._wait import Deadline, until
from ..member import health, state
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import LocalMember
from ..snapshots.report import reported
from . import guards, heir
from .limits import Size, Verdict, judge
from .look import Found, Request, check, note, opened, refuse, room, settled
from .maintainer import Maintainer
from .report import Report

_UNTOUCHED = "not defragmented, nothing was changed"


def run(request: Request) -> dict[str, t.Any]:
    report = Report(request.dry_run)

    def work() -> None:
        with opened(request, report, "defragmentation") as (local, found):
            _run(request, local, found, report)

    return reported(report, "etcd", work)


def _run(request: Request, local: LocalMember, found: Found, report: Report) -> None:
    recovering = request.recover and guards.has_nospace(found.cluster)
    verdict = _verdict(request, found, recovering)
    report.due, report.why, report.after = verdict.due, verdict.why, found.size
    alarm = guards.alarms(found.cluster, request.recover)
    report.checks += [alarm, guards.quota(found.subject, found.size, recovering), *check(request, local, found)]
    # A cluster that only reads, or that contradicts itself, must not be told that there is nothing to do.
    if failures([alarm]):
        refuse(report, found.subject, _UNTOUCHED)
    if not verdict.due:
        return
    report.checks += [
        _room(local, found, compacts=recovering and request.dry_run),
        guards.others(found.cluster, request.single_member, found.size),
        guards.no_snapshot(found.subject, found.snapshots),
    ]
    refuse(report, found.subject, _UNTOUCHED)
    _step_down(request, local, found, report)
    report.act(
        f"defragment it, which makes it stand still for about {found.size.seconds} s: {verdict.why}",
        lambda: _defragment(request, local, found),
        timed="defragment",
    )
    if request.dry_run:
        return
    report.done = True
    clock = Deadline(request.settle_timeout)
    try:
        after = settled(request, local, f"{found.subject} was defragmented")
    finally:
        report.durations["settle"] = round(clock.elapsed, 3)
    note(after, report)
    report.after = after.size
    report.checks.append(_smaller(found, after.size))


def _room(local: LocalMember, found: Found, compacts: bool) -> Check:
    """``compacts``: what is in use will be less before its turn, and nobody knows by how much."""
    needed = room(local, found)
    if not (compacts and failures([needed])):
        return needed
    fix = f"the compaction comes first; where it does not free enough of the file, {needed.fix}"
    return dataclasses.replace(needed, status=WARN, fix=fix)


def _verdict(request: Request, found: Found, recovering: bool) -> Verdict:
    if recovering:
        return Verdict(True, f"NOSPACE is raised, so every member is; {found.size}")
    return judge(found.size, request.limits)


def _smaller(found: Found, after: Size) -> Check:
    before = found.size.db_size
    evidence = f"{before} bytes before, {after.db_size} after"
    if after.db_size < before:
        return Check("file smaller", PASS, found.subject, evidence)
    return Check("file smaller", WARN, found.subject, evidence, "look at what was written meanwhile, and at etcd's log")


def _step_down(request: Request, local: LocalMember, found: Found, report: Report) -> None:
    """A leader that stands still costs the cluster an election, and leases."""
    if not found.leads or len(found.cluster.members) == 1:
        return
    try:
        to = heir.choose(found.cluster, found.own.member.id, request.limits)
    except MaintenanceError:
        if not request.dry_run:
            raise
        followers = heir.candidates(found.cluster, found.own.member.id)
        report.act(f"move the leadership to the best of {followers}, when these have been defragmented", lambda: None)
        return

    def move() -> None:
        Maintainer(local).move_leader(to.member.id)
        now = settled(request, local, f"the leadership was moved to etcd/{to.name}")
        if now.leads:
            raise MaintenanceError(f"{found.subject} leads again, so it was not defragmented. Run this again")

    report.act(f"move the leadership to etcd/{to.name}", move, timed="transfer")


def _defragment(request: Request, local: LocalMember, found: Found) -> None:
    deadline = Deadline(request.timeout)
    try:
        Maintainer(local, min(request.patience, request.timeout)).defragment()
        return
    except GatewayError as error:
        trouble = error.msg
    # It goes on without its client.
    tells = found.inflight.get(found.own.name) is not None
    watch = _Watch(local, found.status, trouble, request.settle_timeout if tells else request.timeout)
    until(watch.ended, deadline, lambda: f"{trouble}. After {deadline.seconds:g} s {watch.seen}", interval=0.5)


class _Watch:
    """Of a member that is at work on it without a client. It tells its metrics then, and nothing else."""

    def __init__(self, local: LocalMember, before: state.Status, trouble: str, patience: float) -> None:
        self._local, self._before, self._trouble, self._patience = local, before, trouble, patience
        self._silent = Deadline(patience)
        self.seen = ""

    def ended(self) -> t.Optional[bool]:
        inflight = Maintainer(self._local, 5).metrics().defrag_inflight
        self.seen = (
            f"its file has not become smaller than {self._before.db_size} bytes: it may still be at work on it"
            " (etcd_disk_defrag_inflight). Wait for it, then run this again"
        )
        try:
            now = Gateway(self._local).status()
        except GatewayError as error:
            if inflight is None:
                self._gone(error)
            else:
                self._silent = Deadline(self._patience)
            return None
        self._silent = Deadline(self._patience)
        if inflight:
            return None
        if now.db_size < self._before.db_size:
            return True
        if inflight is None:
            return None
        size = f"its file has {now.db_size} bytes, as before"
        raise MaintenanceError(f"{self._trouble}. It is not at work on that, and {size}")

    def _gone(self, error: GatewayError) -> None:
        silent = health.silent(self._local.name, f"{error.msg}, and tells no metrics either")
        self.seen = f"{silent.sentence()}. Nothing is lost with what it was writing: bring it back, then run this again"
        if self._silent.over:
            raise MaintenanceError(
                f"{self._trouble}. After {self._patience:g} s {self.seen}", checks=[silent.as_dict()]
            )
