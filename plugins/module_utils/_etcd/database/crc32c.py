# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""CRC-32C (Castagnoli), which etcd's tools print as a snapshot's hash and the standard library does not have.

Eight bytes a step through eight tables: some 20 MB a second, hence used only where somebody asks for the hash.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import struct

_POLYNOMIAL = 0x82F63B78


def _tables() -> tuple[tuple[int, ...], ...]:
    first = []
    for byte in range(256):
        value = byte
        for _bit in range(8):
            value = value >> 1 ^ (_POLYNOMIAL if value & 1 else 0)
        first.append(value)
    tables = [tuple(first)]
    for _number in range(7):
        tables.append(tuple(value >> 8 ^ first[value & 0xFF] for value in tables[-1]))
    return tuple(tables)


_T0, _T1, _T2, _T3, _T4, _T5, _T6, _T7 = _tables()


def update(crc: int, data: bytes) -> int:
    """The checksum of what ``crc`` is the checksum of, followed by ``data``; begin with 0."""
    crc ^= 0xFFFFFFFF
    whole = len(data) & ~7
    for low, high in struct.iter_unpack("<II", data[:whole]):
        low ^= crc
        crc = (
            _T7[low & 0xFF]
            ^ _T6[low >> 8 & 0xFF]
            ^ _T5[low >> 16 & 0xFF]
            ^ _T4[low >> 24]
            ^ _T3[high & 0xFF]
            ^ _T2[high >> 8 & 0xFF]
            ^ _T1[high >> 16 & 0xFF]
            ^ _T0[high >> 24]
        )
    for byte in data[whole:]:
        crc = _T0[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
