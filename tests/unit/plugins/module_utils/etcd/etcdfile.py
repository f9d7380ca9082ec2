# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases as etcd fills them, from the changes that clients made."""

from __future__ import annotations

import json
import struct
import typing as t

from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import boltfile

MEMBERS = ({"id": 0xAC7C97EF0EC193B0, "name": "cp1", "peerURLs": ["https://192.0.2.11:2380"]},)
UID = "5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50"
# One change: a value, or None for a deletion.
Change = tuple[bytes, t.Optional[bytes]]


def varint(number: int) -> bytes:
    result = b""
    while number > 0x7F:
        result += bytes((number & 0x7F | 0x80,))
        number >>= 7
    return result + bytes((number,))


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def revision(main: int, tombstone: bool = False, sub: int = 0) -> bytes:
    return struct.pack(">Q", main) + b"_" + struct.pack(">Q", sub) + (b"t" if tombstone else b"")


def key_rows(changes: t.Iterable[Change]) -> list[tuple[bytes, bytes]]:
    rows = []
    for main, (key, value) in enumerate(changes, 2):  # etcd's first change is revision 2
        content = field(1, key)
        if value is not None:
            content += field(2, main) + field(3, main) + field(4, 1) + field(5, value)
        rows.append((revision(main, value is None), content))
    return rows


def namespace(uid: str = UID) -> bytes:
    """A Namespace as kube-apiserver stores it."""
    metadata = field(1, b"kube-system") + field(5, uid.encode()) + field(8, field(1, 1700000000))
    unknown = field(1, field(1, b"v1") + field(2, b"Namespace")) + field(2, field(1, metadata)) + field(3, b"")
    return b"k8s\0" + unknown


def buckets(changes: t.Iterable[Change] = (), **others: boltfile.Rows) -> dict[bytes, boltfile.Rows]:
    members = [(format(member["id"], "x").encode(), json.dumps(member).encode()) for member in MEMBERS]
    content: dict[bytes, boltfile.Rows] = {
        b"alarm": [],
        b"auth": [(b"authEnabled", b"\0"), (b"authRevision", struct.pack(">Q", 1))],
        b"authRoles": [],
        b"authUsers": [],
        b"cluster": [(b"clusterVersion", b"3.6.0")],
        b"key": key_rows(changes),
        b"lease": [],
        b"members": members,
        b"members_removed": [],
        b"meta": [(b"consistent_index", struct.pack(">Q", 10)), (b"storageVersion", b"3.6.0"), (b"term", b"\0" * 8)],
    }
    content.update({name.encode(): rows for name, rows in others.items()})
    return content


def snapshot(changes: t.Iterable[Change] = (), **others: boltfile.Rows) -> bytes:
    return boltfile.with_trailer(boltfile.build(buckets(changes, **others), inline_up_to=3))


def kubernetes(objects: int = 40) -> bytes:
    """A snapshot of something like a cluster."""
    changes = [(b"/registry/namespaces/kube-system", namespace())]
    changes += [(b"/registry/pods/default/pod-%d" % number, b"k8s\0" + b"x" * 100) for number in range(objects)]
    return snapshot(changes)
