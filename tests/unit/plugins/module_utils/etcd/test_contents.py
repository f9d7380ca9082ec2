# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import struct
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import bolt, contents, layout
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import Damaged
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import state
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import boltfile, etcdfile
from hypothesis import given
from hypothesis import strategies as st

# Few different keys, so that they are changed and deleted again and again.
CHANGES = st.lists(st.tuples(st.sampled_from((b"a", b"b", b"/registry/c", b"")), st.none() | st.binary(max_size=20)))


def read(content: t.Mapping[bytes, boltfile.Rows], with_hash: bool = False) -> contents.Contents:
    data = boltfile.build(content, inline_up_to=2)
    handle = os.memfd_create("database")
    try:
        os.write(handle, data)
        return contents.read(bolt.Database(handle, len(data)), with_hash)
    finally:
        os.close(handle)


@given(CHANGES)
def test_revision_and_live_keys(changes: list[etcdfile.Change]) -> None:
    live: dict[bytes, bytes] = {}
    for key, value in changes:
        live.pop(key, None)
        if value is not None:
            live[key] = value
    buckets = etcdfile.buckets(changes)
    found = read(buckets)
    # Nobody can put an empty key: it is what a restore makes up.
    assert found.keys == len(live.keys() - {b""})
    assert found.rows == sum(map(len, buckets.values()))
    assert found.revision == (len(changes) + 1 if changes else 0)
    assert found.head == len(changes) + 1


def test_what_a_cluster_is_told_by() -> None:
    member = {"id": 255, "name": "cp2", "peerURLs": ["https://y", "https://x"], "isLearner": True}
    alarm = etcdfile.field(1, 255) + etcdfile.field(2, 2)
    found = read(
        etcdfile.buckets(
            [(layout.KUBE_SYSTEM, etcdfile.namespace())],
            members=[*etcdfile.buckets()[b"members"], (b"ff", json.dumps(member).encode())],
            alarm=[(alarm, b"")],
        )
    )
    assert found.members == (
        state.Member("ac7c97ef0ec193b0", "cp1", ("https://192.0.2.11:2380",)),
        state.Member("ff", "cp2", ("https://x", "https://y"), True),
    )
    assert found.alarms == (state.Alarm("ff", "CORRUPT"),)
    assert (found.storage_version, found.cluster_version) == ("3.6.0", "3.6.0")
    assert found.kube_system_uid == etcdfile.UID


@pytest.mark.parametrize(
    ("value", "uid"),
    [
        (etcdfile.namespace("u-1"), "u-1"),
        (b'{"metadata": {"uid": "u-2"}}', "u-2"),
        (b"k8s:enc:aescbc:v1:key1:\x8f\x01", ""),
        (b"k8s\0\xff\xff", ""),
        (b'{"metadata"', ""),
        (b'{"metadata": []}', ""),
        (b'{"a":' * 10000, ""),
        (b"", ""),
    ],
)
def test_uid_of_kube_system(value: bytes, uid: str) -> None:
    assert read(etcdfile.buckets([(layout.KUBE_SYSTEM, value)])).kube_system_uid == uid


def test_a_deleted_namespace_has_no_uid() -> None:
    changes = [(layout.KUBE_SYSTEM, etcdfile.namespace()), (contents.KUBE_SYSTEM, None)]
    assert read(etcdfile.buckets(changes)).kube_system_uid == ""


def test_a_compaction_beyond_the_last_row() -> None:
    """The last change was a deletion, and it was compacted: etcd goes on from there all the same."""
    rows = [(b"finishedCompactRev", etcdfile.revision(9)), (b"scheduledCompactRev", etcdfile.revision(9))]
    found = read(etcdfile.buckets([(b"a", b"b")], meta=rows))
    assert (found.revision, found.head) == (2, 9)


def test_the_row_of_a_revision_that_a_restore_made_up() -> None:
    found = read(etcdfile.buckets(key=[*etcdfile.key_rows([(b"a", b"b")]), (etcdfile.revision(1000000002), b"")]))
    assert (found.revision, found.keys) == (1000000002, 1)


def test_hash_is_that_of_all_buckets_names_and_rows() -> None:
    buckets = etcdfile.buckets([(b"a", b"b"), (b"a", None)])
    content = b"".join(name + b"".join(key + value for key, value in rows) for name, rows in sorted(buckets.items()))
    assert read(buckets, with_hash=True).hash == contents.crc32c.update(0, content)
    assert read(buckets).hash is None


@pytest.mark.parametrize("name", sorted(contents.BUCKETS))
def test_a_bucket_is_missing(name: bytes) -> None:
    buckets = {bucket: rows for bucket, rows in etcdfile.buckets().items() if bucket != name}
    with pytest.raises(Damaged, match=f"are missing: {name.decode()}$"):
        read(buckets)


@pytest.mark.parametrize(
    ("bucket", "key", "value"),
    [
        ("key", b"short", b""),
        ("key", etcdfile.revision(2) + b"x", b""),
        ("key", etcdfile.revision(2) + b"tt", b""),
        ("key", etcdfile.revision(2).replace(b"_", b"-"), b""),
        ("key", etcdfile.revision(2), b"\x0a\x05abc"),
        ("key", etcdfile.revision(2), b"\x0a"),
        ("key", etcdfile.revision(2), b"\x12\x05abc"),
        ("key", etcdfile.revision(2), etcdfile.field(1, layout.KUBE_SYSTEM) + b"\x0f"),
        ("members", b"ff", b"{"),
        ("members", b"ff", b"[1]"),
        ("members", b"ff", b'[["id", 1], [2, 3]]'),
        ("members", b"ff", b'{"id": 1e999}'),
        ("members", b"ff", b'{"id": "cp1"}'),
        ("members", b"ff", b'{"id": 1, "peerURLs": 7}'),
        ("members", b"ff", b"[" * 50000),
        ("members", b"ff", b'{"id": ' + b"9" * 70000 + b"}"),
        ("members", b"ff", b"\xff"),
        ("alarm", b"\x08", b""),
        ("cluster", b"clusterVersion", b"\xff"),
        ("meta", b"storageVersion", b"\xff"),
        ("meta", b"finishedCompactRev", b"\0"),
    ],
)
def test_rows_that_etcd_does_not_write(bucket: str, key: bytes, value: bytes) -> None:
    with pytest.raises(Damaged, match=f"bucket {bucket}: row .* is not what etcd writes"):
        read(etcdfile.buckets(**{bucket: [(key, value)]}))


def test_members_without_number() -> None:
    rows = [(b"%08x" % number, b'{"id": %d}' % number) for number in range(1, 1200)]
    with pytest.raises(Damaged, match="more than 1000"):
        read(etcdfile.buckets(members=rows))


def test_a_compacted_revision_is_read_from_its_first_half() -> None:
    row = struct.pack(">Q", 7) + b"_" + struct.pack(">Q", 99)
    assert read(etcdfile.buckets(meta=[(b"finishedCompactRev", row)])).head == 7
