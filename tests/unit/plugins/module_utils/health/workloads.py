# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads and budgets: what is ill and what is well."""

from __future__ import annotations

from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import (
    make_budget,
    make_daemonset,
    make_deployment,
)

WELL = [
    (
        "workloads",
        {"deployments": [make_deployment(wanted=2, available=3)], "statefulsets": [], "daemonsets": []},
        "1 deployment, 0 statefulsets, 0 daemonsets",
    ),
    ("workloads", {"deployments": [make_deployment(wanted=0, available=0)]}, "1 deployment at"),
    ("budgets", {"poddisruptionbudgets": [make_budget()]}, "1 budget at"),
    # It can never allow anything, so that is its best.
    ("budgets", {"poddisruptionbudgets": [make_budget(current=2, desired=2, expected=2, allowed=0)]}, "1 budget"),
    ("budgets", {"poddisruptionbudgets": [make_budget(current=0, desired=1, expected=0, allowed=0)]}, "1 budget"),
]

ILL = [
    (
        "workloads",
        {"deployments": [make_deployment(wanted=3, available=1)]},
        FAIL,
        "shop/deployment/web",
        "1 of 3 pods available",
        "kubectl -n shop get pods -o wide -l 'app=web'",
        2,
    ),
    (
        "workloads",
        {"deployments": [make_deployment(available=0, wanted=1)]},
        FAIL,
        "shop/deployment/web",
        "0 of 1 pod available",
        "kubectl",
        1,
    ),
    (
        "workloads",
        {"deployments": [make_deployment(generation=2)]},
        FAIL,
        "shop/deployment/web",
        "has not seen its last change",
        "kube-controller-manager",
        1,
    ),
    (
        "workloads",
        {"statefulsets": [make_deployment("db", available=1)]},
        FAIL,
        "shop/statefulset/db",
        "1 of 2 pods available",
        "kubectl",
        1,
    ),
    (
        "workloads",
        {"daemonsets": [make_daemonset(available=0)]},
        FAIL,
        "shop/daemonset/proxy",
        "0 of 2 pods available",
        "'ds=proxy'",
        2,
    ),
    (
        "budgets",
        {"poddisruptionbudgets": [make_budget(current=2, allowed=0)]},
        FAIL,
        "shop/poddisruptionbudget/web",
        "allows 0 of 1 disruption (2 of 3 pods healthy)",
        "bring back",
        1,
    ),
    (
        "budgets",
        {"poddisruptionbudgets": [make_budget(generation=2)]},
        FAIL,
        "shop/poddisruptionbudget/web",
        "was changed and not judged anew",
        "kube-controller-manager",
        1,
    ),
]
