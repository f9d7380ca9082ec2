# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads at their desired count, and PodDisruptionBudgets back at what they allow at best.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._drain import budgets as drain_budgets
from .finding import Finding, Judgement, Look, Object, full_name, plural

# Source, and where its status says how many pods there should be and are.
KINDS: tuple[tuple[str, str], ...] = (
    ("deployments", "deployment"),
    ("statefulsets", "statefulset"),
    ("daemonsets", "daemonset"),
)


def workloads(look: Look) -> Judgement:
    findings = [finding for source, kind in KINDS for item in look.list(source) for finding in _workload(kind, item)]
    counts = [plural(len(look.list(source)), kind) for source, kind in KINDS if source in look.objects]
    return Judgement(findings, f"{', '.join(counts)} at their desired count")


def _workload(kind: str, item: Object) -> t.Iterator[Finding]:
    name = full_name(kind, item)
    labels = ((item.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    selector = ",".join(f"{label}={value}" for label, value in labels.items())
    fix = f"look at its pods: kubectl -n {item['metadata']['namespace']} get pods -o wide -l '{selector}'"
    wanted, there = _counts(kind, item)
    if there < wanted:
        yield Finding(name, f"{there} of {plural(wanted, 'pod')} available", fix, weight=wanted - there)
    elif (item.get("status") or {}).get("observedGeneration", 0) < item["metadata"].get("generation", 0):
        yield Finding(name, "its controller has not seen its last change yet", "see that kube-controller-manager runs")


def _counts(kind: str, item: Object) -> tuple[int, int]:
    status = item.get("status") or {}
    if kind == "daemonset":
        return status.get("desiredNumberScheduled", 0), status.get("numberAvailable", 0)
    wanted = (item.get("spec") or {}).get("replicas", 1)
    return wanted, status.get("availableReplicas", 0)


def budgets(look: Look) -> Judgement:
    """One that could never allow anything is no matter of health: the drain's forecast tells it."""
    found = look.list("poddisruptionbudgets")
    findings = [finding for budget in found for finding in _budget(budget)]
    return Judgement(findings, f"{plural(len(found), 'budget')} at the allowance they have at best")


def _budget(budget: Object) -> t.Iterator[Finding]:
    name = full_name("poddisruptionbudget", budget)
    status = budget.get("status") or {}
    current, desired, expected = (
        int(status.get(key, 0)) for key in ("currentHealthy", "desiredHealthy", "expectedPods")
    )
    allowed, at_best = drain_budgets.allowed(budget), max(0, expected - desired)
    if drain_budgets.is_stale(budget):
        yield Finding(name, "was changed and not judged anew yet", "see that kube-controller-manager runs")
    elif allowed < at_best:
        evidence = f"allows {allowed} of {plural(at_best, 'disruption')} ({current} of {expected} pods healthy)"
        yield Finding(name, evidence, "bring back its pods that are not healthy", weight=at_best - allowed)
