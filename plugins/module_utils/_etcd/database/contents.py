# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an etcd database holds, read in one walk over all its rows.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import struct
import typing as t

from ..member import state
from . import configmaps, crc32c, objects, protobuf, stored
from .bolt import Database
from .layout import KUBE_SYSTEM
from .pages import Damaged

# etcd makes all of them when it starts.
BUCKETS = frozenset(
    (
        b"alarm",
        b"auth",
        b"authRoles",
        b"authUsers",
        b"cluster",
        b"key",
        b"lease",
        b"members",
        b"members_removed",
        b"meta",
    )
)
# What is told of more than that it is there.
KEPT = frozenset((KUBE_SYSTEM, *configmaps.KEYS))
# Far above what is real. They bound what a hostile file can cost.
_LONGEST_JSON = 1 << 16
_MOST = 1000


@dataclasses.dataclass(frozen=True)
class Contents:
    """``revision`` is that of the last row; ``head`` is where etcd would go on from, later when that was compacted.

    ``keys`` counts the keys that live, as etcd itself does, ``rows`` all rows of all buckets: etcdutl prints the one
    from 3.6 on, where it counts the empty key that a restore has made up, too, and the other before. ``hash`` is
    etcdutl's, None where it was not asked for. ``objects`` are what lives behind the keys.
    ``kept``: the KeyValue of each key of `KEPT`, empty where it was deleted.
    """

    revision: int
    head: int
    keys: int
    rows: int
    members: tuple[state.Member, ...]
    alarms: tuple[state.Alarm, ...]
    storage_version: str
    cluster_version: str
    kube_system_uid: str
    hash: t.Optional[int]
    objects: tuple[objects.Group, ...]
    kept: t.Mapping[bytes, bytes]


def keys(database: Database) -> t.Iterator[tuple[bytes, bool]]:
    """The key of each row in the order of revisions, and whether it is a tombstone; nothing else is looked at."""
    for revision, row in database.rows(b"key"):
        try:
            yield _key_of(row), revision.endswith(b"t")
        except state.MALFORMED as error:
            raise _malformed(b"key", revision, error) from error


# Sees each row of a key: its revision, the key, the KeyValue, and whether it is a tombstone.
Visitor = t.Callable[[int, bytes, bytes, bool], None]


def read(
    database: Database, with_hash: bool = False, namespaces: bool = False, visit: t.Optional[Visitor] = None
) -> Contents:
    """Walk the whole database. Raise Damaged where structure or rows are not what etcd writes.

    Without ``namespaces`` the objects of all of them are counted together.
    """
    walk = _Walk(with_hash, namespaces, visit)
    missing = set(BUCKETS)
    for name, rows in database.buckets():
        walk.bucket(name, rows)
        missing.discard(name)
    if missing:
        raise Damaged(f"buckets that etcd always makes are missing: {b', '.join(sorted(missing)).decode()}")
    groups = walk.tally.groups()
    revision = _main(walk.last)
    return Contents(
        revision=revision,
        head=max(revision, walk.compacted, 1),
        keys=sum(group.objects for group in objects.real(groups)),
        rows=walk.count,
        members=tuple(sorted(walk.members, key=lambda one: one.id)),
        alarms=tuple(walk.alarms),
        storage_version=walk.versions.get(b"storageVersion", ""),
        cluster_version=walk.versions.get(b"clusterVersion", ""),
        kube_system_uid=uid_of(protobuf.first(walk.kept.get(KUBE_SYSTEM, b""), 5)),
        hash=walk.hash if with_hash else None,
        objects=groups,
        kept=walk.kept,
    )


def members(database: Database) -> tuple[state.Member, ...]:
    """The members that the database names, with nothing else looked at."""
    walk = _Walk()
    walk.bucket(b"members", database.rows(b"members"))
    return tuple(sorted(walk.members, key=lambda one: one.id))


def revision(database: Database) -> int:
    """The last one, with nothing else looked at."""
    return _main(max((key for key, _row in database.rows(b"key")), default=b""))


