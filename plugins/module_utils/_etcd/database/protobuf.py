# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of the protobuf wire format as the rows of an etcd database need.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def fields(data: bytes) -> t.Iterator[tuple[int, t.Union[int, bytes]]]:
    """Number and content of each field in turn. Raise ValueError where the data is no message."""
    position = 0
    while position < len(data):
        tag, position = varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, position = varint(data, position)
            yield number, value
            continue
        if kind == _BYTES:
            size, position = varint(data, position)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"field {number} has the wire type {kind}")
        end = position + size
        if end > len(data):
            raise ValueError(f"field {number} ends {end - len(data)} bytes after its message")
        yield number, data[position:end]
        position = end


def varint(data: bytes, position: int) -> tuple[int, int]:
    """The number at ``position`` and the position after it."""
    if position < len(data) and data[position] < 0x80:  # most are small
        return data[position], position + 1
    result = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            break
        byte = data[position]
        position += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, position
    raise ValueError("a number has no end")


def first(data: bytes, number: int) -> bytes:
    """The first bytes field of that number, empty where there is none."""
    for found, value in fields(data):
        if found == number and isinstance(value, bytes):
            return value
    return b""
