# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All members of a cluster, each asked by itself.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._errors import MaintenanceError
from . import state
from .gateway import Gateway, GatewayError
from .local_member import Access, LocalMember

# A compaction in between makes hashes incomparable; kube-apiserver asks for one every five minutes.
_ATTEMPTS = 3
Connect = t.Callable[[Access], Gateway]


@dataclasses.dataclass(frozen=True)
class Seen:
    """A member of the cluster and what it said: no ``status`` where it did not answer, and ``trouble`` says why.

    ``quota`` in bytes, 0 where it is not known.
    """

    member: state.Member
    endpoint: str
    status: t.Optional[state.Status] = None
    trouble: str = ""
    quota: int = 0

    @property
    def name(self) -> str:
        return self.member.name or self.member.id


@dataclasses.dataclass(frozen=True)
class Cluster:
    """``alarms`` is None where nobody could say. ``hashes`` by member id, of one revision; of those that answered."""

    members: tuple[Seen, ...]
    alarms: t.Optional[tuple[state.Alarm, ...]]
    hashes: t.Mapping[str, state.Hash] = dataclasses.field(default_factory=dict)

    @property
    def answering(self) -> list[Seen]:
        return [seen for seen in self.members if seen.status]


def survey(ways: t.Sequence[Access], compare: bool, connect: Connect = Gateway) -> Cluster:
    """``ways``: members in the order in which they are asked who the others are; the first may be this node's own.

    ``compare``: have each member hash its data, which makes it read all of it.
    """
    way, listed = _list(ways, connect)
    gateways = {}
    seen = []
    for member in listed:
        found, gateway = _ask(member, way, connect)
        seen.append(found)
        if gateway:
            gateways[member.id] = gateway
    cluster = Cluster(tuple(seen), _alarms(gateways.values()))
    return dataclasses.replace(cluster, hashes=_hashes(gateways)) if compare else cluster


def _list(ways: t.Sequence[Access], connect: Connect) -> tuple[Access, tuple[state.Member, ...]]:
    troubles = []
    for way in ways:
        try:
            return way, connect(way).members()
        except GatewayError as error:
            troubles.append(error.msg)
    raise MaintenanceError(
        f"no member of etcd says who the members are: {'; '.join(troubles)}. Look at the members' logs"
        " (crictl logs, journalctl -u etcd), and whether this node reaches their client port"
    )


def _ask(member: state.Member, way: Access, connect: Connect) -> tuple[Seen, t.Optional[Gateway]]:
    """At its own address; the way that is known already may be the shorter one to it."""
    own = isinstance(way, LocalMember) and (way.name == member.name or set(way.peer_urls) == set(member.peer_urls))
    endpoints = [way.endpoint, *member.client_urls] if own else list(member.client_urls)
    trouble = "it has not started, so it has no address yet"
    for endpoint in dict.fromkeys(endpoints):
        gateway = connect(dataclasses.replace(way, endpoint=endpoint))
        try:
            status = gateway.status()
        except GatewayError as error:
            trouble = error.msg
            continue
        if status.member_id != member.id:
            trouble = f"member {status.member_id} answers at {endpoint}"
            continue
        quota = status.quota or (way.quota if own and isinstance(way, LocalMember) else 0)
        return Seen(member, endpoint, status, quota=quota), gateway
    return Seen(member, next(iter(endpoints), ""), trouble=trouble), None


def _alarms(gateways: t.Iterable[Gateway]) -> t.Optional[tuple[state.Alarm, ...]]:
    """Needs a quorum, and no learner answers."""
    for gateway in gateways:
        try:
            return gateway.alarms()
        except GatewayError:
            continue
    return None


def _hashes(gateways: t.Mapping[str, Gateway]) -> dict[str, state.Hash]:
    hashes: dict[str, state.Hash] = {}
    for _attempt in range(_ATTEMPTS):
        try:
            # What the slowest has, all have.
            revision = min(gateway.status().revision for gateway in gateways.values())
            hashes = {name: gateway.hash_kv(revision) for name, gateway in gateways.items()}
        except (GatewayError, ValueError):
            continue
        if len({one.compact_revision for one in hashes.values()}) <= 1:
            break
    return hashes
