# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that are still there when their grace period is over.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from . import filters, pods
from .pacing import Target

OUT_OF_SERVICE = "node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"


def seconds(target: Target, now: datetime.datetime) -> float:
    """Since its grace period was over; negative where it is not, or where it does not terminate."""
    when = pods.terminating(target.pod)
    return filters.seconds_past(when, now) if when else float("-inf")


def nodes(targets: t.Iterable[Target], now: datetime.datetime) -> set[str]:
    """Those that have such pods."""
    return {target.node for target in targets if seconds(target, now) > 0}


def judge(targets: t.Iterable[Target], silent: t.Mapping[str, str], stuck_after: float, now: datetime.datetime) -> None:
    """Which pods are not waited for any longer. ``silent``: nodes that are left alone, and since when they are silent.

    ``stuck_after`` 0 waits for every pod.
    """
    for target in targets:
        past = seconds(target, now)
        if past > 0 and target.node in silent:
            target.left = (
                f"not waited for: it should have been gone {int(past)} s ago, and the kubelet of its node is silent"
                f" since {silent[target.node]}"
            )
        target.stuck = bool(stuck_after) and past > stuck_after


def to_force(targets: t.Iterable[Target]) -> list[Target]:
    """Stuck pods that were not deleted by force yet."""
    return [target for target in targets if target.stuck and not (target.in_flight or target.way.at_once)]


def forced(node: str, names: str, silent: str) -> str:
    """``silent``: since when the node is, empty where it is not."""
    text = f"pods of node {node} were stuck and deleted by force (force_delete_stuck): {names}"
    if not silent:
        return text
    return (
        f"{text}. The node is silent since {silent}, so their containers may still run. When the machine is certainly"
        f" off, say so: kubectl taint nodes {node} {OUT_OF_SERVICE}"
    )


def advice(node: str, names: str) -> str:
    """For somebody who needs the pods elsewhere."""
    return (
        f"node {node} is silent, so pods that were asked to go are not waited for, and may still run there: {names}."
        " What must start elsewhere (of a StatefulSet, or with a volume of one node) does so when the machine is"
        f" certainly off and tainted: kubectl taint nodes {node} {OUT_OF_SERVICE}"
    )
