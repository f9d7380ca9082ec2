# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a snapshot holds, as data and as lines to print.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from ..._columns import aligned, mebibytes
from ..database.objects import encryptions, resources
from .snapshot import Facts

HEADINGS = ("resource", "objects", "MiB", "namespaces", "encryption")


def told(facts: Facts) -> dict[str, t.Any]:
    found = facts.contents
    listed = resources(found.objects)
    return {
        "revision": found.revision,
        "live_keys": found.keys,
        "rows": found.rows,
        "size": facts.size,
        "sha256": facts.sha256,
        "kube_system_uid": found.kube_system_uid,
        "members": [member.as_dict() for member in found.members],
        "storage_version": found.storage_version,
        "cluster_version": found.cluster_version,
        "objects": sum(one["objects"] for one in listed),
        "resources": listed,
        "encryption": encryptions(found.objects),
    }


def lines(name: str, content: t.Mapping[str, t.Any]) -> list[str]:
    table = [
        (
            one["resource"],
            str(one["objects"]),
            mebibytes(one["bytes"]),
            str(len(one["namespaces"]) or "-"),
            _encryption(one["encryption"]),
        )
        for one in content["resources"]
    ]
    of = f" of the cluster {content['kube_system_uid']}" if content["kube_system_uid"] else ""
    head = f"{name}: {content['objects']} objects{of} at revision {content['revision']}"
    return [head, *aligned([HEADINGS, *table])]


def _encryption(found: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """``-`` where all is plain; where only a part is, how many of each."""
    if [one["provider"] for one in found] == ["identity"]:
        return "-"
    names = [f"{one['provider']} {one['key']}".rstrip() for one in found]
    return names[0] if len(names) == 1 else ", ".join(f"{name}: {one['objects']}" for name, one in zip(names, found))
