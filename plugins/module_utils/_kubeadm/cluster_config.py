# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ClusterConfiguration that kubeadm keeps in the cluster, read with the standard library only.

kubeadm writes it with one serializer (block mappings, plain or quoted scalars), so its lines are enough; lists
(extra arguments, endpoints) are passed over because nothing here needs them.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from . import versions
from .versions import Version

_ENTRY = re.compile(r"^( *)([\w./-]+):(?: (.*))?$")


def scalars(text: str) -> dict[str, str]:
    """``{"etcd.local.imageTag": "3.6.16-0"}``: dotted path to scalar; a key that opens a mapping has an empty value."""
    found: dict[str, str] = {}
    open_keys: list[tuple[int, str]] = []
    passed_over: t.Optional[int] = None
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        if line.lstrip().startswith("-"):
            passed_over = indent
            continue
        if passed_over is not None and indent > passed_over:
            continue
        passed_over = None
        entry = _ENTRY.match(line)
        if not entry:
            continue
        while open_keys and open_keys[-1][0] >= indent:
            open_keys.pop()
        value = (entry.group(3) or "").strip()
        open_keys.append((indent, entry.group(2)))
        if value[:1] in ("|", ">"):
            passed_over, value = indent, ""
        found[".".join(key for _indent, key in open_keys)] = _unquote(value)
    return found


def _unquote(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return "" if value in ("{}", "null", "[]") else value


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
    """What of kubeadm-config an upgrade has to know."""

    api_version: str
    version: t.Optional[Version]
    image_repository: str = ""
    etcd_external: bool = False
    etcd_image_tag: str = ""
    dns_disabled: bool = False
    dns_image_tag: str = ""
    proxy_disabled: bool = False


def parse(text: str) -> ClusterConfig:
    found = scalars(text)
    return ClusterConfig(
        api_version=found.get("apiVersion", ""),
        version=versions.find(found.get("kubernetesVersion")),
        image_repository=found.get("imageRepository", ""),
        etcd_external="etcd.external" in found,
        etcd_image_tag=found.get("etcd.local.imageTag", ""),
        dns_disabled=found.get("dns.disabled") == "true",
        dns_image_tag=found.get("dns.imageTag", ""),
        proxy_disabled=found.get("proxy.disabled") == "true",
    )
