# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as the API sends them, all of them well unless told otherwise."""

from __future__ import annotations

import datetime

NOW = datetime.datetime(2026, 11, 20, 10, 0, tzinfo=datetime.UTC)


def ago(seconds, fraction=False):
    when = NOW - datetime.timedelta(seconds=seconds)
    return when.strftime("%Y-%m-%dT%H:%M:%S" + (".%f" if fraction else "") + "Z")


def make_node(name="w1", ready="True", annotation=None, conditions=(), **spec):
    conditions = [
        {"type": "MemoryPressure", "status": "False"},
        {"type": "Ready", "status": ready, "lastTransitionTime": ago(60), "reason": "R", "message": "words"},
        *conditions,
    ]
    annotations = {} if annotation is None else {"kubeops.maintenance/work": annotation}
    return {"metadata": {"name": name, "annotations": annotations}, "spec": spec, "status": {"conditions": conditions}}


def make_lease(name="w1", renewed=5, lasts=40, holder=None, namespace="kube-node-lease"):
    spec = {"holderIdentity": name if holder is None else holder, "leaseDurationSeconds": lasts}
    if renewed is not None:
        spec["renewTime"] = ago(renewed, fraction=True)
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


def make_leader(name="kube-scheduler", renewed=2, lasts=15, holder="cp1_1"):
    return make_lease(name, renewed, lasts, holder, "kube-system")


def make_deployment(name="web", wanted=2, available=2, namespace="shop", generation=1, observed=1):
    status = {"observedGeneration": observed}
    if available:
        status["availableReplicas"] = available
    return {
        "metadata": {"namespace": namespace, "name": name, "generation": generation},
        "spec": {"replicas": wanted, "selector": {"matchLabels": {"app": name}}},
        "status": status,
    }


def make_daemonset(name="proxy", wanted=2, available=2, namespace="shop"):
    status = {"desiredNumberScheduled": wanted, "observedGeneration": 1}
    if available:
        status["numberAvailable"] = available
    return {
        "metadata": {"namespace": namespace, "name": name, "generation": 1},
        "spec": {"selector": {"matchLabels": {"ds": name}}},
        "status": status,
    }


def make_budget(name="web", current=3, desired=2, expected=3, allowed=1, generation=1, namespace="shop"):
    return {
        "metadata": {"namespace": namespace, "name": name, "generation": generation},
        "status": {
            "observedGeneration": 1,
            "currentHealthy": current,
            "desiredHealthy": desired,
            "expectedPods": expected,
            "disruptionsAllowed": allowed,
        },
    }


def make_service(name="v1.apps", status="True", backend=None):
    conditions = [{"type": "Available", "status": status, "reason": "MissingEndpoints", "message": "no endpoints"}]
    spec = {"service": backend} if backend else {}
    return {"metadata": {"name": name}, "spec": spec, "status": {"conditions": conditions}}


def make_pod(name="web-abc-1", namespace="shop", age=300, containers=(), conditions=(), node="w1", **metadata):
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "controller": True}
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "labels": {"pod-template-hash": "abc"},
            "ownerReferences": [owner],
            "creationTimestamp": ago(age),
            **metadata,
        },
        "spec": {"nodeName": node} if node else {},
        "status": {"containerStatuses": list(containers), "conditions": list(conditions)},
    }


def unplaced(name="web-abc-1", message="0/3 nodes are available: 3 Insufficient cpu.", reason="Unschedulable", **more):
    condition = {"type": "PodScheduled", "status": "False", "reason": reason, "message": message}
    return make_pod(name, node="", age=1, conditions=[condition], **more)


def make_container(restarts=0, ended=None, ready=True, waiting=None, name="app"):
    status = {"name": name, "restartCount": restarts, "ready": ready, "state": {"waiting": waiting} if waiting else {}}
    if ended is not None:
        status["lastState"] = {"terminated": {"finishedAt": ago(ended), "exitCode": 1, "reason": "Error"}}
    return status
