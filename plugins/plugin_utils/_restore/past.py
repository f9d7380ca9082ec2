# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is known of the cluster that is restored: how far it is, and since when there is the snapshot.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.order import Snapshot
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import store

Info = t.Mapping[str, t.Any]
Infos = t.Mapping[str, Info]
_EVER = datetime.datetime.min.replace(tzinfo=datetime.timezone.utc)


def cluster_id(infos: Infos, sidecar: Info) -> str:
    """etcd's, of what is replaced. A member that lost its disk may be alone in a new cluster, which is not meant."""
    those = [info["live"]["cluster_id"] for info in infos.values() if alive(info, sidecar) == store.cluster(sidecar)]
    return next(filter(None, those), "")


def age(sidecar: Info, now: datetime.datetime) -> float:
    """Seconds since the snapshot was taken, 0 where it does not say."""
    when = taken(sidecar)
    return 0.0 if when == _EVER else (now - when).total_seconds()


def highest_revision(infos: Infos, offered: t.Sequence[Info], sidecar: Info) -> int:
    """Of all that is known of this cluster: what is alive, the databases on disks, sidecars and earlier restores."""
    its = store.cluster(sidecar)
    found = [int(one.get("revision") or 0) for one in (sidecar, *offered) if store.cluster(one) == its]
    for info in infos.values():
        found.append(int((info["live"] or {}).get("revision") or 0))
        found.append(int(info["clusters"].get(its) or 0))
        found += [_goes_on(one) for one in (*info["restores"], info["unfinished"]) if one and _of(one) == its]
    return max(found)


def snapshot(sidecar: Info) -> Snapshot:
    return Snapshot(
        name=str(sidecar["name"]),
        sha256=str(sidecar["sha256"]),
        revision=int(sidecar["revision"]),
        keys=int(sidecar["live_keys"]),
        kube_system_uid=str(sidecar.get("kube_system_uid") or ""),
        etcd_version=str(sidecar.get("etcd_version") or ""),
    )


def alive(info: Info, sidecar: Info) -> str:
    """Of which cluster this member's data is, in the words of the snapshot. Empty where it has none, or none yet."""
    live = info["live"] or {}
    return str(live.get("kube_system_uid" if sidecar.get("kube_system_uid") else "cluster_id") or "")


def clusters(info: Info) -> set[str]:
    """Clusters that something else here is of."""
    return {*info["clusters"], *(_of(one) for one in info["restores"])}


def _of(restore: Info) -> str:
    return str(restore["snapshot"]["kube_system_uid"])


def _goes_on(restore: Info) -> int:
    return int(restore["snapshot"]["revision"]) + int(restore["bump"])


def taken(sidecar: Info) -> datetime.datetime:
    try:
        found: datetime.datetime = store.time_of(sidecar)
    except ValueError:
        return _EVER
    return found
