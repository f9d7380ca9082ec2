# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import struct

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import crc32c
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        # RFC 3720, B.4
        (b"\0" * 32, 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
    ],
)
def test_crc32c(data: bytes, checksum: int) -> None:
    assert crc32c.update(0, data) == checksum


@given(st.binary(max_size=70), st.binary(max_size=70))
def test_crc32c_goes_on_where_it_was(one: bytes, two: bytes) -> None:
    assert crc32c.update(crc32c.update(0, one), two) == crc32c.update(0, one + two)


@given(st.binary(max_size=70))
def test_crc32c_of_data_and_its_checksum_is_constant(data: bytes) -> None:
    assert crc32c.update(0, data + struct.pack("<I", crc32c.update(0, data))) == 0x48674BC7
