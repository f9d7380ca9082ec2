# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one host knows that a restore of its cluster depends on, whether etcd runs there or not.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ... import _static_pod
from ..._errors import MaintenanceError
from ..database import contents, live
from ..database.layout import API_SERVERS, KUBE_SYSTEM
from ..member import cluster, programs
from ..member.gateway import Gateway
from ..member.local_member import LocalMember
from ..snapshots import store
from . import loss, place, plan, preflight, tools

# Of a sidecar, what a restore is chosen by.
_TOLD = (
    "sha256",
    "size",
    "revision",
    "live_keys",
    "kube_system_uid",
    "cluster_id",
    "member",
    "etcd_version",
    "storage_version",
    "tier",
    "reason",
    "started",
    "encryption",
    "proven",
    "damaged",
)
Facts = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Look:
    """``name`` of a snapshot, or newest. ``report_on``, ``before``: id of a restore. ``unit``: of `unit.show`."""

    directory: str
    name: str = store.NEWEST
    report_on: str = ""
    before: str = ""
    most_names: int = 20
    manifests: str = _static_pod.MANIFESTS
    unit: str = ""
    places: t.Sequence[str] = programs.PLACES


def read(look: Look) -> Facts:
    store.check_directory(look.directory)
    local = place.find(look.manifests, look.unit)
    alive, trouble = _alive(local) if local else (None, "")
    plans = plan.all_of(local.data_dir) if local else []
    unfinished = plan.unfinished(local.data_dir) if local else None
    snapshot = _snapshot(look, _cluster_of(alive))
    return {
        "member": _member(local, look.places) if local else None,
        "live": alive,
        "trouble": trouble,
        "snapshot": snapshot,
        "encryption": _encryption(look.manifests),
        "clusters": _clusters(look.directory, snapshot["name"] if snapshot else ""),
        "unfinished": unfinished.as_dict() if unfinished else None,
        "restores": [one.as_dict() for one in plans if one != unfinished and plan.settled(one.phase)],
        "previous": next((_previous(one) for one in plans if one.id == look.before), None),
        **_report(look, local),
    }


def _previous(of: plan.Plan) -> t.Optional[Facts]:
    """What etcd had before, as long as it is set aside."""
    revision = live.revision(os.path.dirname(of.previous)) if plan.reached(of.phase, plan.COMMITTED) else None
    return None if revision is None else {"id": of.id, "revision": revision}


def _encryption(manifests: str) -> t.Optional[Facts]:
    found = preflight.encryption(manifests)
    if not found:
        return None
    where, known = found
    return {"file": where, "keys": None if known is None else [list(one) for one in sorted(known)]}


def _report(look: Look, local: t.Optional[LocalMember]) -> Facts:
    """A host may have lost what it knew before, or never have known it."""
    if not look.report_on or not local:
        return {"report": None, "report_trouble": "no restore was asked for" if local else "there is no member here"}
    try:
        found = loss.report(local.data_dir, look.report_on, look.directory, look.most_names)
    except MaintenanceError as error:
        return {"report": None, "report_trouble": error.msg}
    return {"report": found, "report_trouble": ""}


def _member(local: LocalMember, places: t.Sequence[str]) -> Facts:
    return {
        "name": local.name,
        "peer_urls": list(local.peer_urls),
        "data_dir": local.data_dir,
        "version": tools.release(local, places),
        "endpoint": local.endpoint,
        "managed_by": plan.STATIC_POD if local.image else plan.SYSTEMD,
    }


def _alive(local: LocalMember) -> tuple[t.Optional[Facts], str]:
    """What the member says, else its database, else nothing; and why not more."""
    gateway = Gateway(local)
    try:
        status = gateway.status()
        uid = contents.uid_of(gateway.value(KUBE_SYSTEM, serializable=True))
        seen = cluster.survey([local], False).members
        members = [{**one.member.as_dict(), "trouble": one.trouble} for one in seen]
        told = _live(status.cluster_id, status.revision, uid, members, True)
        return {**told, "apiservers": gateway.names(API_SERVERS)}, ""
    except MaintenanceError as error:
        trouble = error.msg
    try:
        found = live.everything(local.data_dir)
    except MaintenanceError as error:
        return None, f"{trouble}; {error.msg}"
    members = [{**one.as_dict(), "trouble": ""} for one in found.members]
    return _live("", found.head, found.kube_system_uid, members, False), trouble


def _live(cluster_id: str, revision: int, uid: str, members: t.Sequence[Facts], answers: bool) -> Facts:
    return {
        "cluster_id": cluster_id,
        "revision": revision,
        "kube_system_uid": uid,
        "members": list(members),
        "answers": answers,
        "apiservers": [],
    }


def _cluster_of(alive: t.Optional[Facts]) -> str:
    return store.cluster(alive) if alive else ""


def _snapshot(look: Look, of: str) -> t.Optional[Facts]:
    """The one that is wanted, else the newest of this cluster, else the newest; none that is known to be of no use."""
    usable = [
        one
        for one in store.described(look.directory)
        if os.path.basename(one[0]) == look.name or (look.name == store.NEWEST and not one[1].get("damaged"))
    ]
    whole = [one for one in usable if _size(one[0]) == one[1].get("size")]
    ours = [one for one in whole if store.cluster(one[1]) == of]
    for path, sidecar in ours or whole:
        told = {name: sidecar.get(name) for name in _TOLD}
        return {"name": os.path.basename(path), "path": path, **told}
    return None


def _size(path: str) -> t.Optional[int]:
    try:
        return os.path.getsize(path)
    except OSError:  # it has just been pruned
        return None


def _clusters(directory: str, chosen: str) -> dict[str, int]:
    """Of which clusters the other snapshots here are, with the highest revision of each."""
    found: dict[str, int] = {}
    for path, sidecar in store.described(directory):
        if os.path.basename(path) != chosen:
            one, revision = store.cluster(sidecar), sidecar.get("revision")
            found[one] = max(found.get(one, 0), revision if isinstance(revision, int) else 0)
    return found
