# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that kube-apiserver stores: what a value says about itself. No value is decoded further, none decrypted.

Built-in objects are ``k8s\\0`` and a runtime.Unknown, a protobuf message with apiVersion and kind around the object;
custom resources are JSON, or CBOR. What is encrypted begins with ``k8s:enc:PROVIDER:VERSION:KEY:``.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import json
import typing as t

from ..member import state
from . import protobuf
from .layout import text

ENCRYPTED = b"k8s:enc:"
PROTOBUF, JSON, CBOR, OTHER = "protobuf", "json", "cbor", "other"
_ENVELOPE = b"k8s\0"
_SELF_DESCRIBED_CBOR = b"\xd9\xd9\xf7"
_LONGEST_JSON = 8 << 20
# Names of keys are a user's, and short.
_LONGEST_PREFIX = 512


class Encryption(t.NamedTuple):
    """With what an object is encrypted; both are empty where it is not. ``key`` is the name of a key, or of a KMS."""

    provider: str
    key: str

    def __str__(self) -> str:
        return f"{self.provider} with key {self.key}" if self.provider else "not encrypted"


PLAIN = Encryption("", "")


class Described(t.NamedTuple):
    format: str
    api_version: str
    kind: str
    encryption: Encryption


def encryption(value: bytes) -> Encryption:
    if not value.startswith(ENCRYPTED):
        return PLAIN
    parts = value[len(ENCRYPTED) : _LONGEST_PREFIX].split(b":", 3)
    if len(parts) < 4:
        return Encryption(text(parts[0][:40]), "?")
    return Encryption(text(parts[0]), text(parts[2]))


def envelope(value: bytes) -> t.Optional[bytes]:
    """The runtime.Unknown of a built-in object: its type is field 1, the object field 2. None where it has none."""
    return value[len(_ENVELOPE) :] if value.startswith(_ENVELOPE) else None


def describe(value: bytes) -> Described:
    """What can be told without knowing the type."""
    found = encryption(value)
    if found.provider:
        return Described("encrypted", "", "", found)
    try:
        unknown = envelope(value)
        if unknown is not None:
            meta = protobuf.first(unknown, 1)
            return Described(PROTOBUF, text(protobuf.first(meta, 1)), text(protobuf.first(meta, 2)), PLAIN)
        if value.startswith(b"{"):
            content = json.loads(value) if len(value) <= _LONGEST_JSON else {}
            return Described(JSON, str(content.get("apiVersion", "")), str(content.get("kind", "")), PLAIN)
    except state.MALFORMED:
        return Described(OTHER, "", "", PLAIN)
    return Described(CBOR if value.startswith(_SELF_DESCRIBED_CBOR) else OTHER, "", "", PLAIN)
