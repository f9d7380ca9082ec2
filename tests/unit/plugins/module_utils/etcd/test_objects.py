# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections
import tracemalloc
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import layout, objects
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.stored import PLAIN, Encryption
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.sampled_from(
    (b"/registry/secrets/a/1", b"/registry/secrets/a/2", b"/registry/secrets/b/1", b"/registry/minions/1", b"x", b"y")
)
VALUES = st.sampled_from((b"k8s\0", b"k8s:enc:aescbc:v1:key1:x", b"k8s:enc:aescbc:v1:key2:x", b"{}"))
CHANGES = st.lists(st.tuples(KEYS, st.none() | VALUES))


def tally(changes: t.Iterable[etcdfile.Change], namespaces: bool = True) -> tuple[objects.Group, ...]:
    counted = objects.Tally(namespaces)
    changes = list(changes)
    for (key, value), (_revision, row) in zip(changes, etcdfile.key_rows(changes), strict=True):
        counted.add(key, row, value is None)
    return counted.groups()


@given(CHANGES)
def test_what_lives_is_counted_where_it_is(changes: list[etcdfile.Change]) -> None:
    last = {
        key: (value, row) for (key, value), (_revision, row) in zip(changes, etcdfile.key_rows(changes), strict=True)
    }
    live = {key: (value, row) for key, (value, row) in last.items() if value is not None}
    expected: collections.Counter[tuple[layout.Place, str]] = collections.Counter()
    for key, (value, _row) in live.items():
        expected[layout.place(key), value[18:22].decode() if value.startswith(b"k8s:enc") else ""] += 1
    found = tally(changes)
    assert {(group.place, group.encryption.key): group.objects for group in found} == expected
    assert sum(group.size for group in found) == sum(len(row) for _value, row in live.values())
    assert list(found) == sorted(found)
    together = tally(changes, namespaces=False)
    assert sum(group.objects for group in together) == len(live)
    assert {group.place.namespace for group in together} <= {""}


def test_what_encrypts_what() -> None:
    changes = [
        (b"/registry/secrets/a/1", b"k8s:enc:aescbc:v1:old:x"),
        (b"/registry/secrets/a/1", b"k8s:enc:aescbc:v1:new:x"),
        (b"/registry/secrets/b/1", b"k8s:enc:kms:v2:vault:x"),
        (b"/registry/secrets/b/2", b"k8s\0"),
        (b"/registry/configmaps/b/1", b"k8s:enc:aescbc:v1:new:x"),
        (b"/registry/example.com/widgets/b/1", b"{k8s:enc:aescbc:v1:none:}"),
        (b"/registry/configmaps/b/2", b"k8s\0k8s:enc:aescbc:v1:none:"),
    ]
    groups = tally(changes)
    assert objects.encryptions(groups) == [
        {"provider": "aescbc", "key": "new", "resources": ["configmaps", "secrets"]},
        {"provider": "kms", "key": "vault", "resources": ["secrets"]},
    ]
    secrets = next(one for one in objects.resources(groups) if one["resource"] == "secrets")
    assert secrets["namespaces"] == {"a": 1, "b": 2}
    assert secrets["objects"] == 3
    assert secrets["encryption"] == [
        {"provider": "identity", "key": "", "objects": 1},
        {"provider": "aescbc", "key": "new", "objects": 1},
        {"provider": "kms", "key": "vault", "objects": 1},
    ]


def test_the_row_that_a_restore_made_up_is_no_object() -> None:
    groups = (objects.Group(layout.Place("", ""), PLAIN, 1, 0), objects.Group(layout.Place("pods", "a"), PLAIN, 2, 9))
    assert [one["resource"] for one in objects.resources(groups)] == ["pods"]


@pytest.mark.parametrize("lease", [b"", b"\x30\x80\x80\x80\x80\x80\x80\x80\x80\x10"])
def test_a_value_behind_the_longest_numbers(lease: bytes) -> None:
    value = b"k8s:enc:aescbc:v1:key1:x"
    numbers = b"".join(etcdfile.field(number, 2**64 - 1) for number in (2, 3, 4))
    row = etcdfile.field(1, b"/registry/secrets/a/1") + numbers + etcdfile.field(5, value * 100) + lease
    assert objects.value_of(row) == value * 100
    counted = objects.Tally()
    counted.add(b"/registry/secrets/a/1", row, False)
    assert counted.groups()[0].encryption == Encryption("aescbc", "key1")


def test_beyond_the_bounds_all_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "_MOST_GROUPS", 3)
    monkeypatch.setattr(objects, "_MOST_PREFIXES", 2)
    groups = tally((b"/registry/r%d/a/1" % number, b"k8s:enc:aescbc:v1:k:") for number in range(10))
    assert sum(group.objects for group in groups) == 10
    assert len(groups) <= 4
    assert "(others)" in {group.place.resource for group in groups}


def test_a_key_takes_a_few_bytes() -> None:
    keys = [b"/registry/pods/namespace-%d/pod-%d" % (number % 50, number) for number in range(100_000)]
    tracemalloc.start()
    try:
        counted = objects.Tally(namespaces=True)
        for key in keys:
            counted.add(key, b"", False)
        groups = counted.groups()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(group.objects for group in groups) == 100_000
    assert peak < 30 * len(keys)
