# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.elsewhere import placement
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_node, make_pod

TAINT = {"key": "team", "value": "a", "effect": "NoSchedule"}


def pod(labels=None, namespace="shop", **spec):
    made = make_pod("p", labels=labels or {}, namespace=namespace)
    made["spec"] = spec
    return made


@pytest.mark.parametrize(
    ("toleration", "tolerated"),
    [
        ({"operator": "Exists"}, True),
        ({"key": "team", "operator": "Exists"}, True),
        ({"key": "team", "operator": "Exists", "effect": "NoSchedule"}, True),
        ({"key": "team", "operator": "Exists", "effect": "NoExecute"}, False),
        ({"key": "team", "value": "a"}, True),
        ({"key": "team", "operator": "Equal", "value": "a"}, True),
        ({"key": "team", "operator": "Equal", "value": "b"}, False),
        ({"key": "team"}, False),
        ({"key": "other", "operator": "Exists"}, False),
        ({"operator": "Exists", "effect": "NoExecute"}, False),
    ],
)
def test_tolerations(toleration, tolerated):
    assert placement.tolerates(pod(tolerations=[toleration]), TAINT) is tolerated


def test_a_taint_without_value_needs_none():
    taint = {"key": "team", "effect": "NoSchedule"}
    assert placement.tolerates(pod(tolerations=[{"key": "team"}]), taint)
    assert not placement.tolerates(pod(), taint)


def test_taints_are_those_that_keep_pods_away():
    soft = {**TAINT, "effect": "PreferNoSchedule"}
    assert placement.taints(make_node(taints=[soft, TAINT])) == [TAINT]
    assert placement.taints(make_node(unschedulable=True, taints=[TAINT])) == [placement.CORDONED, TAINT]
    assert placement.taints(make_node(ready=False)) == [placement.NOT_READY]
    # What the controllers have added already is the same.
    told = [{**placement.CORDONED, "timeAdded": "now"}, {**placement.NOT_READY, "effect": "NoExecute"}]
    assert placement.taints(make_node(ready=False, unschedulable=True, taints=told)) == [
        placement.CORDONED,
        placement.NOT_READY,
    ]
    assert placement.taints(make_node(taints=told)) == told


def rule(key, operator, *values):
    return {"key": key, "operator": operator, "values": list(values)}


def affinity(*terms):
    selector = {"nodeSelectorTerms": list(terms)}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


def labelled(*rules):
    return {"matchExpressions": list(rules)}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({}, True),
        ({"nodeSelector": {"disk": "ssd"}}, True),
        ({"nodeSelector": {"disk": "hdd"}}, False),
        ({"nodeSelector": {"disk": "ssd", "gpu": ""}}, False),
        (affinity(labelled(rule("disk", "In", "ssd", "nvme"))), True),
        (affinity(labelled(rule("disk", "NotIn", "ssd"))), False),
        (affinity(labelled(rule("gpu", "NotIn", "a"))), True),
        (affinity(labelled(rule("disk", "Exists"), rule("gpu", "DoesNotExist"))), True),
        (affinity(labelled(rule("disk", "Exists"), rule("gpu", "Exists"))), False),
        # One term is enough, a term without a rule is none.
        (affinity(labelled(rule("gpu", "Exists")), labelled(rule("disk", "Exists"))), True),
        (affinity({}), False),
        (affinity(), False),
        (affinity(labelled(rule("cores", "Gt", "7"))), True),
        (affinity(labelled(rule("cores", "Gt", "8"))), False),
        (affinity(labelled(rule("cores", "Lt", "10"))), True),
        (affinity(labelled(rule("cores", "Lt", "8"))), False),
        (affinity(labelled(rule("disk", "Gt", "1"))), False),
        (affinity(labelled(rule("gpu", "Lt", "1"))), False),
        (affinity({"matchFields": [rule("metadata.name", "In", "w2")]}), True),
        (affinity({"matchFields": [rule("metadata.name", "In", "w1")]}), False),
        (affinity({"matchFields": [rule("metadata.name", "NotIn", "w1")]}), True),
        (affinity({"matchFields": [rule("metadata.name", "In", "w2")], **labelled(rule("gpu", "Exists"))}), False),
        ({"nodeSelector": {"disk": "hdd"}, **affinity(labelled(rule("disk", "Exists")))}, False),
        ({"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{}]}}}, True),
    ],
)
def test_what_a_pod_wants_of_a_node(spec, wanted):
    assert placement.wants(pod(**spec), make_node("w2", labels={"disk": "ssd", "cores": "8"})) is wanted


def apart(topology="kubernetes.io/hostname", **term):
    term = {"topologyKey": topology, "labelSelector": {"matchLabels": {"app": "web"}}, **term}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


@pytest.mark.parametrize(
    ("spec", "other", "kept_apart"),
    [
        ({}, pod({"app": "web"}), False),
        (apart(), pod({"app": "web"}), True),
        (apart(), pod({"app": "db"}), False),
        (apart(), pod({"app": "web"}, namespace="bank"), False),
        (apart(namespaces=["bank"]), pod({"app": "web"}, namespace="bank"), True),
        (apart(namespaces=["bank"]), pod({"app": "web"}), False),
        (apart(namespaceSelector={}), pod({"app": "web"}, namespace="bank"), True),
        # What is not known keeps nobody away.
        (apart(namespaceSelector={"matchLabels": {"team": "a"}}), pod({"app": "web"}), False),
        (apart("topology.kubernetes.io/zone"), pod({"app": "web"}), False),
        (apart(labelSelector=None), pod({"app": "web"}), False),
        (apart(labelSelector={}), pod({"app": "db"}), True),
    ],
)
def test_pods_that_must_not_share_a_node(spec, other, kept_apart):
    one = pod({"app": "one"}, **spec)
    # Whichever of them came first.
    for first, second in ((one, other), (other, one)):
        assert placement.keep_apart(first, second) is kept_apart


@pytest.mark.parametrize(
    ("spec", "far"),
    [({}, False), (apart(), False), (apart(namespaces=["bank"]), True), (apart(namespaceSelector={}), True)],
)
def test_who_looks_past_its_namespace(spec, far):
    assert placement.looks_far(pod(**spec)) is far
