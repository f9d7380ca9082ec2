# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an upgrade is under way, as other maintenance on this node can see it.

Of this node: the lock, the units and the manifests of a run. Of all others: what an upgrade has written on their Nodes.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import json
import typing as t

from .._etcd.database import protobuf
from . import lock, unit
from .cluster import WORK_ANNOTATION
from .commands import Commands
from .paths import Paths

_KEY = WORK_ANNOTATION.encode()
# The tag of a map entry's value in protobuf: the key is enough to find it, whatever is around it.
_VALUE = 0x12


def on_node(commands: Commands, paths: Paths) -> list[str]:
    """Run with the member's lock held, which kubeadm needs, too."""
    holder = lock.holder(str(paths.at(lock.PATH)))
    found = [f"kubeadm_upgrade works on this node ({holder})"] if holder else []
    if commands.has("systemctl"):
        # Where systemd does not answer, as in a container without it, nothing can have started a unit either.
        listed = commands.run("systemctl", "list-units", "--all", "--plain", "--no-legend", f"{unit.PREFIX}*").out
        found += [f"{line.split()[0]} runs, or its result was not read" for line in listed.splitlines() if line.split()]
    return [*found, *(f"{path} is left of an unfinished upgrade" for path in paths.unfinished())]


def on_nodes(stored: t.Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Nodes as etcd has them. One in work without a target is drained or patched, not upgraded."""
    found = []
    for key, value in stored:
        work = _work(value)
        if work.get("target"):
            name = key.rsplit(b"/", 1)[-1].decode("utf-8", "replace")
            found.append(f"node/{name} is being upgraded to {work['target']} since {work.get('since', 'unknown')}")
    return found


def _work(node: bytes) -> dict[str, t.Any]:
    """What its annotation says, nothing where it has none, or where it is not to be read."""
    at = node.find(_KEY) + len(_KEY)
    if at < len(_KEY) or node[at : at + 1] != bytes([_VALUE]):
        return {}
    try:
        size, start = protobuf.varint(node, at + 1)
        work = json.loads(node[start : start + size])
    except (ValueError, RecursionError):
        return {}
    return work if isinstance(work, dict) else {}
