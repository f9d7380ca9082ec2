# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes, leases, APIs and cordons: what is ill, what is only told, what is well."""

from __future__ import annotations

import json

from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, WARN
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import (
    ago,
    make_leader,
    make_lease,
    make_node,
    make_service,
)


def work(since=None):
    return json.dumps({"owner": "me", "run": "1", "reason": "new disk", "since": ago(3600) if since is None else since})


def pressure(kind):
    return {"type": kind, "status": "True", "lastTransitionTime": ago(60), "message": "little left"}


WELL = [
    ("nodes", {"nodes": [make_node()]}, "1 node Ready"),
    ("nodes", {"nodes": [make_node(unschedulable=True)]}, "1 node Ready"),
    (
        "leases",
        {"nodes": [make_node()], "node_leases": [make_lease(renewed=39)], "leader_leases": [make_leader()]},
        "1 node and 1 leader",
    ),
    # The kubelets' clocks may be a little ahead of the server's.
    (
        "leases",
        {"nodes": [make_node()], "node_leases": [make_lease(renewed=-3)], "leader_leases": []},
        "1 node and 0 leaders",
    ),
    # Leases of others in kube-system say nothing about the control plane.
    ("leases", {"node_leases": [], "leader_leases": [make_leader("somebody", renewed=9999)]}, "0 leaders"),
    # Nodes without leases are found only where leases may be read.
    ("leases", {"nodes": [make_node()], "leader_leases": [make_leader()]}, "1 leader renewed"),
    ("apiservices", {"apiservices": [make_service(), make_service("v1.batch")]}, "2 APIs available"),
    ("cordons", {"nodes": [make_node()]}, "no node is cordoned"),
    ("cordons", {"nodes": [make_node(annotation=work(), unschedulable=True)]}, "node/w1 in work of me (run 1"),
]

ILL = [
    (
        "nodes",
        {"nodes": [make_node(ready="Unknown")]},
        FAIL,
        "node/w1",
        f"Ready is Unknown since {ago(60)} (R: words)",
        "kubelet",
        1,
    ),
    ("nodes", {"nodes": [{"metadata": {"name": "w1"}}]}, FAIL, "node/w1", "Ready is not reported", "kubelet", 1),
    (
        "nodes",
        {"nodes": [make_node(conditions=[pressure("DiskPressure")])]},
        WARN,
        "node/w1",
        "DiskPressure since",
        "free",
        0,
    ),
    (
        "leases",
        {"node_leases": [make_lease(renewed=41)]},
        FAIL,
        "node/w1",
        "lease of w1 renewed 41 s ago, it lasts 40 s",
        "kubelet",
        1,
    ),
    ("leases", {"node_leases": [make_lease(renewed=None)]}, FAIL, "node/w1", "nobody holds its lease", "kubelet", 1),
    ("leases", {"nodes": [make_node()], "node_leases": []}, FAIL, "node/w1", "has never renewed a lease", "kubelet", 1),
    (
        "leases",
        {"leader_leases": [make_leader(renewed=16)]},
        FAIL,
        "kube-system/lease/kube-scheduler",
        "lease of cp1_1 renewed 16 s ago, it lasts 15 s",
        "no kube-scheduler leads",
        1,
    ),
    (
        "leases",
        {"leader_leases": [make_leader("kube-controller-manager", holder="")]},
        FAIL,
        "kube-system/lease/kube-controller-manager",
        "nobody holds",
        "no kube-controller-manager leads",
        1,
    ),
    (
        "apiservices",
        {
            "apiservices": [
                make_service("v1beta1.metrics.k8s.io", "False", {"namespace": "kube-system", "name": "metrics"})
            ]
        },
        FAIL,
        "apiservice/v1beta1.metrics.k8s.io",
        "not available (MissingEndpoints: no endpoints)",
        "bring back service/metrics in kube-system",
        1,
    ),
    (
        "apiservices",
        {"apiservices": [{"metadata": {"name": "v1.new"}}]},
        FAIL,
        "apiservice/v1.new",
        "no reason given",
        "bring back the apiserver",
        1,
    ),
    (
        "cordons",
        {"nodes": [make_node(unschedulable=True)]},
        WARN,
        "node/w1",
        "cordoned by somebody else",
        "kubectl uncordon w1",
        0,
    ),
    (
        "cordons",
        {"nodes": [make_node(annotation=work(ago(90000)))]},
        FAIL,
        "node/w1",
        "in work of me (run 1, since 2026-11-19T09:00:00Z, reason: new disk) for 25.0 h, longer than 24.0 h",
        "state=uncordon",
        1,
    ),
    (
        "cordons",
        {"nodes": [make_node(annotation=work(""))]},
        FAIL,
        "node/w1",
        "for an unknown time",
        "state=uncordon",
        1,
    ),
    (
        "cordons",
        {"nodes": [make_node(annotation=work(17))]},
        FAIL,
        "node/w1",
        "for an unknown time",
        "state=uncordon",
        1,
    ),
    (
        "cordons",
        {"nodes": [make_node(annotation="broken")]},
        FAIL,
        "node/w1",
        "unreadable annotation",
        "state=uncordon",
        1,
    ),
]
