# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import stored
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.stored import PLAIN, Encryption
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "provider", "key"),
    [
        (b"k8s:enc:aescbc:v1:key1:\x8f\x01:", "aescbc", "key1"),
        (b"k8s:enc:kms:v2:vault:\x0a\x8f", "kms", "vault"),
        (b"k8s:enc:secretbox:v1:2026-11:", "secretbox", "2026-11"),
        (b"k8s:enc:aesgcm:v1:cut off", "aesgcm", "?"),
        (b"k8s:enc:aesgcm:v1:" + b"x" * 9999, "aesgcm", "?"),
        (b"k8s:enc:", "", "?"),
        (b"k8s\0k8s:enc:aescbc:v1:key1:", "", ""),
        (b"", "", ""),
    ],
)
def test_what_it_is_encrypted_with(value: bytes, provider: str, key: str) -> None:
    assert stored.encryption(value) == Encryption(provider, key)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (etcdfile.namespace(), ("protobuf", "v1", "Namespace", PLAIN)),
        (b'{"apiVersion": "example.com/v1", "kind": "Widget"}', ("json", "example.com/v1", "Widget", PLAIN)),
        (b"\xd9\xd9\xf7\xa1aaab", ("cbor", "", "", PLAIN)),
        (b"k8s:enc:aescbc:v1:key1:\x8f", ("encrypted", "", "", Encryption("aescbc", "key1"))),
        (b"k8s\0\xff", ("other", "", "", PLAIN)),
        (b'{"apiVersion"', ("other", "", "", PLAIN)),
        (b'{"a":' * 100000, ("other", "", "", PLAIN)),
        (b"1700", ("other", "", "", PLAIN)),
    ],
)
def test_what_a_value_says_of_itself(value: bytes, told: tuple[object, ...]) -> None:
    assert stored.describe(value) == told


@given(st.sampled_from([b"", b"k8s\0", b"{", b"k8s:enc:", b"\xd9\xd9\xf7"]), st.binary(max_size=60))
def test_whatever_the_value_something_is_told(start: bytes, rest: bytes) -> None:
    assert stored.describe(start + rest).format in {"protobuf", "json", "cbor", "encrypted", "other"}
