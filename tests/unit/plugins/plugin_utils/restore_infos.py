# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcd_restore_info says on the hosts of a cluster."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.cluster_plan import Wish, make

HOSTS = ["a", "b", "c"]
UID, OTHER = "5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50", "00000000-7a52-4e0b-9c3c-0f0f3a2b8a50"
NAME = "etcd-cp1-20261120T101112.345Z-manual-rev10432.db"
LATER = "etcd-cp1-20261121T101112.345Z-hourly-rev11000.db"
FRESH, OLD, OLDER = "20261122T000000Z-000000", "20261121T183000Z-4f2a90", "20261120T183000Z-4f2a90"
Infos = dict[str, dict[str, t.Any]]


def snapshot(name: str = NAME, **changes: t.Any) -> dict[str, t.Any]:
    known = {"name": name, "sha256": f"sha of {name}", "revision": 10432, "live_keys": 312, "size": 4673568}
    said = {"kube_system_uid": UID, "cluster_id": "c1", "etcd_version": "3.6.16", "started": "2026-11-20T10:11:12.345Z"}
    if name == LATER:
        said["started"] = "2026-11-21T10:11:12.345Z"
    return {**known, **said, **changes}


def member(number: int) -> dict[str, t.Any]:
    name = f"cp{number + 1}"
    known = {"name": name, "peer_urls": [f"https://{name}:2380"], "data_dir": "/var/lib/etcd", "version": "3.6.16"}
    return {**known, "endpoint": "https://127.0.0.1:2379", "managed_by": "static pod"}


def live(**changes: t.Any) -> dict[str, t.Any]:
    members = [
        {"name": f"cp{one}", "id": str(one), "peer_urls": [f"https://cp{one}:2380"], "trouble": ""} for one in (1, 2, 3)
    ]
    return {"cluster_id": "c1", "revision": 11000, "kube_system_uid": UID, "members": members, **changes}


def infos(**changes: t.Any) -> Infos:
    """``changes`` of all hosts."""
    known = {"live": live(), "snapshot": snapshot(), "clusters": {UID: 10432}, "unfinished": None, "restores": []}
    return {host: {**known, "member": member(number), **changes} for number, host in enumerate(HOSTS)}


def restore(host: str, phase: str, identity: str = OLD, **changes: t.Any) -> dict[str, t.Any]:
    """A plan as it lies on a host."""
    described = {name: snapshot()[name] for name in ("name", "sha256", "revision", "kube_system_uid", "etcd_version")}
    members = [
        {"host": one, **{name: member(number)[name] for name in ("name", "peer_urls")}} for number, one in _all()
    ]
    known = {"id": identity, "snapshot": {**described, "keys": 312}, "members": members, "bump": 5 * 10**9}
    known.update(live_revision=11000, cluster_id="c1", data_dir="/var/lib/etcd", at={})
    return {**known, "phase": phase, "host": host, **changes}


def standing(phases: t.Mapping[str, str], identity: str = OLD, there: Infos | None = None, **changes: t.Any) -> Infos:
    """Hosts with plans in these phases; one that is not named has none."""
    found = there or infos()
    for host, phase in phases.items():
        one = restore(host, phase, identity, **changes)
        if phase in plan.FINAL:
            found[host]["restores"] = [*found[host]["restores"], one]
        else:
            before = found[host]["unfinished"]
            found[host]["restores"] = [*found[host]["restores"], *([before] if before else [])]
            found[host]["unfinished"] = one
    return found


def planned(there: Infos, snapshot: str = "newest", **wish: t.Any) -> dict[str, t.Any]:
    return make(there, HOSTS, Wish(snapshot, **wish), FRESH)


def _all() -> t.Iterator[tuple[int, str]]:
    return iter(enumerate(HOSTS))
