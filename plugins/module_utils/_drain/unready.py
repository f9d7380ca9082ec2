# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why pods are not ready, as whoever starts them says it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from . import pods
from .pods import Pod

SHOWN = 3


def causes(found: t.Iterable[Pod]) -> str:
    """Some of the unready pods with the cause of each, and the number of the others; empty where all are ready."""
    unready = [pod for pod in found if not pods.ready(pod) and not pods.finished(pod)]
    told = [f"{pod['metadata']['name']} {cause(pod)}" for pod in unready[:SHOWN]]
    more = len(unready) - SHOWN
    return "; ".join(told) + (f"; and {more} more" if more > 0 else "")


def cause(pod: Pod) -> str:
    """The scheduler's own words where it found no node, else what keeps a container."""
    if pods.terminating(pod):
        return "is terminating"
    status = pod.get("status") or {}
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return f"has no node: {condition.get('message') or condition.get('reason') or 'no reason given'}"
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state = container.get("state") or {}
        for kind in ("waiting", "terminated"):
            if kind in state and not (kind == "terminated" and state[kind].get("exitCode") == 0):
                said = state[kind].get("reason") or kind
                message = state[kind].get("message")
                return f"{said}, container {container['name']}" + (f": {message}" if message else "")
    for container in status.get("containerStatuses") or ():
        if not container.get("ready"):
            return f"runs, container {container['name']} is not ready"
    return "is not ready"
