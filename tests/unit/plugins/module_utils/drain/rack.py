# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three nodes for one call, and what to ask of its result."""

from __future__ import annotations

from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_node, make_pod

NAMES = ("w1", "w2", "w3")


def make_cluster(*more, each=2, budgets=(), daemonsets=()):
    """``each``: pods on each node; what replaces them comes to w9."""
    pods = [make_pod(f"{node}-{i}", node=node) for node in NAMES for i in range(each)]
    cluster = FakeCluster([*pods, *more], budgets, daemonsets, nodes=[make_node(name) for name in NAMES])
    cluster.elsewhere = "w9"
    cluster.others = [make_node("w9", allocatable={"cpu": "64", "memory": "256Gi", "pods": "1000"})]
    return cluster


def calls(cluster, method, part):
    return [path for asked, path in cluster.requests if asked == method and part in path]


def by_node(result, key):
    return {node["name"]: node[key] for node in result["nodes"]}


def on(entries):
    return {entry["node"] for entry in entries}
