# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages of a bbolt database file: meta records, page headers, free list.

Pages have one size and are numbered from 0. A page begins with ``id u64 | flags u16 | count u16 | overflow u32`` and
spans 1 + overflow pages. Pages 0 and 1 hold a meta record each; the one of the later transaction counts. Numbers have
the byte order of the machine that wrote the file.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import struct
import typing as t

from ..._errors import MaintenanceError

BRANCH, LEAF, META, FREELIST = 0x01, 0x02, 0x04, 0x10
MAGIC, VERSION = 0xED0CDAED, 2
NO_FREELIST = 0xFFFFFFFFFFFFFFFF
HEADER_SIZE, META_SIZE = 16, 64
PAGE_SIZES = tuple(1 << bits for bits in range(10, 17))
# Bounds the memory that a page takes. A branch holds short keys only; a leaf holds up to four of the largest requests.
_WIDEST = {BRANCH: 1 << 20, LEAF: 128 << 20, FREELIST: 128 << 20}


class Damaged(MaintenanceError):
    """The file is not a whole, consistent database."""


def fnv1a(data: bytes) -> int:
    """The checksum of a meta record: FNV-1a, 64 bits."""
    result = 0xCBF29CE484222325
    for byte in data:
        result = (result ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return result


@dataclasses.dataclass(frozen=True)
class Meta:
    """``pages`` is the high-water mark: the number of pages that the database has."""

    order: str
    page_size: int
    root: int
    freelist: int
    pages: int
    transaction: int


def read_meta(data: bytes, number: int) -> Meta:
    """The meta record of page ``number``; ``data`` begins with that page's header."""
    for order in "<>":
        _id, flags, _count, _overflow = struct.unpack_from(f"{order}QHHI", data)
        record = struct.unpack_from(f"{order}IIIIQQQQQQ", data, HEADER_SIZE)
        magic, version, page_size, _flags, root, _sequence, freelist, pages, transaction, checksum = record
        if magic == MAGIC:
            break
    else:
        raise Damaged(f"meta page {number} has no bbolt magic: this is no etcd database")
    if checksum != fnv1a(data[HEADER_SIZE : HEADER_SIZE + META_SIZE - 8]):
        raise Damaged(f"meta page {number} does not match its checksum")
    if version != VERSION or flags != META or page_size not in PAGE_SIZES:
        raise Damaged(f"meta page {number} has version {version}, page flags {flags:#x} and page size {page_size}")
    return Meta(order, page_size, root, freelist, pages, transaction)


@dataclasses.dataclass(frozen=True)
class Page:
    number: int
    flags: int
    count: int
    data: bytes


class Pages:
    """The pages of a database in an open file, of which it takes the first ``size`` bytes.

    Without ``size``: the file of a running etcd, which grows it ahead of the database inside.

    A page is given out once: whatever a damaged file refers to twice is an error, so no walk is endless.
    """

    def __init__(self, handle: int, size: t.Optional[int] = None) -> None:
        self._handle = handle
        self._size = os.fstat(handle).st_size if size is None else size
        first = read_meta(self._read(0, HEADER_SIZE + META_SIZE), 0)
        second = read_meta(self._read(first.page_size, HEADER_SIZE + META_SIZE), 1)
        self.meta = max(first, second, key=lambda meta: meta.transaction)
        if (first.order, first.page_size) != (second.order, second.page_size):
            raise Damaged("the two meta pages contradict each other")
        expected = self.meta.pages * self.meta.page_size
        if self._size != expected and (size is not None or self._size < expected):
            raise Damaged(
                f"{self._size} bytes of database, {self.meta.pages} pages of {self.meta.page_size} bytes were expected"
            )
        self._size = expected
        self._header = struct.Struct(f"{self.meta.order}QHHI")
        self._used = bytearray(self.meta.pages)

    def begin(self) -> None:
        """Forget which pages have been given out."""
        self._used = bytearray(self.meta.pages)
        self._used[:2] = b"\1\1"

    def take(self, number: int) -> Page:
        """A page with what it overflows into."""
        size, pages = self.meta.page_size, self.meta.pages
        if not 2 <= number < pages:
            raise Damaged(f"page {number}: there are the pages 2 to {pages - 1}")
        data = self._read(number * size, size)
        found, flags, count, overflow = self._header.unpack_from(data)
        if found != number:
            raise Damaged(f"page {number}: says that it is page {found}")
        if flags not in _WIDEST:
            raise Damaged(f"page {number}: has the unknown type {flags:#x}")
        if number + overflow >= pages or (overflow + 1) * size > _WIDEST[flags]:
            raise Damaged(f"page {number}: overflows into {overflow} pages")
        self._use(number, number + overflow + 1)
        if overflow:
            data += self._read((number + 1) * size, overflow * size)
        return Page(number, flags, count, data)

    def check_freelist(self) -> None:
        """After a walk: where free pages are listed, each page is in use or in the list. etcd lists none on Linux."""
        if self.meta.freelist == NO_FREELIST:
            return
        page = self.take(self.meta.freelist)
        if page.flags != FREELIST:
            raise Damaged(f"page {page.number}: has the type {page.flags:#x}, it should be the free list")
        start, count = HEADER_SIZE, page.count
        if count == 0xFFFF:  # a count that does not fit is the first entry
            start, count = start + 8, struct.unpack_from(f"{self.meta.order}Q", page.data, start)[0]
        if count * 8 > len(page.data) - start:
            raise Damaged(f"page {page.number}: {count} free pages do not fit into it")
        for (free,) in struct.iter_unpack(f"{self.meta.order}Q", page.data[start : start + count * 8]):
            if not 2 <= free < self.meta.pages:
                raise Damaged(
                    f"page {page.number}: lists page {free} as free, there are the pages 2 to {self.meta.pages - 1}"
                )
            self._use(free, free + 1)
        lost = self._used.find(0)
        if lost >= 0:
            raise Damaged(f"page {lost}: neither in use nor free")

    def _use(self, number: int, end: int) -> None:
        twice = self._used.find(1, number, end)
        if twice >= 0:
            raise Damaged(f"page {twice}: is used twice")
        self._used[number:end] = b"\1" * (end - number)

    def _read(self, offset: int, size: int) -> bytes:
        if offset + size > self._size:
            raise Damaged(f"{size} bytes at {offset} are beyond the end of the database")
        data = os.pread(self._handle, size, offset)
        if len(data) != size:
            raise Damaged(f"the file ends at {offset + len(data)}, inside the database")
        return data
