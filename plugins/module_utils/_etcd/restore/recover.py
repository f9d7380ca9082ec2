# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcd had before a restore, made into a snapshot like any other, so that a restore can bring it back.

To rename it into its place would take revisions back that clients have seen. A copy of it is started as a cluster of
one, which replays the log, and a snapshot of that is saved. What was set aside stays as it is.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import glob
import os
import shutil
import time
import typing as t

from ..._check import failures
from ..._errors import MaintenanceError
from ..._wait import Deadline
from .. import disk
from ..database import contents, live
from ..drill import drill_checks, throwaway
from ..member import health, lock, programs
from ..member.local_member import LocalMember
from ..member.programs import Program
from ..snapshots import backup, fetch, leftovers, snapshot, store, vault
from ..snapshots.report import Report, reported
from ..snapshots.snapshot import Label
from . import order as orders
from . import place, prepare_checks, tools
from . import plan as plans
from .plan import COMMITTED, STOPPED, Plan
from .report import Request

_TIER = "manual"  # nothing deletes it by itself


@dataclasses.dataclass(frozen=True)
class Wanted:
    """``id``: of the restore before which it was. ``places``: folders of the host that may have etcd's programs."""

    id: str
    directory: str
    places: t.Sequence[str] = programs.PLACES


class _Report(Report):
    def as_dict(self) -> dict[str, t.Any]:
        told = ("changed", "snapshot", "checks", "actions", "durations")
        return {name: value for name, value in super().as_dict().items() if name in told}


@dataclasses.dataclass(frozen=True)
class _Means:
    """With which programs; how many bytes the database has; whose it was."""

    programs: t.Mapping[str, Program]
    database: int
    copied: throwaway.Copied


def run(request: Request, wanted: Wanted) -> dict[str, t.Any]:
    report = _Report(request.dry_run)
    return reported(report, wanted.directory, lambda: _run(request, wanted, report))


def _run(request: Request, wanted: Wanted, report: Report) -> None:
    store.check_directory(wanted.directory)
    orders.check_id(wanted.id)
    local = place.discover(request.manifests, request.unit)
    purpose = f"recovery of what etcd/{local.name} had before the restore {wanted.id}"
    with lock.member_lock(purpose, request.lock_timeout, request.lock_path, request.dry_run) as waited:
        report.durations["lock"] = round(waited, 3)
        report.snapshot = _earlier(wanted, local)
        if report.snapshot:
            return
        plan = _plan(local, wanted.id)
        means = _look(wanted, local, plan, report)
        for path in (*store.leftovers(wanted.directory, local.name), *_orphans(wanted, local, plan)):
            report.act(f"remove {path}, which a killed run has left", functools.partial(os.unlink, path))
        leftovers.remove_drills(wanted.directory, local.name, report, "run")
        if not os.path.isdir(wanted.directory):
            report.act(f"create directory {wanted.directory}", lambda: disk.prepare(wanted.directory))
        report.act(
            f"start a copy of {plan.previous} with etcd {means.programs['etcd'].version}, save a snapshot of it to"
            f" {wanted.directory}, and remove the copy",
            lambda: _recover(request, wanted, local, plan, means, report),
        )


def _label(identity: str) -> Label:
    return Label(_TIER, f"what etcd had before the restore {identity}", f"before-restore-{identity}")


def _earlier(wanted: Wanted, local: LocalMember) -> t.Optional[dict[str, t.Any]]:
    """What was recovered already. Raise MaintenanceError where it is not what it was: there can be no second one."""
    for path, sidecar in store.described(wanted.directory, local.name):
        if (sidecar.get("tier"), sidecar.get("run_key")) == (_TIER, _label(wanted.id).run_key):
            if sidecar.get("damaged") or not snapshot.is_described(path, sidecar):
                why = (sidecar.get("damaged") or {}).get("reason") or snapshot.another(path)
                raise MaintenanceError(
                    f"{path}: was recovered already, and is of no use: {why}. Delete it and {store.sidecar(path)}, and"
                    " run this again"
                )
            return {"path": path, **sidecar}
    return None


