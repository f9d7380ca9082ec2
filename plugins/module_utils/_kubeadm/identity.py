# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which node of the cluster this host is, as kubeadm finds out: by the certificate that the kubelet shows.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import base64
import binascii
import pathlib
import re
import socket
import typing as t

from .certificates import ders
from .paths import Paths

_PREFIX = b"system:node:"
# A certificate's subject in DER: object identifier 2.5.4.3 (common name), then one string.
_COMMON_NAME = bytes.fromhex("0603550403")
_KEY = re.compile(r"^\s*client-certificate(-data)?:\s*(\S+)\s*$", re.MULTILINE)


def node_name(paths: Paths, hostname: t.Callable[[], str] = socket.gethostname) -> str:
    name = common_name(_certificate(paths))
    if name:
        return name
    flags = paths.kubelet_dir / "kubeadm-flags.env"
    found = re.search(r"--hostname-override=([\w.-]+)", flags.read_text()) if flags.exists() else None
    return found.group(1) if found else hostname().lower()


def common_name(pem: bytes) -> str:
    """``node1`` of the first certificate whose common name is ``system:node:node1``, else empty."""
    der = next(iter(ders(pem)), b"")
    at = der.find(_COMMON_NAME)
    while at >= 0:
        start = at + len(_COMMON_NAME) + 2
        value = der[start : start + der[start - 1]] if start <= len(der) else b""
        if value.startswith(_PREFIX):
            return value[len(_PREFIX) :].decode("ascii", "replace")
        at = der.find(_COMMON_NAME, at + 1)
    return ""


def _certificate(paths: Paths) -> bytes:
    """What kubelet.conf names or contains, nothing where there is no kubelet.conf yet."""
    try:
        embedded, value = _KEY.findall(paths.kubelet_conf.read_text())[0]
        if embedded:
            return base64.b64decode(value)
        return pathlib.Path(paths.at(value)).read_bytes()
    except (OSError, IndexError, binascii.Error):
        return b""
