# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects a database holds, told while its rows go by.

Rows come in the order of revisions, and only the last one of a key counts, where that is no tombstone. What is kept of
a row until the end is 16 bytes: 63 bits of its key's hash, which is seeded anew in each process, so that nobody can
prepare collisions; and what it is an object of, and its size. A million keys take 16 MB, where a set of them would
take some 150.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import array
import collections
import typing as t

from . import layout, stored
from .layout import Place
from .protobuf import varint
from .stored import ENCRYPTED, PLAIN, Encryption

# Far above what is real. They bound what a hostile file can cost.
_MOST_GROUPS = 1 << 18
_MOST_PREFIXES = 1 << 16
_OTHERS = Place("(others)", "")
# A restore that raises the revision ends with a row of no key. etcdutl counts it, and etcd never again.
MADE_UP = Place("", "")
# A KeyValue's value follows its key and up to three numbers, tags included.
_BEFORE_VALUE = 64
_MARK = (1 << 63) - 1


class Group(t.NamedTuple):
    """The live objects of one resource, in one namespace, encrypted with one key. ``size``: of their rows, in bytes."""

    place: Place
    encryption: Encryption
    objects: int
    size: int


class Latest:
    """The last row of each key, which is told by its ``mark``. ``tag`` is whatever is to be known of that row.

    In parts, so that no more than a small one has to be a dictionary at a time.
    """

    _PARTS = 64

    def __init__(self) -> None:
        self._parts = tuple((array.array("Q"), array.array("Q")) for _part in range(self._PARTS))

    def add(self, key: bytes, tombstone: bool, tag: int) -> None:
        mark = hash(key) & _MARK
        marks, tags = self._parts[mark % self._PARTS]
        marks.append(mark << 1 | tombstone)
        tags.append(tag)

    def parts(self) -> t.Iterator[dict[int, int]]:
        """Tags of the keys that live, by mark. The same key is in the same part, also of another's."""
        for marks, tags in self._parts:
            live: dict[int, int] = {}
            for mark, tag in zip(marks, tags):
                if mark & 1:
                    live.pop(mark >> 1, None)
                else:
                    live[mark >> 1] = tag
            yield live


class Places:
    """Numbers for what keys are objects of. Beyond the bounds everything is among others."""

    def __init__(self, namespaces: bool) -> None:
        self._namespaces = namespaces
        self._numbers: dict[tuple[Place, Encryption], int] = {}
        self._by_prefix: dict[bytes, int] = {}
        self.all: list[tuple[Place, Encryption]] = []

    def number(self, key: bytes) -> int:
        """Of an object that is not encrypted."""
        prefix = key[: key.rfind(b"/") + 1]
        found = self._by_prefix.get(prefix)
        if found is None:
            place = layout.place(key)
            found = self.numbered(place if self._namespaces else Place(place.resource, ""), PLAIN)
            # A key of one segment is a place of its own.
            if len(prefix) > 1 and len(self._by_prefix) < _MOST_PREFIXES:
                self._by_prefix[prefix] = found
        return found

    def numbered(self, place: Place, encryption: Encryption) -> int:
        found = self._numbers.get((place, encryption))
        if found is None:
            if len(self.all) >= _MOST_GROUPS and place != _OTHERS:
                return self.numbered(_OTHERS, PLAIN)
            found = self._numbers[place, encryption] = len(self.all)
            self.all.append((place, encryption))
        return found


class Tally:
    """Counts the objects that live. Without ``namespaces`` those of all are counted together."""

    def __init__(self, namespaces: bool = False) -> None:
        self._places = Places(namespaces)
        self._latest = Latest()

    def add(self, key: bytes, row: bytes, tombstone: bool) -> None:
        """``row``: the KeyValue message, of which the key is the first part."""
        if tombstone:
            self._latest.add(key, True, 0)
            return
        number = self._places.number(key)
        if row.find(ENCRYPTED, len(key), len(key) + _BEFORE_VALUE) >= 0:
            number = self._places.numbered(self._places.all[number][0], stored.encryption(value_of(row)))
        self._latest.add(key, False, number << 32 | len(row))

    def groups(self) -> tuple[Group, ...]:
        objects, sizes = [0] * len(self._places.all), [0] * len(self._places.all)
        for part in self._latest.parts():
            for tag in part.values():
                objects[tag >> 32] += 1
                sizes[tag >> 32] += tag & 0xFFFFFFFF
        return tuple(
            sorted(Group(*one, count, size) for one, count, size in zip(self._places.all, objects, sizes) if count)
        )


def value_of(row: bytes) -> bytes:
    """The value of a KeyValue."""
    position = 0
    while position < len(row):
        tag, position = varint(row, position)
        size, position = varint(row, position)
        if tag & 7 == 2:
            if tag >> 3 == 5:
                return row[position : position + size]
            position += size
        elif tag & 7:
            raise ValueError(f"field {tag >> 3} has the wire type {tag & 7}")
    return b""


def encryptions(groups: t.Iterable[Group]) -> list[dict[str, t.Any]]:
    """What must be in the EncryptionConfiguration of whoever is to read the objects: ``provider``, ``key`` and the
    ``resources`` that they encrypt.
    """
    found: dict[Encryption, set[str]] = collections.defaultdict(set)
    for group in groups:
        if group.encryption != PLAIN:
            found[group.encryption].add(group.place.resource)
    return [{**encryption._asdict(), "resources": sorted(resources)} for encryption, resources in sorted(found.items())]


def real(groups: t.Iterable[Group]) -> list[Group]:
    """Without what a restore that raised the revision has made up."""
    return [group for group in groups if group.place != MADE_UP]


def resources(groups: t.Iterable[Group]) -> list[dict[str, t.Any]]:
    """Of each resource how many objects there are, in which namespaces, of what size, and what encrypts them."""
    found: dict[str, dict[str, t.Any]] = {}
    for group in real(groups):
        one = found.setdefault(
            group.place.resource,
            {"resource": group.place.resource, "objects": 0, "bytes": 0, "namespaces": {}, "encryption": {}},
        )
        one["objects"] += group.objects
        one["bytes"] += group.size
        _add(one["namespaces"], group.place.namespace, group.objects)
        _add(one["encryption"], group.encryption, group.objects)
    for one in found.values():
        one["encryption"] = [
            {"provider": encryption.provider or "identity", "key": encryption.key, "objects": objects}
            for encryption, objects in sorted(one["encryption"].items())
        ]
        one["namespaces"].pop("", None)
    return list(found.values())


def _add(counts: dict[t.Any, int], name: t.Any, number: int) -> None:
    counts[name] = counts.get(name, 0) + number
