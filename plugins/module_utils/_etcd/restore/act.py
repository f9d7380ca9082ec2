# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A prepared restore carried out on this member, step by step, each of which is the same on all members.

Each notes what it is about to do, does what the directories and processes say is still to be done, and notes that it is
done. So a run that was killed is simply run again.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ... import _static_pods
from ..._errors import MaintenanceError
from ..._wait import Deadline
from ..database import live
from ..member import lock
from ..member.gateway import Gateway, GatewayError
from ..snapshots.report import reported
from . import back, gates, place, swap
from . import order as orders
from . import plan as plans
from .plan import (
    BACK,
    COMMITTED,
    FINISHED,
    PREPARED,
    STARTED,
    STARTING,
    STOPPED,
    STOPPING,
    SWAPPED,
    SWAPPING,
    VERIFIED,
)
from .report import Request, RestoreReport
from .service import Service
from .step import Step


def _apiservers() -> t.Sequence[int]:
    return _static_pods.processes("kube-apiserver")


@dataclasses.dataclass(frozen=True)
class Wanted:
    """``id``: of the restore. ``service``: what starts the member, made of what the plan says of it."""

    state: str
    id: str
    service: t.Callable[[plans.Here], Service]
    apiservers: t.Callable[[], t.Sequence[int]] = _apiservers


def run(request: Request, wanted: Wanted) -> dict[str, t.Any]:
    report = RestoreReport(request.dry_run)
    return reported(report, request.manifests, lambda: _run(request, wanted, report))


def _run(request: Request, wanted: Wanted, report: RestoreReport) -> None:
    orders.check_id(wanted.id)
    local = place.discover(request.manifests, request.unit)
    purpose = f"restore {wanted.id} of etcd/{local.name}, {wanted.state}"
    report.plan = plans.read(local.data_dir, wanted.id)  # who waits in vain says how far it is, too
    with lock.member_lock(purpose, request.lock_timeout, request.lock_path, request.dry_run) as waited:
        report.durations["lock"] = round(waited, 3)
        report.plan = plans.read(local.data_dir, wanted.id)
        if report.plan is None:
            raise MaintenanceError(
                f"{plans.folder(local.data_dir, wanted.id)}: there is no such restore of etcd/{local.name}, so nothing"
                " was done. Prepare it first (state prepared)"
            )
        service = wanted.service(report.plan.here)
        step = Step(report, local, service, Deadline(request.timeout), wanted.apiservers)
        if wanted.state == plans.ROLLED_BACK:
            back.roll_back(step)
        else:
            _forward(step, wanted.state)
            if wanted.state == COMMITTED:
                _supersede(step)  # also where a run was killed between the two


def _forward(step: Step, state: str) -> None:
    if step.phase in BACK:
        raise MaintenanceError(
            f"{step.plan.folder}: this restore was taken back on this member (it is {step.phase}), so it cannot be"
            f" {state} any more. Take it back on all members (state {plans.ROLLED_BACK}), and make a new one"
        )
    if plans.reached(step.phase, state):
        return
    before, work = _STEPS[state]
    if not plans.reached(step.phase, before):
        raise MaintenanceError(
            f"{step.plan.folder}: this restore is {step.phase} on this member and has to be {before} before it can be"
            f" {state}. Nothing was done"
        )
    work(step)
    step.enter(state)


def _stop(step: Step) -> None:
    step.check_alone()
    _check_revision(step)
    step.service.check()
    if step.phase != STOPPING:
        step.enter(STOPPING)
    step.stop()


def _check_revision(step: Step) -> None:
    """Clients must never see a revision that they have seen before with other data."""
    order, name = step.plan.order, step.plan.here.name
    try:
        revision = Gateway(step.local).status().revision
    except GatewayError:
        # It is down, and its file tells, but for what only its log has: the plan's margin is larger.
        revision = live.revision(step.plan.here.data_dir) or 0
    if revision >= order.revision:
        raise MaintenanceError(
            f"etcd/{name}: is at revision {revision}, and what was restored goes on from {order.revision}"
            f" ({order.snapshot.revision} of the snapshot, raised by {order.bump}): clients would see revisions going"
            " backwards. Nothing was stopped, nothing was renamed. Take this restore back (state rolled_back) and plan"
            " a new one, which raises it far enough"
        )


def _swap(step: Step) -> None:
    """Whoever has started the member again meanwhile has also let it go on."""
    if not swap.look(step.plan).exchanged:
        if step.users():
            step.check_alone()
            _check_revision(step)
        step.stop()
    if step.phase != SWAPPING:
        step.enter(SWAPPING)
    plan = step.plan
    if not swap.look(plan).exchanged:
        with step.timed("swap"):
            step.report.act(
                f"rename {plan.live} to {plan.previous}, and {plan.prepared} to {plan.live}", lambda: swap.forward(plan)
            )


def _start(step: Step) -> None:
    tree = swap.look(step.plan)
    if not tree.exchanged and not step.report.dry_run:
        raise MaintenanceError(
            f"{step.plan.folder}: this restore is {step.phase}, but {step.told(tree)}. Nothing was started. Somebody"
            " has renamed it: take this restore back (state rolled_back)"
        )
    if step.phase != STARTING:
        step.enter(STARTING)
    step.start()


def _verify(step: Step) -> None:
    """Changes nothing, so check mode has it, too."""
    with step.timed("verify"):
        step.report.checks += gates.passed(step.local, step.plan.order, step.deadline)
    step.report.actions.append(f"note that all {len(step.plan.order.members)} members hold what was restored")


def _commit(step: Step) -> None:
    step.report.actions.append(f"note that from here on {step.plan.previous} comes back only as a restore of its own")


def _supersede(step: Step) -> None:
    """What waited for its end will never come to it."""
    for one in plans.all_of(step.plan.here.data_dir):
        if one.phase == COMMITTED and one.id < step.plan.id:
            step.report.act(
                f"note that the restore {one.id} is superseded", functools.partial(plans.enter, one, plans.SUPERSEDED)
            )


def _finish(step: Step) -> None:
    step.report.actions.append("note that the cluster works with what was restored")


# What comes before, and what is done.
_STEPS: dict[str, tuple[str, t.Callable[[Step], None]]] = {
    STOPPED: (PREPARED, _stop),
    SWAPPED: (STOPPED, _swap),
    STARTED: (SWAPPED, _start),
    VERIFIED: (STARTED, _verify),
    COMMITTED: (VERIFIED, _commit),
    FINISHED: (COMMITTED, _finish),
}
STATES = (*_STEPS, plans.ROLLED_BACK)
