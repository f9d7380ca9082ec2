# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Objects as the API sends them."""

from __future__ import annotations


def make_pod(name, *, namespace="shop", node="w1", phase="Running", ready=True, labels=None, **metadata):
    """A pod of a ReplicaSet; other metadata replaces its own."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-abc", "controller": True}
    return {
        "metadata": {
            "namespace": namespace,
            "name": name,
            "uid": f"uid-of-{name}",
            "labels": {"app": "web", "pod-template-hash": "abc"} if labels is None else labels,
            "ownerReferences": [owner],
            **metadata,
        },
        "spec": {"nodeName": node},
        "status": {"phase": phase, "conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    }


def daemon_pod(name, daemonset="proxy", namespace="kube-system", **more):
    owner = {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": daemonset, "controller": True}
    return make_pod(name, namespace=namespace, labels={"ds": daemonset}, ownerReferences=[owner], **more)


def make_budget(name, *, namespace="shop", selector=None, **spec):
    selector = {"matchLabels": {"app": "web"}} if selector is None else selector
    return {"metadata": {"namespace": namespace, "name": name, "generation": 1}, "spec": {"selector": selector, **spec}}


def make_node(name="w1", *, allocatable=None, labels=None, ready=True, **spec):
    conditions = [
        {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": "2026-11-20T09:00:00Z"}
    ]
    return {
        "metadata": {"name": name, "annotations": {}, "labels": {"kubernetes.io/hostname": name, **(labels or {})}},
        "spec": spec,
        "status": {"conditions": conditions, "allocatable": allocatable or {}},
    }
