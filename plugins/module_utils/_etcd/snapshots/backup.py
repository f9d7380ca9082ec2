# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One backup run: lock the member, look at it, return the snapshot that is there already or take one.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import os
import typing as t

from ..._check import FAIL, PASS, WARN, Check, failures
from ..._errors import MaintenanceError
from ..._wait import Deadline
from .. import disk
from ..archive import archive
from ..member import health, programs, topology
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import LocalMember
from ..restore import plan
from . import fetch, leftovers, store, vault
from .report import Report, reported
from .snapshot import SCHEMA, Label, is_described, save
from .where import Where

# A member that serves then may serve what was restored.
_UNDECIDED = (plan.SWAPPING, plan.SWAPPED, plan.STARTING, plan.STARTED, plan.VERIFIED, plan.ROLLING_BACK)


@dataclasses.dataclass(frozen=True)
class Request(Where):
    """What is asked for. A snapshot of the same label that is younger than ``reuse_within`` seconds will do.

    ``save_with``: auto, gateway or etcdctl. ``places``: folders of the host that may have etcd's programs. ``files``:
    what is saved with it, nothing where nothing is said.
    """

    label: Label = Label("manual")
    timeout: float = 600
    reuse_within: float = 0
    save_with: str = fetch.AUTO
    places: t.Sequence[str] = programs.PLACES
    files: t.Optional[archive.Request] = None


def run(request: Request) -> dict[str, t.Any]:
    report = Report(request.dry_run)
    return reported(report, request.directory, lambda: _backup(request, report))


def _backup(request: Request, report: Report) -> None:
    store.check_directory(request.directory)
    local = topology.discover(request.manifests, request.unit)
    files = archive.prepare(request.files, request.manifests, request.unit)
    with request.lock(f"snapshot of etcd/{local.name}") as waited:
        report.durations["lock"] = round(waited, 3)
        gateway = Gateway(local)
        seen = _observe(gateway, local, report)
        # First of all: whoever runs again after a change that hurt the member has the snapshot from before that change.
        report.snapshot = _reusable(request, local, seen, report)
        if report.snapshot:
            report.checks += archive.checks_of_earlier(report.snapshot, files)
            return
        report.checks.append(_no_restore(local.data_dir))
        means = _means(request, local, gateway, seen, files, report) if seen else None
        failed = failures(report.checks)
        if failed or not seen or not means:
            reasons = "; ".join(check.sentence() for check in failed)
            raise MaintenanceError(f"etcd/{local.name}: no snapshot was taken, nothing was written: {reasons}")
        _take(request, local, seen, means, report)


def _observe(gateway: Gateway, local: LocalMember, report: Report) -> health.Observation | None:
    try:
        seen = health.observe(gateway)
    except GatewayError as error:
        report.checks.append(health.silent(local.name, error.msg))
        return None
    report.checks += health.checks(local.name, seen)
    return seen


def _no_restore(data_dir: str) -> Check:
    """Until a restore is committed, it may be taken back. A snapshot of what was restored would stay, as the newest."""
    name, subject = "no restore to be committed", f"etcd data {data_dir}"
    fix = "finish the restore (restore.yml goes on from where it was left), or undo it (-e restore_undo=true)"
    try:
        found = plan.unfinished(data_dir)
    except MaintenanceError as error:
        return Check(name, FAIL, subject, error.msg, fix)
    if found and found.phase in _UNDECIDED:
        return Check(name, FAIL, subject, f"{found.folder} is {found.phase}, and may still be taken back", fix)
    return Check(name, PASS, subject, "none is")


def _reusable(
    request: Request, local: LocalMember, seen: health.Observation | None, report: Report
) -> dict[str, t.Any] | None:
    if request.reuse_within <= 0:
        return None
    for path, sidecar in store.described(request.directory, local.name):
        if not _serves(request, sidecar, seen):
            continue
        try:
            if not is_described(path, sidecar):
                raise MaintenanceError(f"{path}: is not the file that its sidecar describes")
        except MaintenanceError as error:
            report.checks.append(Check("earlier snapshot", WARN, path, error.msg, "a new one takes its place"))
            continue
        return {"path": path, **sidecar}
    return None


def _serves(request: Request, sidecar: dict[str, t.Any], seen: health.Observation | None) -> bool:
    wanted = {"schema": SCHEMA, "tier": request.label.tier, "run_key": request.label.run_key}
    if seen:
        # Not by `identity`: what was taken before a restore lacks what has happened since.
        wanted["cluster_id"] = seen.status.cluster_id
    if sidecar.get("damaged") or any(sidecar.get(name) != value for name, value in wanted.items()):
        return False
    try:
        age = (datetime.datetime.now(datetime.timezone.utc) - store.time_of(sidecar)).total_seconds()
    except ValueError:
        return False
    return 0 <= age <= request.reuse_within


@dataclasses.dataclass(frozen=True)
class _Means:
    """With what a snapshot is taken, and what is kept with it."""

    fetch: fetch.Fetch
    vault: vault.Plan | None
    files: archive.Archive | None


def _means(
    request: Request,
    local: LocalMember,
    gateway: Gateway,
    seen: health.Observation,
    files: archive.Archive | None,
    report: Report,
) -> _Means:
    version = seen.status.version
    found = programs.of_member(local.data_dir, version, places=request.places)
    way, checks = fetch.choose(request.save_with, found, gateway, local, version)
    kept = vault.plan(request.directory, version, found)
    # What killed runs have left is removed before the save, or the first of them could forbid all that follow.
    free = disk.free_bytes(request.directory) + leftovers.size(request.directory, local.name)
    size = (kept.size if kept else 0) + (files.size if files else 0)
    report.checks += [*checks, vault.check(local.name, version, kept)]
    report.checks += archive.checks(request.files, request.manifests, files)
    report.checks.append(health.room(request.directory, free, seen.status.db_size, size))
    return _Means(way, kept, files)


def _take(request: Request, local: LocalMember, seen: health.Observation, means: _Means, report: Report) -> None:
    for path in store.leftovers(request.directory, local.name):
        report.act(f"remove {path}, which a killed run has left", functools.partial(os.unlink, path))
    leftovers.remove_drills(request.directory, local.name, report)
    if not os.path.isdir(request.directory):
        report.act(f"create directory {request.directory}", lambda: disk.prepare(request.directory))
    tools = keep(means.vault, report)
    status, way = seen.status, means.fetch

    def take() -> None:
        deadline = Deadline(request.timeout)
        taken = save(way, local, seen, request.label, request.directory, deadline, {"tools": tools}, means.files)
        report.durations.update(save=taken["save_seconds"], verify=taken["verify_seconds"])
        report.checks += archive.checks_of(taken, request.manifests)
        report.snapshot = taken

    try:
        report.act(
            f"save a {request.label.tier} snapshot of etcd/{local.name} to {request.directory} through {way}: "
            f"{status.db_size} bytes at revision {status.revision}",
            take,
        )
    finally:
        report.checks += way.told


def keep(planned: vault.Plan | None, report: Report) -> dict[str, t.Any] | None:
    """The programs that are kept. A snapshot without them is better than none."""
    if planned and planned.copies:
        try:
            report.act("; ".join(planned.actions), lambda: vault.fill(planned))
        except (MaintenanceError, OSError) as error:
            evidence = f"not kept with the snapshot: {getattr(error, 'msg', error)}"
            fix = "make room there, and look at the disk; the next snapshot tries again"
            report.checks.append(Check("tools for a restore", WARN, planned.directory, evidence, fix))
            return None
    return planned.as_dict() if planned else None
