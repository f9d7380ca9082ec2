# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first step of a restore, while everything runs: verify, restore beside the data, read what was restored.

Nothing that is used is touched, and where anything fails, nothing is left.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import shutil
import time
import typing as t

from ..._check import failures
from ..._errors import MaintenanceError
from ..._wait import Deadline
from .. import disk
from ..member import lock, programs
from ..member.local_member import LocalMember
from ..member.programs import Program
from ..snapshots import snapshot
from ..snapshots.report import reported
from . import order as orders
from . import place, plan, preflight, proof, restored
from .order import Order
from .report import Request, RestoreReport

# Of a check, so that it is no restore's.
_SCRATCH = ".check"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """``plan``: as the filter makes it. ``kubelet``: as ``systemctl is-active`` says. ``places``: folders of the host
    that may have etcd's programs.
    """

    plan: t.Mapping[str, t.Any]
    directory: str
    drill: bool = False
    kubelet: str = ""
    places: t.Sequence[str] = programs.PLACES


def run(request: Request, wanted: Wanted) -> dict[str, t.Any]:
    report = RestoreReport(request.dry_run)
    return reported(report, wanted.directory, lambda: _run(request, wanted, report))


def _run(request: Request, wanted: Wanted, report: RestoreReport) -> None:
    order = orders.parse(wanted.plan)
    local = place.discover(request.manifests, request.unit)
    here = place.here(local, request.manifests)
    _check_listed(order, here)
    purpose = f"restore {order.id} of etcd/{local.name}"
    with lock.member_lock(purpose, request.lock_timeout, request.lock_path, request.dry_run) as waited:
        report.durations["lock"] = round(waited, 3)
        report.plan = plan.read(local.data_dir, order.id)
        if report.plan and _is_done(report.plan, order):
            return
        _refuse_others(local.data_dir, order)
        try:
            _prepare(request, wanted, report, order, local, here)
        except MaintenanceError:
            report.plan = None
            raise


def _prepare(
    request: Request, wanted: Wanted, report: RestoreReport, order: Order, local: LocalMember, here: plan.Here
) -> None:
    deadline = Deadline(request.timeout)
    left = leftovers(local.data_dir)
    clock = time.monotonic()
    path, facts = preflight.verified(wanted.directory, order)
    report.durations["verify"] = round(time.monotonic() - clock, 3)
    question = preflight.Question(order, local, wanted.directory, wanted.kubelet, wanted.places, wanted.drill)
    freed = sum(map(disk.used_bytes, left))
    report.checks, tools = preflight.look(question, request.manifests, facts, freed)
    if failures(report.checks):
        raise _refusal(report)
    for one in left:
        report.act(f"remove {one}, which was prepared and never begun", functools.partial(shutil.rmtree, one))
    if wanted.drill:
        with _timed(report, "drill"):
            proof.hold(tools, path, facts, proof.Place(wanted.directory, local.name), deadline, report)
    with _timed(report, "restore"):
        _restore(report, order, here, tools["etcdutl"], (path, facts), deadline)


def _restore(
    report: RestoreReport,
    order: Order,
    here: plan.Here,
    etcdutl: Program,
    of: tuple[str, snapshot.Facts],
    deadline: Deadline,
) -> None:
    """In check mode all of it, too, and removed again."""
    made = plan.Plan(order, here, plan.PREPARING, {})
    folder = made.folder + (_SCRATCH if report.dry_run else "")
    target = os.path.join(folder, "prepared")
    path, facts = of
    report.actions.append(
        f"restore {path} with etcdutl {etcdutl.version} into {os.path.dirname(made.prepared)}: revision"
        f" {order.revision}, token {order.token}"
    )
    keep = False
    try:
        disk.prepare(folder)
        if not report.dry_run:
            made = plan.enter(made, plan.PREPARING)
        restored.restore(etcdutl, path, target, order, here, deadline)
        report.expected = restored.check(target, facts.contents, order)
        if not report.dry_run:
            report.plan = plan.enter(made, plan.PREPARED)
            keep = True
    finally:
        if not keep:
            _remove(folder)
    report.changed = True


def _check_listed(order: Order, here: plan.Here) -> None:
    listed = [one for one in order.members if one.name == here.name]
    if not listed:
        names = ", ".join(one.name for one in order.members)
        raise MaintenanceError(
            f"etcd/{here.name}: is no member of the plan {order.id}, which has {names}. Make a plan with all hosts"
        )
    if sorted(listed[0].peer_urls) != sorted(here.peer_urls):
        raise MaintenanceError(
            f"etcd/{here.name}: is reached by other members at {' '.join(here.peer_urls)}, the plan {order.id} says"
            f" {' '.join(listed[0].peer_urls)}. Make a new plan"
        )


def _is_done(found: plan.Plan, order: Order) -> bool:
    """Whether this restore is that far here. Raise MaintenanceError where it can never be."""
    if found.phase in plan.BACK:
        raise MaintenanceError(
            f"{found.folder}: this restore was taken back on this member (it is {found.phase}). Make a new plan"
        )
    if found.order != order:
        raise MaintenanceError(f"{found.folder}: is another plan with the same id. Make a new plan")
    return plan.begun(found.phase) or (found.phase == plan.PREPARED and os.path.isdir(found.prepared))


def _refuse_others(data_dir: str, order: Order) -> None:
    for one in plan.all_of(data_dir):
        if one.id != order.id and plan.under_way(one.phase):
            raise MaintenanceError(
                f"{one.folder}: another restore of this member, of {one.order.snapshot.name}, is {one.phase}. Go on"
                " with that one (restore.yml with that snapshot), or take it back (-e restore_undo=true)"
            )


def leftovers(data_dir: str) -> list[str]:
    """What preparations have left that were never begun, and checks that were killed. Never anybody's data."""
    found = []
    for identity in plan.folders(data_dir):
        one = plan.read(data_dir, identity)
        folder = plan.folder(data_dir, identity)
        if not (one and plan.begun(one.phase)) and not _has_data(folder):
            found.append(folder)
    top = os.path.join(data_dir, plan.FOLDER)
    scratch = [
        name for name in _entries(top) if name.endswith(_SCRATCH) and orders.ID.fullmatch(name[: -len(_SCRATCH)])
    ]
    return found + [os.path.join(top, name) for name in scratch]


def _has_data(folder: str) -> bool:
    return any(os.path.lexists(os.path.join(folder, name)) for name in ("previous", "rejected"))


def _entries(folder: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(os.listdir(folder))
    return []


def _remove(folder: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):  # others are in it
        os.rmdir(os.path.dirname(folder))


def _refusal(report: RestoreReport) -> MaintenanceError:
    reasons = "; ".join(check.sentence() for check in failures(report.checks))
    return MaintenanceError(f"nothing was prepared, nothing was changed: {reasons}")


@contextlib.contextmanager
def _timed(report: RestoreReport, what: str) -> t.Iterator[None]:
    start = time.monotonic()
    try:
        yield
    finally:
        report.durations[what] = round(time.monotonic() - start, 3)
