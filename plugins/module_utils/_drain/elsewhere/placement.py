# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes a pod may run on, however much room they have: the scheduler's rules for taints, labels and company.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .. import budgets, pods
from ..pods import Pod

Object = t.Mapping[str, t.Any]

HOSTNAME = "kubernetes.io/hostname"
CORDONED: Object = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
NOT_READY: Object = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}


def taints(node: Object) -> list[Object]:
    """Those that keep pods away. A controller adds the two that tell a node's state some time after the fact."""
    spec = node.get("spec") or {}
    state = ([CORDONED] if spec.get("unschedulable") else []) + ([] if pods.ready(node) else [NOT_READY])
    known = [taint["key"] for taint in state]
    return state + [
        taint
        for taint in spec.get("taints") or ()
        if taint.get("effect") in ("NoSchedule", "NoExecute") and taint["key"] not in known
    ]


def text(taint: Object) -> str:
    """As kubectl writes it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"


def tolerates(pod: Pod, taint: Object) -> bool:
    return any(_tolerates(toleration, taint) for toleration in (pod.get("spec") or {}).get("tolerations") or ())


def _tolerates(toleration: Object, taint: Object) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("key") not in (None, "", taint["key"]):
        return False
    operator = toleration.get("operator") or "Equal"
    same = bool(toleration.get("key")) and (toleration.get("value") or "") == (taint.get("value") or "")
    return operator == "Exists" or (operator == "Equal" and same)


def wants(pod: Pod, node: Object) -> bool:
    """Whether the node has the labels that the pod asks for."""
    spec = pod.get("spec") or {}
    labels = node["metadata"].get("labels") or {}
    if any(labels.get(name) != value for name, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    return allows(affinity.get("requiredDuringSchedulingIgnoredDuringExecution"), node)


def allows(selector: Object | None, node: Object) -> bool:
    """A selector of nodes, of a pod or a volume: one of its terms is enough, and a term without a rule is none."""
    if selector is None:
        return True
    return any(_matches(term, node) for term in selector.get("nodeSelectorTerms") or ())


def _matches(term: Object, node: Object) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    labels = node["metadata"].get("labels") or {}
    name = {"metadata.name": node["metadata"]["name"]}
    return bool(expressions or fields) and (
        all(_satisfies(rule, labels) for rule in expressions) and all(_satisfies(rule, name) for rule in fields)
    )


def _satisfies(rule: Object, labels: t.Mapping[str, str]) -> bool:
    if rule["operator"] not in ("Gt", "Lt"):
        return budgets.satisfies(rule, labels)
    try:
        label, value = int(labels[rule["key"]]), int(rule["values"][0])
    except (KeyError, ValueError, IndexError):
        return False
    return label > value if rule["operator"] == "Gt" else label < value


def exclusions(pod: Pod) -> list[Object]:
    """Terms of pods that it must not share a node with.

    Only rules by host name are known here: those by zone or rack would need all pods of the cluster, a selector of
    namespaces their labels.
    """
    affinity = (pod.get("spec") or {}).get("affinity") or {}
    terms = (affinity.get("podAntiAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution") or ()
    return [term for term in terms if term["topologyKey"] == HOSTNAME and not term.get("namespaceSelector")]


def looks_far(pod: Pod) -> bool:
    """Whether pods of other namespaces may be meant."""
    return any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in exclusions(pod))


def is_meant(term: Object, owner: Pod, other: Pod) -> bool:
    everywhere = term.get("namespaceSelector") is not None
    among = term.get("namespaces") or [pods.namespace(owner)]
    return (everywhere or pods.namespace(other) in among) and budgets.selects(
        term.get("labelSelector"), other["metadata"].get("labels") or {}
    )


def keep_apart(one: Pod, other: Pod) -> bool:
    """Whether one of both must not run on the same node as the other."""
    return any(is_meant(term, one, other) for term in exclusions(one)) or any(
        is_meant(term, other, one) for term in exclusions(other)
    )
