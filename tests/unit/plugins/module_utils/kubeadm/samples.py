# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters and node facts to plan on, made small: what a test does not name is the quiet case."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import cluster_config
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.cluster import (
    CONTROL_PLANE,
    ETCD,
    KUBE_PROXY,
    UPGRADE_OWNER,
    Cluster,
    Node,
    Pod,
)
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import Version, parse

OLD, NEW = parse("1.36.4"), parse("1.37.1")
OLD_ETCD, NEW_ETCD = "3.6.16-0", "3.7.0-0"
OLD_COREDNS, NEW_COREDNS = "v1.14.2", "v1.14.6"
TAINT = frozenset({("node-role.kubernetes.io/control-plane", "NoSchedule")})
GIB = 1 << 30
OURS = {"owner": UPGRADE_OWNER, "target": "1.37.1"}
THEIRS = {"owner": "kubeops.maintenance.drain", "reason": "new disk", "since": "2026-11-20T10:00:00Z"}
CA = "a" * 64
SERVER = "https://192.0.2.11:6443"


def node(name: str, kubelet: Version = OLD, control_plane: bool = False, **changes: t.Any) -> Node:
    made = Node(
        name=name,
        kubelet=kubelet,
        ready=True,
        ready_evidence="Ready is True since 2026-11-20T10:00:00Z (KubeletReady)",
        unschedulable=False,
        control_plane=control_plane,
        taints=TAINT if control_plane else frozenset(),
        work=None,
    )
    return dataclasses.replace(made, **changes)


def having(found: Cluster, *nodes: Node) -> Cluster:
    return dataclasses.replace(found, nodes={**found.nodes, **{each.name: each for each in nodes}})


def pod(component: str, name: str, tag: str, ready: bool = True) -> Pod:
    image = f"registry.k8s.io/{component}:{tag}"
    return Pod(name=f"{component}-{name}", node=name, component=component, image=image, ready=ready)


def cluster(
    control_planes: t.Mapping[str, Version],
    workers: t.Mapping[str, Version] | None = None,
    kubelets: Version = OLD,
    etcd: str = OLD_ETCD,
    config: Version = OLD,
    coredns: str = OLD_COREDNS,
    proxy: Version = OLD,
    **changes: t.Any,
) -> Cluster:
    """``control_planes`` maps names to the version of their static pods, ``workers`` to that of their kubelets."""
    workers = {"w1": OLD, "w2": OLD} if workers is None else workers
    nodes = [node(name, kubelets, control_plane=True) for name in control_planes]
    nodes += [node(name, version) for name, version in workers.items()]
    pods = [pod(component, name, v.tag) for name, v in control_planes.items() for component in CONTROL_PLANE]
    pods += [pod(ETCD, name, etcd) for name in control_planes]
    pods += [pod(KUBE_PROXY, each.name, proxy.tag) for each in nodes]
    made = Cluster(
        nodes={each.name: each for each in nodes},
        pods=tuple(pods),
        config=cluster_config.ClusterConfig("kubeadm.k8s.io/v1beta4", config, "registry.k8s.io"),
        kubelet_config={},
        coredns=(f"registry.k8s.io/coredns/coredns:{coredns}",),
        kube_proxy=f"registry.k8s.io/kube-proxy:{proxy.tag}",
        ca=frozenset({CA}),
    )
    return dataclasses.replace(made, **changes)


def before() -> Cluster:
    return cluster({"cp1": OLD})


def after() -> Cluster:
    return cluster({"cp1": NEW}, {"w1": NEW, "w2": NEW}, NEW, NEW_ETCD, config=NEW, coredns=NEW_COREDNS, proxy=NEW)


def packages(version: Version = OLD) -> dict[str, t.Any]:
    one = {"version": str(version), "package": f"{version}-1.1", "held": True}
    return {name: dict(one) for name in ("kubeadm", "kubelet", "kubectl")}


def worker(name: str, version: Version = OLD, **changes: t.Any) -> dict[str, t.Any]:
    return {
        "node_name": name,
        "cluster_ca": [CA],
        "control_plane": False,
        "package_manager": "apt",
        "packages": packages(version),
        "available": dict.fromkeys(("kubeadm", "kubelet", "kubectl"), f"{NEW}-1.1"),
        "kubelet": {"running": str(version), "active": True, "started": "2026-11-20T10:00:00Z"},
        "static_pods": {},
        "apiserver": None,
        "etcd": None,
        "disk": {},
        "cgroup": 2,
        "kubeadm_images": None,
        "unfinished": {"unit": None, "running": False, "upgraded_manifests": [], "moved_away": []},
        **changes,
    }


def control_plane(name: str, version: Version = OLD, etcd: str = OLD_ETCD, **changes: t.Any) -> dict[str, t.Any]:
    images = {component: f"registry.k8s.io/{component}:{version.tag}" for component in CONTROL_PLANE}
    images[ETCD] = f"registry.k8s.io/etcd:{etcd}"
    disk = {path: {"free_bytes": 10 * GIB, "device": 1} for path in ("/var/lib/etcd", "/etc/kubernetes/tmp", "/backup")}
    return {
        **worker(name, version),
        "control_plane": True,
        "static_pods": {component: {"image": image, "version": None} for component, image in images.items()},
        "apiserver": {"advertise_address": "192.0.2.11", "port": 6443, "url": "https://192.0.2.11:6443"},
        "etcd": {
            "name": name,
            "endpoint": "https://127.0.0.1:2379",
            "data_dir": "/var/lib/etcd",
            "data_bytes": GIB,
            "db_bytes": GIB // 2,
            "healthy": True,
            "evidence": "http://127.0.0.1:2381/health says healthy",
        },
        "disk": disk,
        **changes,
    }


def facts(version: Version = OLD, etcd: str = OLD_ETCD) -> dict[str, t.Any]:
    return {"cp1": control_plane("cp1", version, etcd), "w1": worker("w1", version), "w2": worker("w2", version)}
