# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import protobuf
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.tuples(st.integers(1, 2000), st.one_of(st.integers(0, 2**64 - 1), st.binary(max_size=300)))))
def test_reads_the_fields_of_a_message(fields: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(etcdfile.field(number, content) for number, content in fields)
    assert list(protobuf.fields(data)) == fields


def test_reads_fields_of_a_fixed_size() -> None:
    data = bytes((1 << 3 | 1,)) + b"12345678" + bytes((2 << 3 | 5,)) + b"1234"
    assert list(protobuf.fields(data)) == [(1, b"12345678"), (2, b"1234")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x0a", "no end"),
        (b"\x0a\x05abc", "field 1 ends 2 bytes after its message"),
        (b"\x09abc", "field 1 ends 5 bytes after"),
        (b"\x0b", "field 1 has the wire type 3"),
        (b"\xff" * 11, "no end"),
    ],
)
def test_what_is_no_message(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(protobuf.fields(data))


@given(st.binary(max_size=40))
def test_whatever_comes_only_a_value_error_is_raised(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert sum(1 for _field in protobuf.fields(data)) <= len(data)


def test_first_takes_the_first_of_its_number() -> None:
    data = etcdfile.field(1, 7) + etcdfile.field(2, b"a") + etcdfile.field(2, b"b") + etcdfile.field(1, b"c")
    assert [protobuf.first(data, number) for number in (1, 2, 3)] == [b"c", b"a", b""]