def _plan(local: LocalMember, identity: str) -> Plan:
    found = plans.read(local.data_dir, identity)
    if found is None:
        known = ", ".join(plans.folders(local.data_dir)) or "none"
        raise MaintenanceError(
            f"{plans.folder(local.data_dir, identity)}: there is no such restore of etcd/{local.name}, so nothing was"
            f" recovered. There: {known}"
        )
    if not plans.reached(found.phase, COMMITTED):
        raise MaintenanceError(
            f"{found.folder}: this restore is {found.phase} and not {COMMITTED}, so nothing was recovered. Take it back"
            " (-e restore_undo=true), and nothing is lost"
        )
    if not os.path.isdir(found.previous):
        raise MaintenanceError(
            f"{found.previous}: is not there, so nothing was recovered: it was cleaned, or this member had no data."
            " Another member may have it"
        )
    if not glob.glob(os.path.join(glob.escape(found.previous), "wal", "*.wal")):
        raise MaintenanceError(
            f"{found.previous}/wal: has no log, without which etcd does not start, so nothing was recovered."
            " Somebody has deleted a part of what was set aside: another member may have all of it"
        )
    return found


def _look(wanted: Wanted, local: LocalMember, plan: Plan, report: Report) -> _Means:
    """The preflight. Raise MaintenanceError where a check fails; nothing has been written then."""
    version = tools.release(local, wanted.places) or plan.order.snapshot.etcd_version
    found = tools.find(local, version, wanted.directory, wanted.places)
    held = _holds(plan)
    database = os.path.getsize(os.path.join(plan.previous, "snap", "db"))
    size = sum(os.lstat(path).st_size for path, _where in _files(plan.previous))
    # What killed runs have left makes room when this one begins.
    left = leftovers.size(wanted.directory, local.name)
    report.checks += [
        drill_checks.apart(wanted.directory, local.data_dir),
        drill_checks.tools(wanted.directory, version, found),
        drill_checks.room(wanted.directory, size + database, disk.free_bytes(wanted.directory) + left),
        drill_checks.memory(held.rows, drill_checks.available()),
        prepare_checks.alarms(plan.previous, held),
    ]
    _need(report)
    return _Means(found, database, throwaway.Copied(local.name, alone=len(held.members) == 1))


def _holds(plan: Plan) -> contents.Contents:
    """But for what only its log has."""
    return live.everything(os.path.dirname(plan.previous))


def _orphans(wanted: Wanted, local: LocalMember, plan: Plan) -> list[str]:
    """A sidecar that a killed run has written, whose snapshot did not get its name. It has the same name each time."""
    stem = store.name(local.name, _used_until(plan), _TIER).removesuffix(".db.part")
    return [path for path in store.orphans(wanted.directory) if os.path.basename(path).startswith(f"{stem}-rev")]


def _need(report: Report) -> None:
    reasons = "; ".join(check.sentence() for check in failures(report.checks))
    if reasons:
        raise MaintenanceError(f"nothing was recovered: {reasons}")


def _recover(request: Request, wanted: Wanted, local: LocalMember, plan: Plan, means: _Means, report: Report) -> None:
    deadline, clock = Deadline(request.timeout), time.monotonic()
    folder = store.drill_folder(wanted.directory, local.name)
    etcd = means.programs["etcd"]
    kept = backup.keep(vault.plan(wanted.directory, etcd.version, means.programs), report)
    try:
        os.mkdir(folder, 0o700)
        _copy(plan.previous, os.path.join(folder, throwaway.DATA, "member"))
        report.durations["copy"] = round(time.monotonic() - clock, 3)
        with throwaway.serving(etcd, folder, means.database, deadline, means.copied) as gateway:
            seen = health.observe(gateway)
            report.checks += health.checks(local.name, seen)
            _need(report)
            way = fetch.Fetch(gateway, local, None)
            taken = snapshot.save(
                way,
                local,
                seen,
                _label(wanted.id),
                wanted.directory,
                deadline,
                {"tools": kept},
                as_of=_used_until(plan),
            )
        report.durations.update(save=taken["save_seconds"], verify=taken["verify_seconds"])
        report.snapshot = taken
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _used_until(plan: Plan) -> datetime.datetime:
    """So that it is older than what was saved since, and is not taken for the newest snapshot."""
    return store.time_of({"started": plan.at.get(STOPPED) or plan.at[COMMITTED]})


def _copy(source: str, target: str) -> None:
    os.makedirs(target, 0o700)
    for path, where in _files(source):
        copied = os.path.join(target, where)
        os.makedirs(os.path.dirname(copied), 0o700, exist_ok=True)
        shutil.copyfile(path, copied, follow_symlinks=False)


def _files(top: str) -> t.Iterator[tuple[str, str]]:
    """Path, and path below the top. The data was etcd's user's, who may have put links there, and root would follow."""
    for folder, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = os.path.join(folder, name)
            if os.path.islink(path) or not (os.path.isdir(path) or os.path.isfile(path)):
                raise MaintenanceError(
                    f"{path}: is no file and no directory, so nothing was recovered. Look who made it"
                )
        for name in names:
            path = os.path.join(folder, name)
            yield path, os.path.relpath(path, top)