class _Walk:
    """What has been found so far."""

    def __init__(self, with_hash: bool = False, namespaces: bool = False, visit: t.Optional[Visitor] = None) -> None:
        self.compacted = self.count = self.hash = 0
        self.last = b""
        self.tally = objects.Tally(namespaces)
        self._visit = visit
        self.members: list[state.Member] = []
        self.alarms: list[state.Alarm] = []
        self.versions: dict[bytes, str] = {}
        self.kept: dict[bytes, bytes] = {}
        self._with_hash = with_hash
        self._handlers = {
            b"key": self._revision,
            b"meta": self._setting,
            b"cluster": self._setting,
            b"members": self._member,
            b"alarm": self._alarm,
        }

    def bucket(self, name: bytes, rows: t.Iterable[tuple[bytes, bytes]]) -> None:
        if self._with_hash:
            self.hash = crc32c.update(self.hash, name)
            rows = self._hashed(rows)
        handle = self._handlers.get(name, _nothing)
        for key, value in rows:
            self.count += 1
            try:
                handle(key, value)
            except state.MALFORMED as error:
                raise _malformed(name, key, error) from error

    def _hashed(self, rows: t.Iterable[tuple[bytes, bytes]]) -> t.Iterator[tuple[bytes, bytes]]:
        for key, value in rows:
            self.hash = crc32c.update(self.hash, key + value)
            yield key, value

    def _revision(self, key: bytes, value: bytes) -> None:
        """Key: main revision, '_', sub revision and 't' on a tombstone. Value: a KeyValue."""
        tombstone = len(key) == 18 and key[17] == 0x74
        if len(key) != 17 + tombstone or key[8] != 0x5F:
            raise ValueError("no revision")
        self.last = key
        name = _key_of(value)
        self.tally.add(name, value, tombstone)
        if name in KEPT:
            protobuf.first(value, 5)  # so that one that cannot be read is told of here, where its row is known
            self.kept[name] = b"" if tombstone else value
        if self._visit:
            self._visit(_main(key), name, value, tombstone)

    def _setting(self, key: bytes, value: bytes) -> None:
        if key in (b"scheduledCompactRev", b"finishedCompactRev"):
            self.compacted = max(self.compacted, struct.unpack_from(">Q", value)[0])
        elif key in (b"storageVersion", b"clusterVersion"):
            self.versions[key] = value.decode("ascii")

    def _member(self, key: bytes, value: bytes) -> None:
        self.members.append(state.member(_json(value)))
        _limit(self.members)

    def _alarm(self, key: bytes, value: bytes) -> None:
        found = dict(protobuf.fields(key))
        self.alarms.append(state.alarm(t.cast(int, found.get(1, 0)), t.cast(int, found.get(2, 0))))
        _limit(self.alarms)


def _malformed(bucket: bytes, key: bytes, error: Exception) -> Damaged:
    return Damaged(f"bucket {bucket.decode()}: row {key[:40]!r} is not what etcd writes: {str(error)[:200]}")


def _nothing(_key: bytes, _value: bytes) -> None:
    pass


def _main(key: bytes) -> int:
    return int.from_bytes(key[:8], "big")


def _limit(items: t.Sized) -> None:
    if len(items) > _MOST:
        raise ValueError(f"there are more than {_MOST} of them")


def _key_of(value: bytes) -> bytes:
    """The key of a KeyValue, which etcd writes first. Revisions that a restore made up have none."""
    if value[:1] != b"\x0a":
        return protobuf.first(value, 1)
    size, start = protobuf.varint(value, 1)
    if start + size > len(value):
        raise ValueError("the key is cut off")
    return value[start : start + size]


def _json(value: bytes) -> dict[str, t.Any]:
    if len(value) > _LONGEST_JSON:
        raise ValueError(f"{len(value)} bytes of JSON")
    return dict(json.loads(value))


def uid_of(namespace: bytes) -> str:
    """metadata.uid of a stored object, empty where it is encrypted or not there."""
    try:
        if namespace.startswith(b"{"):
            return str(_json(namespace)["metadata"]["uid"])
        unknown = stored.envelope(namespace)
        if unknown is not None:  # of the object, metadata is field 1; of that, uid is 5
            return protobuf.first(protobuf.first(protobuf.first(unknown, 2), 1), 5).decode("ascii")
    except state.MALFORMED:
        pass
    return ""
