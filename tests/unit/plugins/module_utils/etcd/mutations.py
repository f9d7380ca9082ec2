# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spoils snapshots where it hurts, and makes their checksums right again: a reader goes on to the spoiled place.

Everything comes from one source of chance: the same seed makes the same file.
"""

from __future__ import annotations

import hashlib
import random
import struct
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import fnv1a

META, HEADER = 64, 16
BRANCH, LEAF = 1, 2
NUMBERS = (
    0,
    1,
    2,
    3,
    15,
    16,
    17,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0x7FFF,
    0x8000,
    0xFFFF,
    2**16,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)


class Spoiler:
    """``data``: a whole snapshot, changed in place."""

    def __init__(self, snapshot: bytes, chance: random.Random, other: bytes = b"") -> None:
        self.data = bytearray(snapshot[:-32])
        self.chance = chance
        self.other = other[:-32] or bytes(self.data)
        self.page_size = struct.unpack_from("<I", self.data, HEADER + 8)[0]

    def spoil(self, times: int) -> bytes:
        ways: list[t.Callable[[], object]] = [
            self.header,
            self.header,
            self.row,
            self.row,
            self.row,
            self.meta,
            self.exchange,
            self.flip,
            self.splice,
            self.content,
        ]
        for _time in range(times):
            self.chance.choice(ways)()
        if self.chance.random() < 0.05:
            self.cut()
        self.mend()
        return bytes(self.data) + hashlib.sha256(self.data).digest()

    @property
    def pages(self) -> int:
        return len(self.data) // self.page_size

    def page(self) -> int:
        """Where one begins, more often one of a tree than an old one."""
        for _attempt in range(4):
            place = self.chance.randrange(2, max(3, self.pages)) * self.page_size
            if place + HEADER <= len(self.data) and self.flags(place) in (BRANCH, LEAF):
                break
        return place

    def flags(self, place: int) -> int:
        return int(struct.unpack_from("<H", self.data, place + 8)[0])

    def number(self, near: int, size: int) -> int:
        kind = self.chance.randrange(4)
        if kind == 0:
            found = self.chance.choice(NUMBERS)
        elif kind == 1:
            found = near + self.chance.choice((-16, -1, 1, 2, 16, self.page_size))
        elif kind == 2:
            found = self.chance.randrange(self.pages + 2)
        else:
            found = near ^ 1 << self.chance.randrange(8 * size)
        return found % (1 << 8 * size)

    def put(self, place: int, layout: str) -> None:
        """Another number in place of the one that is there."""
        size = struct.calcsize(layout)
        if place + size <= len(self.data):
            near = struct.unpack_from(layout, self.data, place)[0]
            struct.pack_into(layout, self.data, place, self.number(near, size))

    def header(self) -> None:
        offset, layout = self.chance.choice(((0, "<Q"), (8, "<H"), (10, "<H"), (12, "<I")))
        self.put(self.page() + offset, layout)

    def row(self) -> None:
        """A field of an entry of a page's table."""
        place = self.page()
        if place + HEADER > len(self.data):
            return
        count = max(1, struct.unpack_from("<H", self.data, place + 10)[0])
        fields = (
            ((0, "<I"), (4, "<I"), (8, "<Q"))
            if self.flags(place) == BRANCH
            else ((0, "<I"), (4, "<I"), (8, "<I"), (12, "<I"))
        )
        offset, layout = self.chance.choice(fields)
        self.put(place + HEADER * (1 + self.chance.randrange(min(count, 300))) + offset, layout)

    def meta(self) -> None:
        """Root, free list, number of pages, transaction; seldom what must not be another at all."""
        offsets = ((16, "<Q"), (32, "<Q"), (40, "<Q"), (48, "<Q")) * 3 + ((0, "<I"), (4, "<I"), (8, "<I"), (12, "<I"))
        offset, layout = self.chance.choice(offsets)
        self.put(self.chance.randrange(2) * self.page_size + HEADER + offset, layout)

    def exchange(self) -> None:
        """A page in another's place, mostly with that one's number."""
        size = self.page_size
        here, there = self.page(), self.page()
        copy = bytearray(self.data[there : there + size])
        if self.chance.random() < 0.8:
            copy[:8] = struct.pack("<Q", here // size)
        self.data[here : here + size] = copy

    def flip(self) -> None:
        self.data[self.chance.randrange(len(self.data))] ^= 1 << self.chance.randrange(8)

    def splice(self) -> None:
        size = min(self.chance.choice((1, 8, 16, 100, self.page_size)), len(self.other))
        start, place = self.chance.randrange(len(self.other) - size + 1), self.chance.randrange(len(self.data))
        end = min(place + size, len(self.data))
        self.data[place:end] = self.other[start : start + end - place]

    def content(self) -> None:
        """Something among the keys and values of a leaf."""
        place = self.page() + self.chance.randrange(HEADER, self.page_size)
        if place < len(self.data):
            self.data[place] = self.chance.choice((0, 0x0A, 0x74, 0x7B, 0x80, 0xFF, self.chance.randrange(256)))

    def cut(self) -> None:
        keep = self.chance.randrange(1, self.pages + 1) * self.page_size
        self.data = self.data[:keep] if self.chance.random() < 0.7 else self.data + bytes(self.page_size)

    def mend(self) -> None:
        """Checksums of the meta records, and mostly the number of pages."""
        lengthen = self.chance.random() < 0.9
        for place in (HEADER, self.page_size + HEADER):
            if place + META <= len(self.data):
                if (
                    lengthen
                    and self.data[place + 40 : place + 48] != struct.pack("<Q", self.pages)
                    and self.chance.random() < 0.5
                ):
                    struct.pack_into("<Q", self.data, place + 40, self.pages)
                struct.pack_into("<Q", self.data, place + 56, fnv1a(bytes(self.data[place : place + 56])))
