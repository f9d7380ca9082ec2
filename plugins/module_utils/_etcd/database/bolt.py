# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Walks a bbolt database and checks its structure on the way.

The root is a tree of branch and leaf pages whose rows are the buckets; a bucket is a tree again, or a small leaf page
inside its row. A page's header is followed by a table of its rows, then by their keys and values. The table's entries:
``pos u32 | key size u32 | page u64`` in a branch, ``flags u32 | pos u32 | key size u32 | value size u32`` in a leaf;
``pos`` counts from the entry's own place.

The file is not trusted. Each page is visited once, trees have a greatest depth, rows do not overlap, and at most one
page of each level is in memory: a damaged or hostile file costs no more time and memory than a good one of its size.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import itertools
import struct
import typing as t

from .pages import BRANCH, HEADER_SIZE, LEAF, Damaged, Page, Pages

BUCKET = 1  # the flag of a row that is a bucket
BUCKET_HEADER_SIZE = ELEMENT_SIZE = 16
LONGEST_KEY = 32768
# A branch has two children at least, so a tree of this depth is larger than any file.
_DEEPEST = 32

Row = tuple[bytes, bytes]
# From the first of these keys on and, where there is a second one, up to before it.
Bounds = tuple[bytes, t.Optional[bytes]]
_ALL: Bounds = (b"", None)


class Database:
    """A database in an open file, see `Pages`."""

    def __init__(self, handle: int, size: t.Optional[int] = None) -> None:
        self._pages = Pages(handle, size)
        order = self._pages.meta.order
        self._leaf_element = struct.Struct(f"{order}IIII")
        self._branch_element = struct.Struct(f"{order}IIQ")
        self._bucket_header = struct.Struct(f"{order}QQ")
        self._page_header = struct.Struct(f"{order}QHHI")

    def buckets(self) -> t.Iterator[tuple[bytes, t.Iterator[Row]]]:
        """Each bucket's name with its rows (key, value) in order. At its end the whole structure has been checked."""
        for bucket, value in self._root():
            rows = self._rows(bucket, value)
            yield bucket, rows
            for _row in rows:  # whoever takes only a part of a bucket has the rest checked all the same
                pass
        self._pages.check_freelist()

    def rows(self, wanted: bytes) -> t.Iterator[Row]:
        """The rows of one bucket alone; the rest is not looked at."""
        for bucket, value in self._root():
            if bucket == wanted:
                yield from self._rows(bucket, value)

    def _root(self) -> t.Iterator[Row]:
        self._pages.begin()
        for bucket, value in self._tree(self._pages.meta.root, BUCKET):
            if len(value) < BUCKET_HEADER_SIZE:
                raise Damaged(f"the bucket {bucket[:40]!r} is cut off")
            yield bucket, value

    def _rows(self, bucket: bytes, value: bytes) -> t.Iterator[Row]:
        root = self._bucket_header.unpack_from(value)[0]
        if root:
            return self._tree(root, 0)
        return iter(self._leaf_rows(self._inline(bucket, value[BUCKET_HEADER_SIZE:]), _ALL, 0))

    def _tree(self, root: int, kind: int) -> t.Iterator[Row]:
        """The rows below a page, all of which have to have the flags ``kind``."""
        # Page by page, since a generator in a generator for each of some million rows is what takes the time.
        pages = (self._leaf_rows(page, bounds, kind) for page, bounds in self._leaves(root))
        return itertools.chain.from_iterable(pages)

    def _leaves(self, root: int) -> t.Iterator[tuple[Page, Bounds]]:
        """The leaf pages below a page in order, each with the bounds of its keys."""
        # One iterator over children for each level.
        levels: list[t.Iterator[tuple[int, Bounds]]] = [iter([(root, _ALL)])]
        while levels:
            for number, bounds in levels[-1]:
                if len(levels) > _DEEPEST:
                    raise Damaged(f"page {number}: the tree has more than {_DEEPEST} levels")
                page = self._pages.take(number)
                # Only a root may be an empty leaf.
                if page.flags == LEAF and (page.count or len(levels) == 1):
                    yield page, bounds
                elif page.flags == BRANCH and page.count:
                    levels.append(self._children(page, bounds))
                    break
                else:
                    raise Damaged(
                        f"page {number}: type {page.flags:#x} with {page.count} rows, it should be a branch or a leaf"
                    )
            else:
                levels.pop()

    def _children(self, page: Page, bounds: Bounds) -> t.Iterator[tuple[int, Bounds]]:
        """The pages below a branch: each one's keys lie between its own key here and the next one's."""
        (lower, upper), data = bounds, page.data
        end = _table_end(page)
        key, child = b"", 0
        table = self._branch_element.iter_unpack(data[HEADER_SIZE:end])
        for base, (position, key_size, next_child) in zip(range(HEADER_SIZE, end, ELEMENT_SIZE), table):
            start = base + position
            if start < end or not 0 < key_size <= LONGEST_KEY or start + key_size > len(data):
                raise Damaged(f"page {page.number}: a key lies outside its place")
            end = start + key_size
            next_key = data[start:end]
            if next_key < lower or next_key <= key or (upper is not None and next_key >= upper):
                raise Damaged(f"page {page.number}: keys out of order at {next_key[:40]!r}")
            if key:
                yield child, (key, next_key)
            key, child = next_key, next_child
        yield child, (key, upper)

    def _leaf_rows(self, page: Page, bounds: Bounds, kind: int) -> list[Row]:
        (lower, upper), data = bounds, page.data
        end = _table_end(page)
        size = len(data)
        key = previous = b""
        rows = []
        base = HEADER_SIZE
        for flags, position, key_size, value_size in self._leaf_element.iter_unpack(data[HEADER_SIZE:end]):
            start = base + position
            base += ELEMENT_SIZE
            middle = start + key_size
            # Rows follow each other: were a byte part of many, a small file could claim to hold endless data.
            if start < end or not 0 < key_size <= LONGEST_KEY or middle + value_size > size or flags > BUCKET:
                raise Damaged(f"page {page.number}: a row lies outside its place")
            end = middle + value_size
            key = data[start:middle]
            if key <= previous or key < lower:
                raise Damaged(f"page {page.number}: keys out of order at {key[:40]!r}")
            if flags != kind:
                what = "a bucket inside a bucket" if flags else "a row beside the buckets"
                raise Damaged(f"page {page.number}: {what}, etcd makes none: {key[:40]!r}")
            previous = key
            rows.append((key, data[middle:end]))
        if upper is not None and key >= upper:
            raise Damaged(f"page {page.number}: keys reach beyond those of its parent, to {key[:40]!r}")
        return rows

    def _inline(self, bucket: bytes, data: bytes) -> Page:
        """The page of a bucket that is kept inside its own row. It has no number."""
        if len(data) < HEADER_SIZE:
            raise Damaged(f"inline bucket {bucket[:40]!r}: is cut off")
        _number, flags, count, overflow = self._page_header.unpack_from(data)
        if flags != LEAF or overflow:
            raise Damaged(f"inline bucket {bucket[:40]!r}: type {flags:#x} with overflow {overflow}")
        return Page(0, flags, count, data)


def _table_end(page: Page) -> int:
    end = HEADER_SIZE + page.count * ELEMENT_SIZE
    if end > len(page.data):
        raise Damaged(f"page {page.number}: {page.count} rows do not fit into it")
    return end
