# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happens to snapshots after they were taken: the ones nobody needs are pruned, and one is released to that.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import datetime
import functools
import os
import time
import typing as t

from ..._errors import MaintenanceError
from .. import disk
from ..member import topology
from ..member.gateway import Gateway, GatewayError
from . import identity, store, vault
from .identity import Identity
from .report import Report, reported
from .retention import PRE_UPGRADE, Policy, Snapshot, decide
from .snapshot import SCHEMA, is_described
from .where import Where

# Seconds. Where several nodes share the directory, another one may be about to give its snapshot a name.
_NAMED_WITHIN = 3600
Described = tuple[str, dict[str, t.Any]]


def prune(where: Where, policy: Policy) -> dict[str, t.Any]:
    """Delete the snapshots of this node's cluster that nothing keeps.

    Nothing is deleted where the member does not answer, where there is no snapshot of the cluster that it is in, or
    where the newest of them is damaged.
    """
    report = Report(where.dry_run)

    def work() -> None:
        with where.lock("prune of snapshots"):
            _prune(where, policy, report)

    return reported(report, where.directory, work)


def release(where: Where, name: str) -> dict[str, t.Any]:
    """Let a pre-upgrade snapshot go the way of the ordinary ones."""
    report = Report(where.dry_run)

    def work() -> None:
        with where.lock("release of snapshots"):
            _release(where, name, report)

    return reported(report, where.directory, work)


def _prune(where: Where, policy: Policy, report: Report) -> None:
    store.check_directory(where.directory)
    found = dict(store.described(where.directory))
    cluster, newest = _home(where, found)
    snapshots = [_snapshot(path, sidecar) for path, sidecar in found.items()]
    now = datetime.datetime.now(datetime.timezone.utc)
    going = []
    for verdict in decide(filter(None, snapshots), policy, cluster, now):
        told = report.kept if verdict.keep else report.removed
        told.append({"name": os.path.basename(verdict.snapshot.name), "reason": verdict.reason})
        going += [] if verdict.keep else [verdict]
    if going and found[newest].get("damaged"):
        raise MaintenanceError(f"{newest}: could not be restored in a drill. Nothing was deleted: take a new one first")
    if going and not is_described(newest, found[newest]):
        raise MaintenanceError(
            f"{newest}: is not the file that its sidecar describes. Nothing was deleted: take a new one first"
        )
    for verdict in going:
        path = verdict.snapshot.name
        report.act(f"delete {path}: {verdict.reason}", functools.partial(_delete, path))
    gone = {verdict.snapshot.name for verdict in going}
    needed = [vault.version_for(sidecar) for path, sidecar in found.items() if path not in gone]
    for folder in vault.unused(where.directory, needed):
        report.act(f"delete {folder}, which is for no snapshot any more", functools.partial(vault.remove, folder))
    for orphan in store.orphans(where.directory, time.time() - _NAMED_WITHIN):
        report.act(f"delete {orphan}, whose snapshot a killed run has deleted", functools.partial(os.unlink, orphan))


def _home(where: Where, found: t.Mapping[str, dict[str, t.Any]]) -> tuple[Identity, str]:
    """The identity of this node's cluster, and its newest snapshot."""
    member, home = _told(where)
    ours = [path for path, sidecar in found.items() if identity.same(identity.of(sidecar), home)]
    # One from a time when the clock was ahead would stand for all that are newer.
    for path in sorted(ours, key=lambda one: _is_future(found[one])):
        # What the member did not tell, its newest snapshot may.
        return Identity(home.cluster_id, home.kube_system_uid or identity.of(found[path]).kube_system_uid), path
    raise MaintenanceError(
        f"{where.directory}: there is no snapshot of the cluster {home.cluster_id} that {member} is in, so"
        " nothing was deleted. Take one first"
    )


def _told(where: Where) -> tuple[str, Identity]:
    """The member that says which cluster it is in: this node's own. A control plane whose etcd is elsewhere has copies,
    and asks those that its kube-apiserver uses.
    """
    local = topology.find(where.manifests, where.unit)
    elsewhere = [] if local else topology.of_apiserver(where.manifests)
    silent = []
    for way in elsewhere or [local or topology.discover(where.manifests, where.unit)]:
        try:
            return f"etcd/{local.name}" if local else way.endpoint, identity.of_member(Gateway(way))
        except GatewayError as error:
            silent.append(error)
    raise silent[0]


def _is_future(sidecar: t.Mapping[str, t.Any]) -> bool:
    try:
        return store.time_of(sidecar) > datetime.datetime.now(datetime.timezone.utc)
    except ValueError:
        return True


def _snapshot(path: str, sidecar: t.Mapping[str, t.Any]) -> t.Optional[Snapshot]:
    """None where the sidecar does not say when it was taken or says things that are not known here, or where its name
    leads nowhere: such a one is not counted, and not touched.
    """
    try:
        if sidecar.get("schema", SCHEMA) > SCHEMA:
            return None
        taken = store.time_of(sidecar)
        return Snapshot(
            name=path,
            taken=taken,
            tier=str(sidecar["tier"]),
            cluster=identity.of(sidecar),
            verified=os.path.getsize(path) == sidecar["size"] and not sidecar.get("damaged"),
            released=bool(sidecar.get("released")),
            proven=bool(sidecar.get("proven")),
        )
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _delete(path: str) -> None:
    for one in [path, *store.companions(path)]:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(one)
    disk.sync(os.path.dirname(path))


def _release(where: Where, name: str, report: Report) -> None:
    store.check_directory(where.directory)
    ((path, sidecar),) = store.named(where.directory, [name], "nothing was released", PRE_UPGRADE)
    report.snapshot = {"path": path, **sidecar}
    if sidecar.get("released"):
        return
    released = {"released": store.now()}
    report.act(f"release {path}", lambda: store.note(path, sidecar, **released))
    report.snapshot = {"path": path, **sidecar, **released}
