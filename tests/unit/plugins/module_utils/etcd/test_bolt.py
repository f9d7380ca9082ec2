# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The bbolt reader against files from a writer that shares no code with it."""

from __future__ import annotations

import os
import struct
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import bolt
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import Damaged
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import boltfile
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.binary(min_size=1, max_size=20)
VALUES = st.one_of(st.binary(max_size=30), st.integers(3000, 9000).map(lambda size: b"v" * size))
BUCKETS = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=30).map(lambda rows: sorted(rows.items())))


def read(data: bytes, size: int | None = None) -> dict[bytes, list[tuple[bytes, bytes]]]:
    handle = os.memfd_create("database")
    try:
        os.write(handle, data)
        database = bolt.Database(handle, len(data) if size is None else size)
        return {name: list(rows) for name, rows in database.buckets()}
    finally:
        os.close(handle)


@given(
    BUCKETS, st.sampled_from("<>"), st.sampled_from((1024, 4096)), st.integers(2, 6), st.integers(0, 5), st.booleans()
)
def test_reads_what_was_written(
    buckets: dict[bytes, list[tuple[bytes, bytes]]],
    order: str,
    page_size: int,
    fanout: int,
    inline: int,
    freelist: bool,
) -> None:
    data = boltfile.build(buckets, inline, freelist, order=order, page_size=page_size, fanout=fanout)
    assert read(data) == dict(sorted(buckets.items()))


@pytest.mark.parametrize("with_freelist", [True, False])
def test_passes_over_free_pages(with_freelist: bool) -> None:
    rows = [(b"%04d" % number, b"x") for number in range(50)]
    assert read(boltfile.build({b"key": rows}, 0, with_freelist, free_between=2)) == {b"key": rows}


def test_checks_what_the_caller_does_not_read() -> None:
    writer = boltfile.Writer()
    bucket = writer.bucket([(b"%04d" % number, b"x") for number in range(20)], inline=False)
    good = writer.database(writer.tree([(1, b"key", bucket)]))
    last_leaf = max(number for number, page in writer.pages.items() if page[8] == boltfile.LEAF and b"0019" in page)
    bad = bytearray(good)
    bad[last_leaf * 4096 + 8] = 0x40
    handle = os.memfd_create("database")
    try:
        os.write(handle, bytes(bad))
        with pytest.raises(Damaged, match=f"page {last_leaf}"):
            for _name, rows in bolt.Database(handle, len(bad)).buckets():
                next(rows)
    finally:
        os.close(handle)


class Corner:
    """A database of one bucket with three leaves, to be spoiled. Pages: leaves 2 3 4, branch 5, root 6."""

    def __init__(self) -> None:
        self.writer = boltfile.Writer()
        rows = [(b"%02d" % number, b"value") for number in range(12)]
        self.bucket = self.writer.bucket(rows, inline=False)
        self.root = self.writer.tree([(1, b"key", self.bucket)])

    def data(self) -> bytes:
        return self.writer.database(self.root)

    def put(self, number: int, offset: int, content: bytes) -> None:
        page = bytearray(self.writer.pages[number])
        page[offset : offset + len(content)] = content
        self.writer.pages[number] = bytes(page)

    def number(self, number: int, offset: int, kind: str, value: int) -> None:
        self.put(number, offset, struct.pack(f"<{kind}", value))


def leaf(corner: Corner, rows: list[tuple[int, bytes, bytes]]) -> None:
    """Replace the first leaf."""
    body = corner.writer.leaf_body(rows)
    corner.writer.pages[2] = (corner.writer.header(2, boltfile.LEAF, len(rows)) + body).ljust(4096, b"\0")


def branch(corner: Corner, rows: list[tuple[bytes, int]]) -> None:
    body = corner.writer.branch_body(rows)
    corner.writer.pages[5] = (corner.writer.header(5, boltfile.BRANCH, len(rows)) + body).ljust(4096, b"\0")


