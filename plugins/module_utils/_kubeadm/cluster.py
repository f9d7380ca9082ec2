# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster as an upgrade sees it, made of the API's own objects; read here for nodes and controller alike.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from . import certificates, cluster_config, versions
from .cluster_config import ClusterConfig
from .versions import Version

APISERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
ETCD = "etcd"
KUBE_PROXY = "kube-proxy"
CONTROL_PLANE = (APISERVER, CONTROLLER_MANAGER, SCHEDULER)
WORK_ANNOTATION = "kubeops.maintenance/work"
# In whose name an upgrade takes nodes into work; what others have in work is theirs.
UPGRADE_OWNER = "kubeops.maintenance.upgrade"

_KUBE_SYSTEM = "/api/v1/namespaces/kube-system"
_APPS = "/apis/apps/v1/namespaces/kube-system"
_ROOT_CA = "kube-root-ca.crt"
_ROLES = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
_HARD_EFFECTS = ("NoSchedule", "NoExecute")

Object = dict[str, t.Any]
Objects = list[Object]


class Reader(t.Protocol):
    """What is needed of an API client: the collection's own on the controller, kubectl on a node."""

    def get(self, path: str, query: t.Optional[dict[str, str]] = None) -> Object: ...

    def list(self, path: str, query: t.Optional[dict[str, str]] = None) -> Objects: ...


@dataclasses.dataclass(frozen=True)
class Node:
    name: str
    kubelet: t.Optional[Version]
    ready: bool
    ready_evidence: str
    unschedulable: bool
    control_plane: bool
    # The taints that keep pods away, the ones of Kubernetes' own (not-ready, unschedulable, ...) left out.
    taints: frozenset[tuple[str, str]]
    # What the collection's annotation says: somebody has this node in work.
    work: t.Optional[Object]

    @property
    def in_work(self) -> bool:
        """By an upgrade that did not end."""
        return self.work is not None and self.work.get("owner") == UPGRADE_OWNER

    @property
    def taken(self) -> bool:
        """By somebody else."""
        return self.work is not None and not self.in_work


@dataclasses.dataclass(frozen=True)
class Pod:
    """A pod of a control plane component or of kube-proxy."""

    name: str
    node: str
    component: str
    image: str
    ready: bool

    @property
    def version(self) -> t.Optional[Version]:
        return versions.of_image(self.image)


@dataclasses.dataclass(frozen=True)
class Cluster:
    nodes: dict[str, Node]
    pods: tuple[Pod, ...]
    config: t.Optional[ClusterConfig]
    # The kubelets' configuration as dotted paths and scalars, None where the ConfigMap is not there.
    kubelet_config: t.Optional[t.Mapping[str, str]]
    # The images of the Deployments that carry k8s-app=kube-dns: one, if all is well.
    coredns: tuple[str, ...]
    kube_proxy: t.Optional[str]
    # SHA-256 of the certificates that pods are told to trust this API by: empty where nobody can tell.
    ca: frozenset[str] = frozenset()

    def component(self, name: str) -> list[Pod]:
        return [pod for pod in self.pods if pod.component == name]

    def on(self, node: str, component: str) -> t.Optional[Pod]:
        return next((pod for pod in self.component(component) if pod.node == node), None)

    def versions_of(self, component: str) -> list[Version]:
        return sorted(pod.version for pod in self.component(component) if pod.version)


def node_of(found: Object) -> Node:
    metadata, spec, status = found["metadata"], found.get("spec", {}), found.get("status", {})
    ready: Object = next((c for c in status.get("conditions") or [] if c.get("type") == "Ready"), {})
    labels = metadata.get("labels") or {}
    annotation = (metadata.get("annotations") or {}).get(WORK_ANNOTATION)
    return Node(
        name=metadata["name"],
        kubelet=versions.find(status.get("nodeInfo", {}).get("kubeletVersion")),
        ready=ready.get("status") == "True",
        ready_evidence=f"Ready is {ready.get('status', 'not reported')} since "
        f"{ready.get('lastTransitionTime', 'an unknown time')} ({ready.get('reason', 'no reason given')})",
        unschedulable=bool(spec.get("unschedulable")),
        control_plane=any(role in labels for role in _ROLES),
        taints=frozenset(
            (taint["key"], taint["effect"])
            for taint in spec.get("taints") or []
            if taint.get("effect") in _HARD_EFFECTS and not taint["key"].startswith("node.kubernetes.io/")
        ),
        work=_work(annotation),
    )


def _work(annotation: t.Optional[str]) -> t.Optional[Object]:
    if annotation is None:
        return None
    try:
        work = json.loads(annotation)
    except ValueError:
        work = None
    # An annotation that cannot be read still says that somebody has the node in work.
    return work if isinstance(work, dict) else {}


def pod_of(found: Object, component: str = "") -> Pod:
    metadata, spec, status = found["metadata"], found["spec"], found.get("status", {})
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in status.get("conditions") or [])
    return Pod(
        name=metadata["name"],
        node=spec.get("nodeName", ""),
        component=component or (metadata.get("labels") or {}).get("component", ""),
        image=spec["containers"][0]["image"],
        ready=ready and not metadata.get("deletionTimestamp"),
    )


def read(api: Reader) -> Cluster:
    maps = {name: _config_map(api, name) for name in ("kubeadm-config", "kubelet-config", _ROOT_CA)}
    ca = (maps[_ROOT_CA] or {}).get("ca.crt", "")
    text = (maps["kubeadm-config"] or {}).get("ClusterConfiguration")
    static_pods = api.list(f"{_KUBE_SYSTEM}/pods", {"labelSelector": "tier=control-plane"})
    proxies = api.list(f"{_KUBE_SYSTEM}/pods", {"labelSelector": f"k8s-app={KUBE_PROXY}"})
    deployments = api.list(f"{_APPS}/deployments", {"labelSelector": "k8s-app=kube-dns"})
    daemon_sets = api.list(f"{_APPS}/daemonsets", {"fieldSelector": f"metadata.name={KUBE_PROXY}"})
    return Cluster(
        nodes={node.name: node for node in map(node_of, api.list("/api/v1/nodes"))},
        pods=tuple([pod_of(pod) for pod in static_pods] + [pod_of(pod, KUBE_PROXY) for pod in proxies]),
        config=cluster_config.parse(text) if text else None,
        kubelet_config=_kubelet_config(maps["kubelet-config"]),
        coredns=tuple(_template_image(deployment) for deployment in deployments),
        kube_proxy=_template_image(daemon_sets[0]) if daemon_sets else None,
        ca=frozenset(certificates.fingerprints(ca.encode())),
    )


def _config_map(api: Reader, name: str) -> t.Optional[dict[str, str]]:
    found = api.list(f"{_KUBE_SYSTEM}/configmaps", {"fieldSelector": f"metadata.name={name}"})
    return found[0].get("data") or {} if found else None


def _kubelet_config(data: t.Optional[dict[str, str]]) -> t.Optional[dict[str, str]]:
    return None if data is None else cluster_config.scalars(data.get("kubelet", ""))


def _template_image(owner: Object) -> str:
    return str(owner["spec"]["template"]["spec"]["containers"][0]["image"])
