# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why a pod is still on the node, in a sentence.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from . import filters, pods
from .budgets import FREE, Verdict
from .pacing import Target
from .pods import Pod


def what_keeps(
    target: Target,
    verdicts: t.Mapping[str, Verdict],
    node: t.Mapping[str, t.Any],
    now: datetime.datetime,
) -> str:
    """``verdicts`` by namespace and name of the budget, made from its last state."""
    if target.fatal:
        return target.reason
    if target.held:
        return target.held
    if pods.terminating(target.pod):
        return _termination(target.pod, node, now)
    holding = [verdicts[name] for name in target.budgets if name in verdicts and verdicts[name].verdict != FREE]
    if holding:
        return "; ".join(verdict.sentence() for verdict in holding)
    return target.reason or "its turn had not come"


def _termination(pod: Pod, node: t.Mapping[str, t.Any], now: datetime.datetime) -> str:
    late = int(filters.seconds_past(pods.terminating(pod), now))
    if late < 0:
        grace = pod["metadata"].get("deletionGracePeriodSeconds", "unknown")
        return f"terminating, {-late} s of its grace period of {grace} s are left"
    text = f"terminating, {late} s past its grace period"
    silent = silent_since(node)
    if silent:
        return f"{text}: the kubelet of its node is silent since {silent}, so nothing stops it"
    finalizers = pod["metadata"].get("finalizers")
    if finalizers:
        return f"{text}: kept by its finalizers {', '.join(finalizers)}, whose controllers have to remove them"
    return f"{text}: a container that does not stop or a volume that is not unmounted, see the kubelet's journal"


def silent_since(node: t.Mapping[str, t.Any]) -> str:
    """Since when the node is not Ready, empty where it is."""
    for condition in (node.get("status") or {}).get("conditions") or []:
        if condition["type"] == "Ready" and condition["status"] != "True":
            return str(condition.get("lastTransitionTime") or "an unknown time")
    return ""
