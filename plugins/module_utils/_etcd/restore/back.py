# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way back of a restore on this member, and the end of what restores have left.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import functools
import os
import shutil
import typing as t

from ..._check import PASS, WARN, Check
from ..._errors import MaintenanceError
from ..._wait import Deadline, WaitTimeout, until
from ..member import lock
from ..member.gateway import Gateway, GatewayError
from ..member.health import LEADER
from ..snapshots.report import reported
from . import order as orders
from . import place, prepare, swap
from . import plan as plans
from .plan import COMMITTED, FINAL, ROLLED_BACK, ROLLING_BACK
from .report import Request, RestoreReport
from .step import Step

# What is to be deleted is renamed first: half of somebody's data must never have its name.
_DELETED = ".deleted"
_FULL = (errno.ENOSPC, errno.EDQUOT)
# Seconds for the other members to come back, too. They may be lost, so nothing depends on it.
_PATIENCE = 60


def roll_back(step: Step) -> None:
    if step.phase == ROLLED_BACK:
        return
    if plans.reached(step.phase, COMMITTED):
        raise MaintenanceError(
            f"{step.plan.folder}: this restore is {step.phase}, and clients have seen its revisions. Nothing was done."
            f" What was there before comes back by a restore of its own: restore.yml, -e restore_undo={step.plan.id}"
        )
    began = plans.begun(step.phase)
    if step.phase != ROLLING_BACK:
        _noted(step, ROLLING_BACK)
    # What was only prepared was never in anybody's way: the member runs.
    if began:
        _bring_back(step)
    if not _noted(step, ROLLED_BACK):
        raise MaintenanceError(
            f"{step.plan.folder}: the disk is full, so that this member went back could not be noted there. It has its"
            " data from before, and was started. Free some room, and run this again"
        )


def _noted(step: Step, phase: str) -> bool:
    """A full disk must not keep a member stopped: renames need no room, and the directories tell how far it is."""
    try:
        step.enter(phase)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        step.report.plan = dataclasses.replace(step.plan, phase=phase)
        return False
    return True


def _bring_back(step: Step) -> None:
    plan = step.plan
    if not swap.look(plan).untouched:
        step.stop()
        step.report.act(
            f"rename {plan.live} to {plan.rejected}, and {plan.previous} to {plan.live}", lambda: swap.back(plan)
        )
    if step.report.dry_run:
        step.report.actions.append(step.service.starts)
        return
    if swap.look(plan).live:
        step.report.checks.append(_runs(step))
        return
    step.stop()
    evidence = f"{plan.live} was not there before the restore, and is not there now"
    fix = (
        "it stays stopped, for it would make a cluster of its own: restore a snapshot, or add it to the others again,"
        f" and then {step.service.starts}"
    )
    step.report.checks.append(Check("etcd member serves again", WARN, f"etcd/{plan.here.name}", evidence, fix))


def _runs(step: Step) -> Check:
    """It has its data from before, and is told to start. Where it cannot, it may be what the restore was for: then
    going back is done all the same, or nothing else could ever be begun.
    """
    try:
        step.start()
    except WaitTimeout as error:
        fix = "mend it, or restore another snapshot: nothing of this restore is in the way any more"
        return Check("etcd member started", WARN, f"etcd/{step.plan.here.name}", error.msg, fix)
    return _serves(step)


def _serves(step: Step) -> Check:
    """Whether its old cluster has found together. The other members may be on their way still, or lost."""
    subject, gateway = f"etcd/{step.plan.here.name}", Gateway(step.local)

    def leader() -> t.Optional[str]:
        with contextlib.suppress(GatewayError):
            return gateway.status().leader or None
        return None

    try:
        found = until(leader, Deadline(min(_PATIENCE, step.deadline.left)), lambda: "", interval=0.5)
    except WaitTimeout:
        fix = "bring the other members back to what they used before, too (state rolled_back), and look at their logs"
        return Check(LEADER, WARN, subject, "it runs, and knows no leader yet", fix)
    return Check(LEADER, PASS, subject, f"member {found} leads")


def clean(request: Request, identity: str = "", keep: int = 0) -> dict[str, t.Any]:
    """Delete what finished restores have left: the one that is named, else all but the newest ``keep``."""
    report = RestoreReport(request.dry_run)
    return reported(report, request.manifests, lambda: _clean(request, identity, keep, report))


def _clean(request: Request, identity: str, keep: int, report: RestoreReport) -> None:
    if identity:
        orders.check_id(identity)
    local = place.discover(request.manifests, request.unit)
    purpose = f"cleaning up after restores of etcd/{local.name}"
    with lock.member_lock(purpose, request.lock_timeout, request.lock_path, request.dry_run) as waited:
        report.durations["lock"] = round(waited, 3)
        for path in _half_deleted(local.data_dir):
            report.act(
                f"delete {path}, of which a killed run has deleted a part", functools.partial(shutil.rmtree, path)
            )
        for path in () if identity else prepare.leftovers(local.data_dir):
            report.act(f"delete {path}, which was prepared and never begun", functools.partial(shutil.rmtree, path))
        for one in _finished(local.data_dir, identity, keep):
            what = f"{one.order.snapshot.name}, {one.phase} at {one.at.get(one.phase, 'an unknown time')}"
            report.act(f"delete {one.folder}, what a restore has left ({what})", functools.partial(_delete, one.folder))
        if not report.dry_run:
            with contextlib.suppress(OSError):  # others are in it, or there never was one
                os.rmdir(os.path.join(local.data_dir, plans.FOLDER))


def _finished(data_dir: str, identity: str, keep: int) -> list[plans.Plan]:
    done = [one for one in plans.all_of(data_dir) if one.phase in FINAL]
    if not identity:
        return done[: max(0, len(done) - keep)]
    found = plans.read(data_dir, identity)
    if found and found not in done:
        raise MaintenanceError(
            f"{found.folder}: this restore is {found.phase}, so what it would be taken back to is needed still. Nothing"
            " was deleted. Go on with it, or take it back (state rolled_back)"
        )
    return [found] if found else []


def _half_deleted(data_dir: str) -> list[str]:
    top = os.path.join(data_dir, plans.FOLDER)
    with contextlib.suppress(FileNotFoundError):
        names = [name for name in sorted(os.listdir(top)) if name.endswith(_DELETED)]
        return [os.path.join(top, name) for name in names if orders.ID.fullmatch(name[: -len(_DELETED)])]
    return []


def _delete(folder: str) -> None:
    os.rename(folder, folder + _DELETED)
    shutil.rmtree(folder + _DELETED)
