# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan and the findings as lines that a person reads before saying yes.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import FAIL, PASS, WARN, Check, failures
from .checks_nodes import SAME_CLUSTER
from .plan import NodePlan, Plan, Step


def lines(plan: Plan, checks: t.Sequence[Check]) -> list[str]:
    if any(check.name == SAME_CLUSTER for check in failures(checks)):
        return ["Plan: none, the API and the hosts are not of one cluster", *_findings(checks)]
    return [_headline(plan), *_table(plan), *_findings(checks)]


def _headline(plan: Plan) -> str:
    if plan.empty:
        return f"Plan: every component is at {plan.version}, nothing to do"
    if plan.before is None or plan.before == plan.version:
        return f"Plan: finish the upgrade to {plan.version}"
    if plan.before > plan.version:
        return f"Plan: none, {plan.version} is older than {plan.before}, which runs"
    way = f", {len(plan.hops)} minors" if len(plan.hops) > 1 else ""
    return f"Plan: upgrade from {plan.before} to {plan.version}{way}"


def _table(plan: Plan) -> list[str]:
    rows = [_row(host, node) for host, node in plan.nodes.items() if node.steps or node.in_work]
    if plan.objects:
        rows.append(("cluster objects", "", steps(plan.objects)))
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return [f"  {first:<{widths[0]}}  {second:<{widths[1]}}  {third}" for first, second, third in rows]


def _row(host: str, node: NodePlan) -> tuple[str, str, str]:
    name = host if host == node.node_name else f"{host} (node {node.node_name})"
    words = [steps(node.steps)] if node.steps else []
    words += ["drained for its kubelet"] if node.drain else []
    words += ["still in work by an upgrade that did not end"] if node.in_work else []
    return name, "control plane" if node.control_plane else "worker", "; ".join(words)


def steps(found: t.Iterable[Step]) -> str:
    """``kubeadm, kubelet 1.36.4 -> 1.37.1; etcd 3.6.16-0 -> 3.7.0-0``: components that go the same way share a line."""
    ways: dict[tuple[str, str], list[str]] = {}
    for step in found:
        ways.setdefault((step.before, step.after), []).append(step.component)
    return "; ".join(f"{', '.join(names)} {before} -> {after}" for (before, after), names in ways.items())


def _findings(checks: t.Sequence[Check]) -> list[str]:
    counts = {status: sum(check.status == status for check in checks) for status in (PASS, WARN, FAIL)}
    worst = sorted((check for check in checks if check.status in (WARN, FAIL)), key=lambda check: check.status != FAIL)
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    return [f"Checks: {told}", *(f"  {check.sentence()}" for check in worst)]
