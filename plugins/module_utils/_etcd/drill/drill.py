# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill: a snapshot is restored into a throw-away member, compared with what it was, and marked proven or damaged.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import time
import typing as t

from ..._check import WARN, Check, failures
from ..._errors import MaintenanceError
from ..._wait import Deadline
from .. import disk
from ..database.pages import Damaged
from ..member import health, programs, topology
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import LocalMember
from ..snapshots import identity, leftovers, snapshot, store, vault
from ..snapshots.identity import Identity
from ..snapshots.report import Report, reported
from ..snapshots.where import Where
from . import drill_checks, throwaway


@dataclasses.dataclass(frozen=True)
class Request(Where):
    """``name`` of a snapshot, empty for the newest of this node's cluster."""

    name: str = ""
    timeout: float = 600
    places: t.Sequence[str] = programs.PLACES


@dataclasses.dataclass(frozen=True)
class _Drill:
    """What is restored, with what, where."""

    path: str
    sidecar: dict[str, t.Any]
    tools: t.Mapping[str, programs.Program]
    folder: str


def run(request: Request) -> dict[str, t.Any]:
    report = Report(request.dry_run)
    return reported(report, request.directory, lambda: _run(request, report))


def _run(request: Request, report: Report) -> None:
    store.check_directory(request.directory)
    local = topology.discover(request.manifests, request.unit)
    purpose = f"drill of a snapshot of etcd/{local.name}"
    with request.lock(purpose) as waited:
        report.durations["lock"] = round(waited, 3)
        drill = _prepare(request, local, report)
        report.snapshot = {"path": drill.path, **drill.sidecar}
        leftovers.remove_drills(request.directory, local.name, report)
        try:
            _hold(request, drill, report)
        except Damaged as error:
            _mark_damaged(drill, error.msg, report)
            marked = "" if request.dry_run else ", and the snapshot counts as damaged from now on"
            raise MaintenanceError(f"the drill failed{marked}: {error.msg}") from None


def _prepare(request: Request, local: LocalMember, report: Report) -> _Drill:
    """The preflight. Raise MaintenanceError where a check fails; nothing has been written then."""
    try:
        gateway = Gateway(local)
        status, home = gateway.status(), identity.of_member(gateway)
    except GatewayError as error:
        report.checks.append(health.silent(local.name, error.msg))
        raise _refusal(report) from None
    path, sidecar = _chosen(request, home)
    tools = {
        **programs.of_member(local.data_dir, status.version, places=request.places),
        **vault.programs(request.directory, vault.version_for(sidecar)),
    }
    wanted = str(sidecar.get("etcd_version"))
    fitting = {name: one for name, one in tools.items() if programs.minor(one.version) == programs.minor(wanted)}
    # What a killed drill has left makes room when this one begins.
    left = leftovers.size_of_drills(request.directory, local.name)
    report.checks += [
        drill_checks.apart(request.directory, local.data_dir),
        drill_checks.tools(request.directory, wanted, fitting),
        drill_checks.room(request.directory, os.path.getsize(path), disk.free_bytes(request.directory) + left),
        drill_checks.memory(int(sidecar.get("rows") or 0), drill_checks.available()),
    ]
    if failures(report.checks):
        raise _refusal(report)
    return _Drill(path, sidecar, fitting, store.drill_folder(request.directory, local.name))


def _refusal(report: Report) -> MaintenanceError:
    reasons = "; ".join(check.sentence() for check in failures(report.checks))
    return MaintenanceError(f"no drill was held, nothing was written: {reasons}")


def _chosen(request: Request, home: Identity) -> tuple[str, dict[str, t.Any]]:
    if request.name:
        return store.named(request.directory, [request.name], "no drill was held")[0]
    for path, sidecar in store.described(request.directory):
        if identity.same(identity.of(sidecar), home):
            return path, sidecar
    raise MaintenanceError(
        f"{request.directory}: there is no snapshot of the cluster {home.cluster_id} that this node's member is in, so"
        " no drill was held. Take one first"
    )


def _hold(request: Request, drill: _Drill, report: Report) -> None:
    clock = time.monotonic()
    facts = snapshot.verify(drill.path)
    wrong = _undescribed(facts, drill.sidecar)
    if wrong:
        raise Damaged(f"{snapshot.another(drill.path)}: {wrong}")
    verified = time.monotonic()
    report.durations["verify"] = round(verified - clock, 3)
    etcd, deadline = drill.tools["etcd"], Deadline(request.timeout)

    def exercise() -> None:
        try:
            throwaway.exercise(drill.tools, drill.path, facts, drill.folder, deadline)
        finally:
            report.durations["drill"] = round(time.monotonic() - verified, 3)
            _remains(drill.folder, report)

    report.act(f"restore {drill.path} with etcd {etcd.version} into {drill.folder}, compare, and remove it", exercise)
    proven = {
        "at": store.now(),
        "etcd_version": etcd.version,
        "seconds": report.durations.get("drill", 0.0),
    }
    report.act(f"mark {drill.path} as proven", lambda: _mark(drill, report, proven=proven, damaged=None))


def _undescribed(facts: snapshot.Facts, sidecar: t.Mapping[str, t.Any]) -> str:
    """Where the sidecar says something else than the file."""
    found = {
        "sha256": facts.sha256,
        "revision": facts.contents.revision,
        "live_keys": facts.contents.keys,
        "kube_system_uid": facts.contents.kube_system_uid,
    }
    # A sidecar of another release may not say all of it.
    said = {name: sidecar.get(name) for name in found if name in sidecar or name == "sha256"}
    return ", ".join(f"{name} {found[name]} and not {told}" for name, told in said.items() if told != found[name])


def _mark(drill: _Drill, report: Report, **fields: t.Any) -> None:
    # Copies are noted without the member's lock, and a drill may take minutes.
    noted = store.description(drill.path) or drill.sidecar
    report.snapshot = {"path": drill.path, **store.note(drill.path, noted, **fields)}


def _mark_damaged(drill: _Drill, reason: str, report: Report) -> None:
    damaged = {"at": store.now(), "reason": reason}
    report.act(f"mark {drill.path} as damaged", lambda: _mark(drill, report, damaged=damaged, proven=None))


def _remains(folder: str, report: Report) -> None:
    if os.path.lexists(folder):
        fix = f"rm -r {folder}; the next drill tries it, too"
        report.checks.append(Check("drill removed", WARN, folder, "is still there, at least a part of it", fix))
