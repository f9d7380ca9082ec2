# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ConfigMaps that a control plane is made from again, as a snapshot itself has them.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from ..member import state
from . import protobuf, stored
from .objects import value_of

NAMESPACE = "kube-system"
NAMES = ("coredns", "kube-proxy", "kubeadm-config", "kubelet-config")
DIRECTORY = f"from-snapshot/{NAMESPACE}/configmaps"
KEYS = {f"/registry/configmaps/{NAMESPACE}/{name}".encode(): name for name in NAMES}


def read(rows: t.Mapping[bytes, bytes]) -> tuple[dict[str, dict[str, bytes]], dict[str, str]]:
    """Name -> what it holds, and name -> why that cannot be told. ``rows``: the last KeyValue of each of `KEYS`."""
    known, unknown = {}, {}
    for key, name in KEYS.items():
        row = rows.get(key)
        if not row:
            continue  # not every cluster has all of them
        value = value_of(row)
        encryption = stored.encryption(value)
        if encryption.provider:
            unknown[name] = f"is encrypted ({encryption})"
            continue
        try:
            known[name] = data_of(value)
        except state.MALFORMED:
            unknown[name] = "is not stored as kube-apiserver stores ConfigMaps"
    return known, unknown


def data_of(value: bytes) -> dict[str, bytes]:
    """``data`` of a stored ConfigMap, which has its entries in field 2."""
    unknown = stored.envelope(value)
    if unknown is None:
        raise ValueError("is no protobuf message of Kubernetes")
    found = {}
    for number, entry in protobuf.fields(protobuf.first(unknown, 2)):
        if number == 2 and isinstance(entry, bytes):
            found[_file_name(protobuf.first(entry, 1))] = protobuf.first(entry, 2)
    return found


def _file_name(key: bytes) -> str:
    """The API allows letters, digits, '-', '_' and '.' in it, and neither '.' nor '..'."""
    name = key.decode("ascii")
    if not name.strip(".") or not all(one.isalnum() or one in "-_." for one in name):
        raise ValueError("no key of a ConfigMap")
    return name


def path(name: str, key: str = "") -> str:
    """Where they are in an archive."""
    return "/".join(filter(None, (DIRECTORY, name, key)))


def paths(known: t.Mapping[str, t.Mapping[str, bytes]]) -> dict[str, bytes]:
    return {path(name, key): content for name, data in known.items() for key, content in data.items()}