SPOILED: dict[str, tuple[t.Callable[[Corner], object], str]] = {
    "page number": (lambda c: c.number(3, 0, "Q", 4), "page 3: says that it is page 4"),
    "page type": (lambda c: c.number(3, 8, "H", 3), "page 3: has the unknown type 0x3"),
    "meta inside": (lambda c: c.number(3, 8, "H", boltfile.META), "page 3: has the unknown type 0x4"),
    "free list in a tree": (lambda c: c.number(3, 8, "H", boltfile.FREELIST), "page 3: type 0x10"),
    "overflow past the end": (lambda c: c.number(6, 12, "I", 1), "page 6: overflows into 1 pages"),
    "overflow without end": (lambda c: c.number(3, 12, "I", 2**32 - 1), "page 3: overflows into 4294967295 pages"),
    "overflow into another": (lambda c: c.number(3, 12, "I", 1), "page 4: is used twice"),
    "too many rows": (lambda c: c.number(3, 10, "H", 0xFFFF), "page 3: 65535 rows do not fit"),
    "empty leaf": (lambda c: c.number(3, 10, "H", 0), "page 3: type 0x2 with 0 rows"),
    "empty branch": (lambda c: c.number(5, 10, "H", 0), "page 5: type 0x1 with 0 rows"),
    "child that is not there": (lambda c: c.number(5, 16 + 8, "Q", 99), "page 99: there are the pages 2 to 6"),
    "child that is a meta page": (lambda c: c.number(5, 16 + 8, "Q", 1), "page 1: there are the pages 2 to 6"),
    "child twice": (lambda c: branch(c, [(b"00", 2), (b"04", 3), (b"08", 3)]), "page 3: is used twice"),
    "circle": (lambda c: branch(c, [(b"00", 2), (b"04", 5)]), "page 5: is used twice"),
    "branch out of order": (lambda c: branch(c, [(b"00", 2), (b"08", 4), (b"04", 3)]), "page 5: keys out of order"),
    "branch with a key twice": (lambda c: branch(c, [(b"00", 2), (b"00", 3)]), "page 5: keys out of order"),
    "branch key outside": (lambda c: c.number(5, 16, "I", 4096), "page 5: a key lies outside"),
    "branch key in the table": (lambda c: c.number(5, 16, "I", 0), "page 5: a key lies outside"),
    "keys below the parent's": (lambda c: branch(c, [(b"00", 2), (b"05", 3), (b"08", 4)]), "page 3: keys out of order"),
    "keys above the parent's": (lambda c: branch(c, [(b"00", 2), (b"03", 3), (b"08", 4)]), "page 2: keys reach beyond"),
    "row out of order": (lambda c: leaf(c, [(0, b"01", b""), (0, b"00", b"")]), "page 2: keys out of order"),
    "row twice": (lambda c: leaf(c, [(0, b"01", b""), (0, b"01", b"")]), "page 2: keys out of order"),
    "row without key": (lambda c: leaf(c, [(0, b"", b"value")]), "page 2: a row lies outside"),
    "row outside": (lambda c: c.number(2, 16 + 4, "I", 4096), "page 2: a row lies outside"),
    "row over another": (lambda c: c.number(2, 32 + 4, "I", 48), "page 2: a row lies outside"),
    "row in the table": (lambda c: c.number(2, 16 + 4, "I", 0), "page 2: a row lies outside"),
    "value past the page": (lambda c: c.number(2, 16 + 12, "I", 2**32 - 1), "page 2: a row lies outside"),
    "unknown row flag": (lambda c: c.number(2, 16, "I", 2), "page 2: a row lies outside"),
    "bucket in a bucket": (lambda c: c.number(2, 16, "I", 1), "a bucket inside a bucket"),
    "row beside the buckets": (lambda c: c.number(6, 16, "I", 0), "page 6: a row beside the buckets"),
    "bucket cut off": (lambda c: c.number(6, 16 + 12, "I", 15), "the bucket b'key' is cut off"),
    "bucket that is the root": (lambda c: c.put(6, 16 + 16 + 3, struct.pack("<Q", 6)), "page 6: is used twice"),
    "inline bucket cut off": (
        lambda c: c.put(6, 16 + 16 + 3, struct.pack("<Q", 0)),
        "inline bucket b'key': is cut off",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_damage_is_named(name: str) -> None:
    corner = Corner()
    assert len(read(corner.data())[b"key"]) == 12
    spoil, message = SPOILED[name]
    spoil(corner)
    with pytest.raises(Damaged) as caught:
        read(corner.data())
    assert message in caught.value.msg


def test_a_tree_is_not_endlessly_deep() -> None:
    writer = boltfile.Writer()
    number = writer.tree([(0, b"a", b"")])
    for _level in range(40):
        number = writer.page(boltfile.BRANCH, 1, writer.branch_body([(b"a", number)]))
    root = writer.tree([(1, b"key", struct.pack("<QQ", number, 0))])
    with pytest.raises(Damaged, match="more than 32 levels"):
        read(writer.database(root))


@pytest.mark.parametrize(
    ("free", "message"),
    [
        ([2, 3, 2], "page 2: is used twice"),
        ([2], "page 3: neither in use nor free"),
        ([2, 3, 99], "lists page 99 as free"),
    ],
)
def test_a_free_list_that_lies(free: list[int], message: str) -> None:
    writer = boltfile.Writer(free_between=2)
    root = writer.tree([(1, b"key", writer.bucket([], inline=True))])
    assert writer.free == [2, 3]
    writer.free = free
    with pytest.raises(Damaged, match=message):
        read(writer.database(root, with_freelist=True))


def test_a_free_page_that_is_in_use() -> None:
    writer = boltfile.Writer()
    root = writer.tree([(1, b"key", writer.bucket([(b"a", b"b")], inline=False))])
    writer.free = [2]
    with pytest.raises(Damaged, match="page 2: is used twice"):
        read(writer.database(root, with_freelist=True))


def test_a_free_list_whose_count_does_not_fit_its_field() -> None:
    writer = boltfile.Writer(page_size=1024)
    root = writer.tree([(1, b"key", writer.bucket([], inline=True))])
    free = list(range(writer.next, writer.next + 70_000))
    for number in free:
        writer.pages[number] = b"\0" * 1024
    writer.next += len(free)
    freelist = writer.page(boltfile.FREELIST, 0xFFFF, struct.pack(f"<{len(free) + 1}Q", len(free), *free))
    metas = writer.meta(0, root, freelist, 8) + writer.meta(1, root, freelist, 7)
    data = metas + b"".join(page for _number, page in sorted(writer.pages.items()))
    assert read(data) == {b"key": []}


@pytest.mark.parametrize("offset", [16, 20, 24, 32, 48, 56, 64, 72])
@pytest.mark.parametrize("page", [0, 1])
def test_meta_pages_are_covered_by_their_checksum(page: int, offset: int) -> None:
    data = bytearray(Corner().data())
    data[page * 4096 + offset] ^= 1
    with pytest.raises(Damaged, match=f"meta page {page}"):
        read(bytes(data))


def test_the_later_meta_page_counts() -> None:
    corner = Corner()
    old = corner.writer.meta(0, 99, boltfile.NO_FREELIST, 6)
    assert len(read(old + corner.data()[4096:])[b"key"]) == 12


@pytest.mark.parametrize("size", [0, 10, 4096, 5000, 8192, 4096 * 7 - 1, 4096 * 8])
def test_the_size_is_that_of_the_pages(size: int) -> None:
    data = Corner().data()
    assert len(data) == 4096 * 7
    with pytest.raises(Damaged):
        read(data[:size].ljust(size, b"\0"))


def test_a_file_that_shrinks_meanwhile() -> None:
    data = Corner().data()
    with pytest.raises(Damaged, match="the file ends at"):
        read(data[: 4096 * 3], size=len(data))


def blocks(data: bytes) -> st.SearchStrategy[bytes]:
    """The file with some numbers changed, mostly where they mean something: in headers and tables."""
    page = st.integers(0, len(data) // 1024 - 1)
    place = st.builds(lambda number, offset: number * 1024 + offset, page, st.integers(0, 120) | st.integers(0, 1023))
    content = st.one_of(
        st.binary(min_size=1, max_size=8),
        st.sampled_from((0, 1, 2, 16, 255, 1024, 2**31, 2**32 - 1, 2**64 - 1)).map(lambda n: n.to_bytes(8, "little")),
        st.integers(0, 80).map(lambda n: n.to_bytes(8, "little")),
    )
    changes = st.lists(st.tuples(place, content), min_size=1, max_size=12)

    def apply(all_changes: list[tuple[int, bytes]]) -> bytes:
        changed = bytearray(data)
        for offset, new in all_changes:
            changed[offset : offset + len(new)] = new
        return bytes(changed[: len(data)])

    return changes.map(apply)


FUZZED = boltfile.build(
    {b"key": [(b"%03d" % number, b"v" * (number % 7 * 90)) for number in range(80)], b"meta": [(b"a", b"b")]},
    inline_up_to=2,
    with_freelist=True,
    page_size=1024,
    free_between=1,
)


@given(st.one_of(blocks(FUZZED), st.binary(max_size=300), st.integers(0, len(FUZZED)).map(lambda n: FUZZED[:n])))
def test_whatever_the_file_only_damaged_is_raised(data: bytes) -> None:
    try:
        rows = sum(len(rows) for rows in read(data).values())
    except Damaged:
        return
    assert rows * 16 <= len(data)
