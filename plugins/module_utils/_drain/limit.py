# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many nodes of the whole cluster may be out of work at once, whoever took them out.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import MaintenanceError
from .._kube import Kube, KubeError
from . import ownership, pods
from .forecast import names
from .ownership import Node
from .paths import NODES


def guard(kube: Kube, most: int, mine: t.Collection[str]) -> None:
    """Refuse to have more than ``most`` nodes out of work, ``mine`` among them; 0 is no limit.

    Who may not count does not pass.
    """
    if not most:
        return
    try:
        found = kube.list(NODES)
    except KubeError as error:
        missing = ": let this user list nodes, or leave max_cordoned out" if error.status == 403 else ""
        raise MaintenanceError(
            f"nothing was changed: nodes that are out of work could not be counted for max_cordoned={most}:"
            f" {error.msg}{missing}"
        ) from error
    others = [text for node in found if node["metadata"]["name"] not in mine and (text := _out_of_work(node))]
    if len(mine) + len(others) > most:
        total = len(mine) + len(others)
        also = f" besides {len(others)} that already are: {names(others)}" if others else ""
        raise MaintenanceError(
            f"nothing was changed: {total} nodes would be cordoned or not Ready, and max_cordoned={most}"
            f" allows {most}. This call is about {len(mine)} of them{also}"
        )


def _out_of_work(node: Node) -> str:
    """Its name and why, empty where it takes pods."""
    why = ["cordoned"] * ownership.is_unschedulable(node) + ["not Ready"] * (not pods.ready(node))
    return f"{node['metadata']['name']} ({' and '.join(why)})" if why else ""
