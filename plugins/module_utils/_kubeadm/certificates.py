# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates in PEM, as far as the standard library goes: what they are, not what they say.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import pathlib
import re
import typing as t

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)


def ders(pem: bytes) -> list[bytes]:
    """Each certificate in DER; nothing where one cannot be decoded."""
    try:
        return [base64.b64decode(found) for found in _PEM.findall(pem)]
    except binascii.Error:
        return []


def fingerprints(pem: bytes) -> list[str]:
    """SHA-256 of each certificate: line ends and comments of the file do not count."""
    return sorted({hashlib.sha256(der).hexdigest() for der in ders(pem)})


def fingerprints_of(path: pathlib.Path) -> t.Optional[list[str]]:
    return fingerprints(path.read_bytes()) if path.exists() else None
