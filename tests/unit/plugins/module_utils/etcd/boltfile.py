# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes bbolt database files, written apart from the reader: what the two agree on is the format.

A small ``fanout`` makes deep trees out of few rows.
"""

from __future__ import annotations

import dataclasses
import hashlib
import struct
import typing as t

Rows = t.Sequence[tuple[bytes, bytes]]
BRANCH, LEAF, META, FREELIST = 1, 2, 4, 16
NO_FREELIST = 2**64 - 1


@dataclasses.dataclass
class Writer:
    order: str = "<"
    page_size: int = 4096
    fanout: int = 4
    #: Pages of rubbish between the others, as deleted rows leave them behind.
    free_between: int = 0
    pages: dict[int, bytes] = dataclasses.field(default_factory=dict)
    free: list[int] = dataclasses.field(default_factory=list)
    next: int = 2

    def header(self, number: int, flags: int, count: int, overflow: int = 0) -> bytes:
        return struct.pack(f"{self.order}QHHI", number, flags, count, overflow)

    def page(self, flags: int, count: int, body: bytes) -> int:
        for _free in range(self.free_between):
            self.free.append(self.next)
            self.pages[self.next] = b"\xde\xad" * (self.page_size // 2)
            self.next += 1
        number = self.next
        span = -(-(16 + len(body)) // self.page_size)
        self.next += span
        self.pages[number] = (self.header(number, flags, count, span - 1) + body).ljust(span * self.page_size, b"\0")
        return number

    def leaf_body(self, rows: t.Sequence[tuple[int, bytes, bytes]]) -> bytes:
        table, content = b"", b""
        for index, (flags, key, value) in enumerate(rows):
            position = 16 * (len(rows) - index) + len(content)
            table += struct.pack(f"{self.order}IIII", flags, position, len(key), len(value))
            content += key + value
        return table + content

    def branch_body(self, rows: t.Sequence[tuple[bytes, int]]) -> bytes:
        table, content = b"", b""
        for index, (key, child) in enumerate(rows):
            position = 16 * (len(rows) - index) + len(content)
            table += struct.pack(f"{self.order}IIQ", position, len(key), child)
            content += key
        return table + content

    def tree(self, rows: t.Sequence[tuple[int, bytes, bytes]]) -> int:
        """A tree of those rows; its root's number."""
        groups = [rows[start : start + self.fanout] for start in range(0, len(rows), self.fanout)] or [[]]
        level = [
            (group[0][1] if group else b"", self.page(LEAF, len(group), self.leaf_body(group))) for group in groups
        ]
        while len(level) > 1:
            groups_above = [level[start : start + self.fanout] for start in range(0, len(level), self.fanout)]
            level = [(group[0][0], self.page(BRANCH, len(group), self.branch_body(group))) for group in groups_above]
        return level[0][1]

    def bucket(self, rows: Rows, inline: bool) -> bytes:
        """The value of a bucket's row."""
        plain = [(0, key, value) for key, value in rows]
        if inline:
            return struct.pack(f"{self.order}QQ", 0, 0) + self.header(0, LEAF, len(rows)) + self.leaf_body(plain)
        return struct.pack(f"{self.order}QQ", self.tree(plain), 0)

    def meta(self, number: int, root: int, freelist: int, transaction: int) -> bytes:
        fields = (0xED0CDAED, 2, self.page_size, 0, root, 0, freelist, self.next, transaction)
        record = struct.pack(f"{self.order}IIIIQQQQQ", *fields)
        checksum = 0xCBF29CE484222325
        for byte in record:
            checksum = ((checksum ^ byte) * 0x100000001B3) % 2**64
        page = self.header(number, META, 0) + record + struct.pack(f"{self.order}Q", checksum)
        return page.ljust(self.page_size, b"\0")

    def database(self, root: int, with_freelist: bool = False) -> bytes:
        freelist = NO_FREELIST
        if with_freelist:
            free = list(self.free)
            self.free_between = 0
            freelist = self.page(FREELIST, len(free), struct.pack(f"{self.order}{len(free)}Q", *free))
        metas = self.meta(0, root, freelist, 8) + self.meta(1, root, freelist, 7)
        return metas + b"".join(content for _number, content in sorted(self.pages.items()))


def build(buckets: t.Mapping[bytes, Rows], inline_up_to: int = 0, with_freelist: bool = False, **how: t.Any) -> bytes:
    """A database with those buckets; those of up to ``inline_up_to`` rows are kept inline."""
    writer = Writer(**how)
    rows = [
        (1, name, writer.bucket(content, len(content) <= inline_up_to)) for name, content in sorted(buckets.items())
    ]
    return writer.database(writer.tree(rows), with_freelist)


def with_trailer(database: bytes) -> bytes:
    return database + hashlib.sha256(database).digest()
