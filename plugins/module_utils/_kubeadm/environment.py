# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The *_proxy variables that a kube-apiserver manifest carries.

kubeadm writes every *_proxy variable of its own environment into the manifests: run with others, it would change and
restart components for no reason, so it gets exactly those that are there.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import re

_VARIABLE = re.compile(r"^\s*-\s+name:\s+(\w+_proxy)\s*\n\s+value:[ ]*(.*?)\s*$", re.IGNORECASE | re.MULTILINE)


def proxies(manifest: str) -> dict[str, str]:
    found = {}
    for name, value in _VARIABLE.findall(manifest):
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found[name] = value
    return found
