# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a restore for all members of a cluster, from what each host said, or all reasons why there is none.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import order as orders
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.order import Member, Order
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore import guard, lines, past, standing
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.standing import FORWARD

Info = t.Mapping[str, t.Any]

# More than clients can have seen beyond what is known: a thousand changes a second since the snapshot was taken, and
# for eleven days more. So a second restore of it goes on above the first, also where nothing is left that knew of that.
LEAST_BUMP, CHANGES_A_SECOND = 1_000_000_000, 1000
# Where the highest revision is known: for what is written until etcd stops, and what its database on disk lags behind.
MARGIN = 1_000_000


@dataclasses.dataclass(frozen=True)
class Wish:
    """What the user asks for.

    ``snapshot``: its name, or newest. ``undo``: true, or the id of a restore, also of a committed one. ``cluster_uid``
    says that a snapshot of that cluster is meant. ``gone``: names of members that will not come back. ``offered``:
    snapshots that can be brought from elsewhere, as etcd_snapshot_info tells of them. ``recovered``: the snapshot is
    what was there before the restore that is undone.
    """

    snapshot: str
    undo: t.Union[bool, str] = False
    cluster_uid: str = ""
    gone: t.Sequence[str] = ()
    offered: t.Sequence[Info] = ()
    recovered: bool = False


def make(infos: t.Mapping[str, Info], hosts: t.Sequence[str], wish: Wish, fresh: str) -> dict[str, t.Any]:
    """``infos``: what etcd_restore_info said on each of the ``hosts``, and on control planes without a member.

    ``fresh``: the id of a restore that begins.
    """
    reasons = guard.hosts(infos, hosts)
    if reasons:
        raise _refusal(reasons)
    control_planes = {host: info for host, info in infos.items() if host not in hosts}
    infos = {host: infos[host] for host in hosts}
    reasons += guard.members(infos)
    going_on = standing.judge(infos, wish.snapshot, wish.undo, wish.gone)
    reasons += going_on.reasons
    if going_on.plan and going_on.direction == FORWARD:
        reasons += guard.serving_again(infos, orders.parse(going_on.plan), going_on.phases)
    if reasons:
        raise _refusal(reasons)
    if going_on.plan:
        return _resumed(infos, going_on)
    fresh = orders.following(fresh, standing.known(infos))
    if going_on.undoes and not wish.recovered:
        return _to_recover(infos, going_on.undoes)
    return _begun(infos, control_planes, wish, fresh, going_on.undoes)


def bump(snapshot_revision: int, known: int, age: float) -> int:
    """So that no revision that any client may remember comes back with other contents. ``age`` of the snapshot in
    seconds, less than nothing where clocks differ.
    """
    return max(LEAST_BUMP + int(max(0.0, age)) * CHANGES_A_SECOND, known - snapshot_revision + MARGIN)


def _to_recover(infos: t.Mapping[str, Info], undoes: str) -> dict[str, t.Any]:
    """What was there before has to become a snapshot first, of the member that had the most of it."""
    told = {host: info.get("previous") or {} for host, info in infos.items()}
    found = {host: int(one["revision"]) for host, one in told.items() if one.get("id") == undoes}
    if not found:
        raise _refusal(
            [
                f"what was there before the restore {undoes} is on no host any more. Where it was recovered before, it"
                " is a snapshot whose reason says so (snapshots.yml), to be restored as any other"
            ]
        )
    host = max(found, key=lambda one: found[one])
    plans = standing.known(infos)[undoes]
    result = {"recover": {"id": undoes, "host": host, "revision": found[host]}, "direction": FORWARD, "phases": {}}
    nothing_yet = {"resume": False, "committed": False, "taken_back": False, "undoes": undoes, "id": ""}
    return {**nothing_yet, **result, "lines": lines.to_recover(plans[host], host, found[host])}


def _begun(
    infos: t.Mapping[str, Info], control_planes: t.Mapping[str, Info], wish: Wish, fresh: str, undoes: str
) -> dict[str, t.Any]:
    candidates = [(host, info["snapshot"]) for host, info in infos.items() if info["snapshot"]]
    chosen, reasons = guard.chosen(candidates, wish.offered, wish.snapshot)
    reasons += guard.without_host(infos, wish.gone) + guard.cut_off(infos)
    reasons += guard.apiservers({**infos, **control_planes})
    # Half of a restore may be of another cluster than the other half. What undoes it is a way out.
    reasons += [] if undoes else guard.several(infos)
    if not chosen:
        raise _refusal(reasons)
    reasons += guard.cluster(infos, chosen, wish.cluster_uid) + guard.keys(control_planes, chosen)
    if reasons:
        raise _refusal(reasons)
    highest = past.highest_revision(infos, wish.offered, chosen)
    order = Order(
        id=fresh,
        snapshot=past.snapshot(chosen),
        members=tuple(
            Member(host, str(info["member"]["name"]), tuple(sorted(info["member"]["peer_urls"])))
            for host, info in infos.items()
        ),
        bump=bump(int(chosen["revision"]), highest, past.age(chosen, orders.time_of(fresh))),
        live_revision=highest,
        cluster_id=past.cluster_id(infos, chosen),
        undoes=undoes,
    )
    having = [host for host, one in candidates if one.get("sha256") == order.snapshot.sha256]
    lacking = [host for host in infos if host not in having]
    return _told(infos, order, _Way(FORWARD, having, lacking), chosen)


def _resumed(infos: t.Mapping[str, Info], going_on: standing.Standing) -> dict[str, t.Any]:
    order = orders.parse(t.cast(Info, going_on.plan))
    having = [host for host, info in infos.items() if _has(info, order)]
    missing = [
        host
        for host, phase in going_on.phases.items()
        if going_on.direction == FORWARD
        and not going_on.committed
        and not (phase and plan.reached(phase, plan.PREPARED))
        and host not in having
    ]
    way = _Way(going_on.direction, having, missing, True, going_on.committed, going_on.taken_back, going_on.phases)
    snapshot = next((infos[host]["snapshot"] for host in having), order.as_dict()["snapshot"])
    return _told(infos, order, way, snapshot)


@dataclasses.dataclass(frozen=True)
class _Way:
    """``having``: hosts that have the snapshot; ``lacking``: those that need it and have not."""

    direction: str
    having: t.Sequence[str]
    lacking: t.Sequence[str]
    resume: bool = False
    committed: bool = False
    taken_back: bool = False
    phases: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


def _told(infos: t.Mapping[str, Info], order: Order, way: _Way, snapshot: Info) -> dict[str, t.Any]:
    downtime = lines.expected_downtime(infos, int(snapshot.get("size") or 0))
    result = {
        **order.as_dict(),
        "source": way.having[0] if way.having else "",
        "lacking": list(way.lacking),
        "direction": way.direction,
        "resume": way.resume,
        "committed": way.committed,
        "taken_back": way.taken_back,
        "recover": None,
        "phases": dict(way.phases),
        "expected_downtime_seconds": downtime,
    }
    return {**result, "lines": lines.of(result, snapshot)}


def _has(info: Info, order: Order) -> bool:
    return bool(info["snapshot"]) and info["snapshot"].get("sha256") == order.snapshot.sha256


def _refusal(reasons: t.Sequence[str]) -> MaintenanceError:
    return MaintenanceError(f"no restore, and nothing was changed: {'; '.join(reasons)}")
