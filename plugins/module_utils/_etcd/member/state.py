# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcd says about itself, as plain data.

The JSON gateway spells its fields as the proto files do: ``dbSize``, ``memberID`` and ``remaining_bytes`` side by side,
and not the same in every release. `pick` therefore looks at letters and digits only. Numbers come as strings and zeros
are left out. Ids are shown as etcdctl shows them, in hexadecimal.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import struct
import typing as t

# What the functions here, json and the like raise on data that is not what it should be.
MALFORMED = (ValueError, TypeError, AttributeError, KeyError, ArithmeticError, RecursionError, struct.error)
NO_QUOTA = (1 << 63) - 1
ALARMS = {0: "NONE", 1: "NOSPACE", 2: "CORRUPT"}


@dataclasses.dataclass(frozen=True)
class Member:
    """One member of the cluster. ``name`` is empty until the member has started once."""

    id: str
    name: str
    peer_urls: tuple[str, ...]
    is_learner: bool = False
    # Not compared: a member announces them itself, and may do so later than it joins.
    client_urls: tuple[str, ...] = dataclasses.field(default=(), compare=False)

    def as_dict(self) -> dict[str, t.Any]:
        lists = {"peer_urls": list(self.peer_urls), "client_urls": list(self.client_urls)}
        return {**dataclasses.asdict(self), **lists}

    def __str__(self) -> str:
        role = ", learner" if self.is_learner else ""
        return f"{self.name or '(not started)'} ({self.id}, {' '.join(self.peer_urls)}{role})"


@dataclasses.dataclass(frozen=True)
class Alarm:
    """An alarm that a member has raised."""

    member_id: str
    kind: str


@dataclasses.dataclass(frozen=True)
class Hash:
    """Over all rows from ``compact_revision`` to ``revision``. Equal data has equal hashes where these are equal."""

    revision: int
    compact_revision: int
    hash: int


@dataclasses.dataclass(frozen=True)
class Status:
    """What one member says about itself. ``leader`` is empty where the member knows none, ``quota`` 0 where it is
    not told (before etcd 3.6).
    """

    cluster_id: str
    member_id: str
    version: str
    storage_version: str
    revision: int
    db_size: int
    db_size_in_use: int
    leader: str
    raft_index: int
    raft_applied_index: int
    is_learner: bool
    errors: tuple[str, ...]
    quota: int = 0


def quota(bytes_: int) -> int:
    """Less than nothing is said where it was switched off."""
    return NO_QUOTA if bytes_ < 0 else bytes_


def pick(answer: t.Mapping[str, t.Any], name: str, default: t.Any) -> t.Any:
    """The field ``name`` of an answer in whatever spelling, ``default`` where the field was left out."""
    for spelling, value in answer.items():
        if spelling.replace("_", "").lower() == name:
            return value
    return default


def hex_id(value: t.Any) -> str:
    return format(int(value), "x")


def status(answer: t.Mapping[str, t.Any]) -> Status:
    header = pick(answer, "header", {})
    leader = int(pick(answer, "leader", 0))
    return Status(
        cluster_id=hex_id(pick(header, "clusterid", 0)),
        member_id=hex_id(pick(header, "memberid", 0)),
        version=str(pick(answer, "version", "")),
        storage_version=str(pick(answer, "storageversion", "")),
        revision=int(pick(header, "revision", 0)),
        db_size=int(pick(answer, "dbsize", 0)),
        db_size_in_use=int(pick(answer, "dbsizeinuse", 0)),
        leader=hex_id(leader) if leader else "",
        raft_index=int(pick(answer, "raftindex", 0)),
        raft_applied_index=int(pick(answer, "raftappliedindex", 0)),
        is_learner=bool(pick(answer, "islearner", False)),
        errors=tuple(str(error) for error in pick(answer, "errors", ())),
        quota=quota(int(pick(answer, "dbsizequota", 0))),
    )


def member(answer: t.Mapping[str, t.Any]) -> Member:
    """A member as the gateway lists it and as the ``members`` bucket of a database holds it."""
    return Member(
        id=hex_id(pick(answer, "id", 0)),
        name=str(pick(answer, "name", "")),
        peer_urls=tuple(sorted(str(url) for url in pick(answer, "peerurls", ()))),
        is_learner=bool(pick(answer, "islearner", False)),
        client_urls=tuple(sorted(str(url) for url in pick(answer, "clienturls", ()))),
    )


def members(answer: t.Mapping[str, t.Any]) -> tuple[Member, ...]:
    return tuple(sorted((member(item) for item in pick(answer, "members", ())), key=lambda one: one.id))


def alarm(member_id: int, kind: int) -> Alarm:
    return Alarm(hex_id(member_id), ALARMS.get(kind, f"unknown alarm {kind}"))


def alarms(answer: t.Mapping[str, t.Any]) -> tuple[Alarm, ...]:
    return tuple(
        Alarm(hex_id(pick(item, "memberid", 0)), str(pick(item, "alarm", "NONE")))
        for item in pick(answer, "alarms", ())
    )


def hash_kv(answer: t.Mapping[str, t.Any], revision: int) -> Hash:
    """``revision``: what was asked for, which releases before 3.6 do not repeat."""
    return Hash(
        revision=int(pick(answer, "hashrevision", revision)),
        compact_revision=int(pick(answer, "compactrevision", 0)),
        hash=int(pick(answer, "hash", 0)),
    )
