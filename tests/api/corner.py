# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A corner of the cluster that belongs to one test: a namespace, and nodes that only its pods run on."""

from __future__ import annotations

import functools
import itertools
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import Kube, KubeError

from ..lab.waiting import until

Object = dict[str, t.Any]

PODS = "/api/v1/namespaces/{}/pods"
WORKLOADS = "/apis/apps/v1/namespaces/{}/{}"
BUDGETS = "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"
CLAIMS = "/api/v1/namespaces/{}/persistentvolumeclaims"
VOLUMES = "/api/v1/persistentvolumes"
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
STOPS_AFTER = "kubeops.test/stops-after"
UNREADY = "kubeops.test/unready"
SECONDS = 300

_numbers = itertools.count(1)


class Corner:
    """Everything that is made here exists and is settled when the call returns."""

    def __init__(self, kube: Kube, nodes: int = 2, name: str = "") -> None:
        self.kube = kube
        self._volumes: list[str] = []
        self.namespace = name or f"corner-{next(_numbers)}"
        self.nodes = [f"{self.namespace}-w{number}" for number in range(1, nodes + 1)]
        kube.post("/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        for node in self.nodes:
            kube.post("/api/v1/nodes", {"metadata": {"name": node, "labels": {"corner": self.namespace}}})
        for node in self.nodes:
            self._until(f"node {node} Ready", lambda node=node: _usable(self.node(node)))

    # What there is

    def node(self, name: str = "") -> Object:
        return self.kube.get(f"/api/v1/nodes/{name or self.nodes[0]}")

    def pods(self, node: str = "", labels: str = "") -> list[Object]:
        query = {"fieldSelector": f"spec.nodeName={node}"} if node else {}
        return self.kube.list(PODS.format(self.namespace), {**query, "labelSelector": labels})

    def names(self, node: str = "") -> set[str]:
        return {pod["metadata"]["name"] for pod in self.pods(node)}

    def budget(self, name: str) -> Object:
        return self.kube.get(f"{BUDGETS.format(self.namespace)}/{name}")

    # Making things

    def deployment(self, name: str, replicas: int, **pod: t.Any) -> None:
        """For the options see ``template``; all pods land on the first node, and on others when they are recreated.

        ``on``: on how many of the first nodes they are spread.
        """
        self._workload("deployments", name, replicas, strategy={"type": "Recreate"}, **pod)

    def statefulset(self, name: str, replicas: int, **pod: t.Any) -> None:
        more = {"serviceName": name, "podManagementPolicy": "Parallel"}
        self._workload("statefulsets", name, replicas, **more, **pod)

    def daemonset(self, name: str, **pod: t.Any) -> None:
        """One pod on every node here."""
        self.kube.post(WORKLOADS.format(self.namespace, "daemonsets"), self._with_template(name, **pod))
        self._until(f"pods of {name}", lambda: len(self._started({"app": name})) == len(self.nodes))

    def pod(self, name: str, *, finalizers: t.Sequence[str] = (), **pod: t.Any) -> Object:
        """A bare one on the first node."""
        made = template(self.namespace, {"app": name}, **pod)
        made["metadata"].update(name=name, finalizers=list(finalizers))
        made["spec"]["nodeName"] = self.nodes[0]
        self.kube.post(PODS.format(self.namespace), made)
        self._until(f"pod {name}", lambda: self._started({"app": name}))
        return self.kube.get(f"{PODS.format(self.namespace)}/{name}")

    def owned_pods(self, name: str, number: int, node: str = "", **pod: t.Any) -> None:
        """On one node, the first, controlled by an object that does nothing: managed pods that nobody recreates."""
        path = f"/api/v1/namespaces/{self.namespace}/configmaps"
        uid = self.kube.post(path, {"metadata": {"name": name}})["metadata"]["uid"]
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid, "controller": True}
        made = template(self.namespace, {"app": name}, **pod)
        made["metadata"]["ownerReferences"] = [owner]
        made["spec"]["nodeName"] = node or self.nodes[0]
        for serial in range(number):
            made["metadata"]["name"] = f"{name}-{serial}"
            self.kube.post(PODS.format(self.namespace), made)
        self._until(f"pods of {name}", lambda: len(self._started({"app": name})) == number)

    def pdb(self, name: str, labels: t.Mapping[str, str], **spec: t.Any) -> Object:
        """``spec`` as in the API: minAvailable, maxUnavailable, unhealthyPodEvictionPolicy."""
        selector = {"matchLabels": dict(labels)}
        self.kube.post(
            BUDGETS.format(self.namespace), {"metadata": {"name": name}, "spec": {"selector": selector, **spec}}
        )
        expected = len(self.pods(labels=_text(labels)))
        return self._until(f"budget {name}", lambda: self._judged(name, expected))

    def patch_pod(self, name: str, **metadata: t.Any) -> None:
        self.kube.patch(f"{PODS.format(self.namespace)}/{name}", {"metadata": metadata})

    def volume(self, claim: str) -> str:
        """The name of a volume that is bound to the claim."""
        name, size = f"{self.namespace}-{claim}", {"storage": "1Gi"}
        source = {"driver": "csi.test", "volumeHandle": name}
        common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
        reference = {"namespace": self.namespace, "name": claim}
        self.kube.post(
            VOLUMES,
            {"metadata": {"name": name}, "spec": {**common, "capacity": size, "csi": source, "claimRef": reference}},
        )
        claims = CLAIMS.format(self.namespace)
        spec = {**common, "volumeName": name, "resources": {"requests": size}}
        self.kube.post(claims, {"metadata": {"name": claim}, "spec": spec})
        bound = functools.partial(self.kube.get, f"{claims}/{claim}")
        self._until(f"claim {claim}", lambda: (bound().get("status") or {}).get("phase") == "Bound")
        self._volumes.append(f"{VOLUMES}/{name}")
        return name

    def attach(self, volume: str, *, finalizers: t.Sequence[str] = ()) -> str:
        """To the first node; the path of the attachment. Nobody detaches it but who deletes that."""
        path, name = ATTACHMENTS, f"attached-{volume}"
        source = {"persistentVolumeName": volume}
        spec = {"attacher": "csi.test", "nodeName": self.nodes[0], "source": source}
        self.kube.post(path, {"metadata": {"name": name, "finalizers": list(finalizers)}, "spec": spec})
        self._volumes.append(f"{path}/{name}")
        return f"{path}/{name}"

    def cordon(self, node: str, unschedulable: bool = True) -> None:
        self.kube.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": unschedulable or None}})
        # The taint follows, when the controller comes to it.
        self._until(f"the taint of {node}", lambda: _cordoned(self.node(node)) == unschedulable)

    def remove(self) -> None:
        """Nodes and workloads, at once; what is left of the namespace goes by itself."""
        _delete(self.kube, f"/api/v1/namespaces/{self.namespace}")
        _delete(self.kube, PODS.format(self.namespace), {"gracePeriodSeconds": 0})
        for path in [*self._volumes, *(f"/api/v1/nodes/{node}" for node in self.nodes)]:
            _delete(self.kube, path)

    # How

    def _workload(self, kind: str, name: str, replicas: int, on: int = 1, **more: t.Any) -> None:
        for node in self.nodes[on:]:
            self.cordon(node)
        body = self._with_template(name, **more)
        body["spec"]["replicas"] = replicas
        self.kube.post(WORKLOADS.format(self.namespace, kind), body)
        self._until(f"pods of {name}", lambda: len(self._started({"app": name})) == replicas)
        for node in self.nodes[on:]:
            self.cordon(node, False)

    def _with_template(
        self, name: str, labels: t.Mapping[str, str] | None = None, tolerate_all: bool = False, **more: t.Any
    ) -> Object:
        spec = {key: more.pop(key) for key in ("strategy", "serviceName", "podManagementPolicy") if key in more}
        own = {"app": name}
        made = template(self.namespace, {**own, **(labels or {})}, **more)
        if tolerate_all:
            made["spec"]["tolerations"] = [{"operator": "Exists"}]
        return {"metadata": {"name": name}, "spec": {**spec, "selector": {"matchLabels": own}, "template": made}}

    def _started(self, labels: t.Mapping[str, str]) -> list[Object]:
        """Pods that run, and are ready where they ought to be."""
        found = self.pods(labels=_text(labels))
        return [pod for pod in found if pod["status"].get("phase") != "Pending" and _as_wanted(pod)]

    def _judged(self, name: str, expected: int) -> Object | None:
        budget = self.budget(name)
        status, generation = budget.get("status") or {}, budget["metadata"]["generation"]
        seen = status.get("observedGeneration", 0) >= generation and status.get("expectedPods") == expected
        return budget if seen or _failed(status) else None

    def _until(self, what: str, probe: t.Callable[[], t.Any]) -> t.Any:
        return until(f"{what} in {self.namespace}", probe, seconds=SECONDS, every=0.1)


