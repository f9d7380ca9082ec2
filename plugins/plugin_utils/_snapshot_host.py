# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which host of a play the snapshot of a cluster is taken.

Members and hosts need not have the same names: which member a host has, the host says.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import choose
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import store

Result = t.Mapping[str, t.Any]


def choice(
    hosts: t.Sequence[str],
    looks: t.Mapping[str, Result],
    kept: t.Mapping[str, Result],
    purpose: t.Mapping[str, t.Any],
    now: float,
) -> dict[str, t.Any]:
    """``host`` and why it is not another one, in ``lines``. ``refusal`` where one snapshot would not be of all hosts.
    ``files_from``: the control plane whose files go with the snapshot, empty where the host is one, or none answers.

    ``looks`` and ``kept``: what etcd_info and etcd_snapshot_info said on each host. ``purpose``: tier, run_key and
    within; a host that keeps a snapshot for that comes first, whoever's turn it is, so that a run that goes on finds
    the snapshot of the run that began.
    """
    looks = {host: looks.get(host, {}) for host in hosts}
    told = next((look for look in looks.values() if look.get("snapshot_members")), {})
    members = {host: look["member"] for host, look in looks.items() if look.get("member")}
    turns = [host for name in told.get("snapshot_members", ()) for host, member in members.items() if member == name]
    # Where nobody may take it, a host is asked all the same: it says best what is wrong.
    rest = [*members, *(host for host, look in looks.items() if not look.get("unreachable")), *hosts]
    taken = _taken(hosts, kept, {**purpose, "cluster_id": told.get("cluster_id")}, now)
    lines = [f"{host}: passed over: {look['msg']}" for host, look in looks.items() if _silent(look)]
    lines += [f"{one['object']}: {one['evidence']}" for one in told.get("checks", ()) if one["name"] == choose.CHECK]
    if taken:
        lines.append(f"{taken[0]}: has the snapshot that an earlier run has taken for this")
    host = [*taken, *turns, *rest][0]
    return {"host": host, "lines": lines, "refusal": _refusal(looks), "files_from": _files_from(host, looks)}


def _files_from(host: str, looks: t.Mapping[str, Result]) -> str:
    """An etcd that is elsewhere has no files of a control plane beside it. Any of them has those that all share."""
    if looks[host].get("apiserver") is not False:
        return ""
    return next((one for one, look in looks.items() if look.get("apiserver")), "")


def _refusal(looks: t.Mapping[str, Result]) -> str:
    clusters: dict[str, list[str]] = {}
    for host, look in looks.items():
        if look.get("cluster_id"):
            clusters.setdefault(look["cluster_id"], []).append(host)
    if len(clusters) < 2:
        return ""
    found = "; ".join(f"{cluster}: {', '.join(hosts)}" for cluster, hosts in clusters.items())
    return (
        f"these hosts are of {len(clusters)} clusters of etcd ({found}), and a snapshot is of one. Where the inventory"
        " has several clusters, say which with -e cluster=GROUP; where it has one, its members have come apart: do not"
        " trust either before you know why. No snapshot was taken"
    )


def _silent(look: Result) -> bool:
    return "msg" in look and "snapshot_members" not in look


def _taken(
    hosts: t.Sequence[str], kept: t.Mapping[str, Result], purpose: t.Mapping[str, t.Any], now: float
) -> list[str]:
    """Hosts that keep a snapshot for this purpose, the newest one's first. It is the module that verifies it."""
    found = []
    for host in hosts:
        for snapshot in kept.get(host, {}).get("snapshots", ()):
            age = _age(snapshot, now)
            if age is not None and age <= purpose["within"] and not snapshot["trouble"] and _is_for(snapshot, purpose):
                found.append((age, hosts.index(host), host))
    return [host for _age, _index, host in sorted(found)]


def _is_for(snapshot: Result, purpose: t.Mapping[str, t.Any]) -> bool:
    # Of etcd's very cluster: what was taken before a restore lacks what has happened since.
    wanted = ("tier", "run_key", *(["cluster_id"] if purpose["cluster_id"] else []))
    return all(snapshot.get(name) == purpose[name] for name in wanted)


def _age(snapshot: Result, now: float) -> float | None:
    try:
        when = store.time_of(snapshot)
    except ValueError:
        return None
    return float((datetime.datetime.fromtimestamp(now, datetime.UTC) - when).total_seconds())
