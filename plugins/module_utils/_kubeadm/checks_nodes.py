# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight of hosts and nodes: that they are of one cluster, belong together, and can be worked on.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import FAIL, PASS, SKIP, WARN, Check
from .cluster import WORK_ANNOTATION, Cluster, Node
from .plan import Facts, Plan
from .skew import some

SAME_CLUSTER = "same cluster"

HostFacts = t.Mapping[str, Facts]


def check_same_cluster(ca: frozenset[str], facts: HostFacts, server: str) -> list[Check]:
    """Names prove nothing (every cluster has a cp1): the certificate authority does.

    While it is renewed either side may know two of them, so one in common is enough.
    """
    checks = []
    for host, node in facts.items():
        there, name = frozenset(node.get("cluster_ca") or ()), f"host {host}"
        if not there:
            evidence = "has no certificate authority in /etc/kubernetes/pki/ca.crt to compare"
            checks.append(Check(SAME_CLUSTER, SKIP, name, evidence))
        elif not ca:
            evidence = f"the API at {server} tells no certificate authority (configmap/kube-root-ca.crt of kube-system)"
            checks.append(Check(SAME_CLUSTER, SKIP, name, evidence))
        elif there & ca:
            checks.append(Check(SAME_CLUSTER, PASS, name, f"has the certificate authority of the API at {server}"))
        else:
            evidence = f"the API at {server} is of another cluster than host {host}"
            fix = (
                "check kubeconfig, context, K8S_AUTH_* and the inventory (where it has several clusters, -e"
                " cluster=NAME says which one is meant); nothing was changed"
            )
            checks.append(Check(SAME_CLUSTER, FAIL, name, evidence, fix))
    return checks


def check_hosts(cluster: Cluster, facts: HostFacts, control_plane: t.Collection[str]) -> list[Check]:
    checks = []
    named: dict[str, list[str]] = {}
    for host, node in facts.items():
        named.setdefault(node["node_name"], []).append(host)
    for name, hosts in sorted(named.items()):
        if len(hosts) > 1:
            fix = "let each node have one host in the inventory"
            checks.append(Check("hosts and nodes", FAIL, f"node/{name}", f"is the node of hosts {some(hosts)}", fix))
        if name not in cluster.nodes:
            fix = "take the host out of the inventory's groups, or join its node to the cluster (kubeadm join)"
            evidence = f'its node name "{name}" is not in the cluster: {some(sorted(cluster.nodes))}'
            checks.append(Check("hosts and nodes", FAIL, f"host {hosts[0]}", evidence, fix))
    for host in control_plane:
        if host in facts and not facts[host]["control_plane"]:
            fix = "take the host out of kube_control_plane, or put /etc/kubernetes/manifests/kube-apiserver.yaml back"
            evidence = "is in kube_control_plane, but its node has no manifest of kube-apiserver"
            checks.append(Check("hosts and nodes", FAIL, f"host {host}", evidence, fix))
    hosted = {node["node_name"] for host, node in facts.items() if host in control_plane}
    for member in cluster.nodes.values():
        # A control plane left behind ends with kubelets newer than its apiserver; a worker may lag three minors.
        if member.control_plane and member.name not in hosted:
            evidence = "is a control plane of the cluster without a host in kube_control_plane"
            fix = "add its host to the inventory's group"
            checks.append(Check("hosts and nodes", FAIL, f"node/{member.name}", evidence, fix))
    left = sorted(name for name, node in cluster.nodes.items() if name not in named and not node.control_plane)
    if left:
        evidence = f"{some(left)}: not in the inventory, stays at its version"
        checks.append(
            Check("hosts and nodes", WARN, f"{len(left)} node(s)", evidence, "add the hosts, or upgrade them later")
        )
    return checks or [Check("hosts and nodes", PASS, "inventory", f"{len(facts)} host(s), each a node of the cluster")]


def check_nodes(cluster: Cluster, plan: Plan) -> list[Check]:
    """What is to be worked on is Ready and nobody else's.

    A node in work by an unfinished upgrade may be NotReady: it is repaired first. One that somebody else has in work is
    passed over where nothing is to be done on it.
    """
    hosts = {node.node_name: host for host, node in plan.nodes.items() if not node.empty}
    checks = []
    for node in cluster.nodes.values():
        if node.taken and node.name in hosts:
            checks.append(_taken(node, hosts[node.name]))
        if node.ready:
            continue
        name, work = f"node/{node.name}", node.work or {}
        if node.in_work:
            evidence = f"{node.ready_evidence}; an unfinished upgrade (target {work.get('target', 'unknown')}) has it"
            checks.append(Check("node ready", WARN, name, evidence, "nothing: it is repaired first"))
        elif node.taken and node.name not in hosts and not node.control_plane:
            evidence = f"{node.ready_evidence}; it is in work of {work.get('owner', 'somebody')}"
            checks.append(Check("node ready", WARN, name, evidence, "nothing: it is passed over"))
        else:
            fix = f"make it Ready (kubectl describe node {node.name}) or take it out of the cluster"
            checks.append(Check("node ready", FAIL, name, node.ready_evidence, fix))
    return checks or [Check("node ready", PASS, "nodes", f"{len(cluster.nodes)} of {len(cluster.nodes)} are Ready")]


def _taken(node: Node, host: str) -> Check:
    work = node.work or {}
    details = [f"{key} {work[key]}" for key in ("reason", "since") if work.get(key)]
    owner = work.get("owner") or f"somebody whose annotation {WORK_ANNOTATION} cannot be read"
    evidence = f"is in work of {owner}" + (f" ({', '.join(details)})" if details else "")
    fix = f"finish that work and give the node back (uncordon.yml -e nodes={host}), then start again"
    return Check("node in work", FAIL, f"node/{node.name}", evidence, fix)