def template(
    corner: str,
    labels: t.Mapping[str, str],
    *,
    stops_after: float = 0,
    ready: bool = True,
    empty_dir: bool = False,
    claim: str = "",
    cpu: int = 0,
    more: Object | None = None,
) -> Object:
    """A pod as kwok plays it. ``more`` is what else its spec has."""
    annotations = {STOPS_AFTER: f"{stops_after * 1000:.0f}ms"} if stops_after else {}
    if not ready:
        annotations[UNREADY] = "true"
    spec: Object = {
        "containers": [{"name": "main", "image": "main"}],
        "nodeSelector": {"corner": corner},
        "terminationGracePeriodSeconds": max(30, int(stops_after) + 1),
    }
    if cpu:
        spec["containers"][0]["resources"] = {"requests": {"cpu": str(cpu)}}
    spec.update(more or {})
    if empty_dir:
        spec["volumes"] = [{"name": "scratch", "emptyDir": {}}]
    if claim:
        spec["volumes"] = [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]
    return {"metadata": {"labels": dict(labels), "annotations": annotations}, "spec": spec}


def _usable(node: Object) -> bool:
    conditions = node["status"].get("conditions") or []
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not node["spec"].get("taints")


def _cordoned(node: Object) -> bool:
    return any(taint["key"] == "node.kubernetes.io/unschedulable" for taint in node["spec"].get("taints") or [])


def _as_wanted(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or []
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready != (UNREADY in (pod["metadata"].get("annotations") or {}))


def _failed(status: Object) -> bool:
    return any(condition.get("reason") == "SyncFailed" for condition in status.get("conditions") or [])


def _text(labels: t.Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in labels.items())


def _delete(kube: Kube, path: str, options: Object | None = None) -> None:
    try:
        kube.delete(path, options)
    except KubeError as error:
        if error.status not in (404, 409):
            raise
