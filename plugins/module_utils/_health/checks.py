# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks by name, and the lists that each is made from.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import hosts, nodes, pods, workloads
from .finding import Judgement, Look


@dataclasses.dataclass(frozen=True)
class Source:
    """A list of the API; ``what`` as RBAC names it.

    ``always``: it is about the cluster itself, whatever namespaces are left out.
    """

    what: str
    path: str
    query: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    always: bool = False


_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"

SOURCES: dict[str, Source] = {
    "nodes": Source("nodes", "/api/v1/nodes"),
    "deployments": Source("deployments.apps", "/apis/apps/v1/deployments"),
    "statefulsets": Source("statefulsets.apps", "/apis/apps/v1/statefulsets"),
    "daemonsets": Source("daemonsets.apps", "/apis/apps/v1/daemonsets"),
    "poddisruptionbudgets": Source("poddisruptionbudgets.policy", "/apis/policy/v1/poddisruptionbudgets"),
    "apiservices": Source("apiservices.apiregistration.k8s.io", "/apis/apiregistration.k8s.io/v1/apiservices"),
    "pending": Source("pods", "/api/v1/pods", {"fieldSelector": "status.phase=Pending"}),
    "running": Source("pods", "/api/v1/pods", {"fieldSelector": "status.phase=Running"}),
    "root_ca": Source(
        "configmap kube-root-ca.crt in kube-system",
        "/api/v1/namespaces/kube-system/configmaps",
        {"fieldSelector": "metadata.name=kube-root-ca.crt"},
        always=True,
    ),
    # Last, because their age counts from the last answer, and all pods of a large cluster take their time.
    "node_leases": Source(
        "leases.coordination.k8s.io in kube-node-lease", _LEASES.format("kube-node-lease"), always=True
    ),
    "leader_leases": Source("leases.coordination.k8s.io in kube-system", _LEASES.format("kube-system"), always=True),
}


@dataclasses.dataclass(frozen=True)
class Named:
    """``context`` is read, too, but says nothing when nothing else can be read."""

    judge: t.Callable[[Look], Judgement]
    sources: tuple[str, ...]
    context: tuple[str, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        return self.sources + self.context


CHECKS: dict[str, Named] = {
    "nodes": Named(nodes.nodes, ("nodes",)),
    "leases": Named(nodes.leases, ("node_leases", "leader_leases"), context=("nodes",)),
    "apiservices": Named(nodes.apiservices, ("apiservices",)),
    "workloads": Named(workloads.workloads, ("deployments", "statefulsets", "daemonsets")),
    "budgets": Named(workloads.budgets, ("poddisruptionbudgets",)),
    "pending": Named(pods.pending, ("pending",)),
    "restarts": Named(pods.restarts, ("running",)),
    "cordons": Named(nodes.cordons, ("nodes",)),
}

# Made where there are hosts to compare, and only there.
SAME_CLUSTER = "same cluster"
ALL: dict[str, Named] = {SAME_CLUSTER: Named(hosts.same_cluster, ("root_ca",)), **CHECKS}
