# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what runs to what has to be done: hops, steps per node, cluster objects.

A run that was killed before the cluster objects were written is not done, so they are steps like any other.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import versions
from .cluster import CONTROL_PLANE, ETCD, KUBE_PROXY, Cluster, Node
from .versions import Version

PACKAGES = ("kubeadm", "kubelet", "kubectl")
# The order in which a node's components change.
_ORDER = ("kubeadm", ETCD, *CONTROL_PLANE, "kubelet", "kubectl")

# What kubeadm's latest releases want, for the time before the target's kubeadm is there to be asked.
_WANTED = {
    (1, 34): ("3.6.5-0", "v1.12.1"),
    (1, 35): ("3.6.6-0", "v1.13.1"),
    (1, 36): ("3.6.8-0", "v1.14.2"),
    (1, 37): ("3.7.0-0", "v1.14.6"),
}

Facts = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Step:
    """One component is brought from a version to another one."""

    component: str
    before: str
    after: str

    def as_dict(self) -> dict[str, str]:
        return {"component": self.component, "from": self.before, "to": self.after}


@dataclasses.dataclass(frozen=True)
class NodePlan:
    node_name: str
    before: str
    after: str
    control_plane: bool
    steps: tuple[Step, ...]
    drain: bool
    in_work: bool
    # Static pods and cluster objects, which the control planes go through before any kubelet.
    control_plane_part: bool

    @property
    def kubelet_part(self) -> bool:
        return self.in_work or any(step.component in PACKAGES for step in self.steps)

    @property
    def empty(self) -> bool:
        return not (self.control_plane_part or self.kubelet_part)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "node_name": self.node_name,
            "from": self.before,
            "to": self.after,
            "control_plane": self.control_plane,
            "steps": [step.as_dict() for step in self.steps],
            "drain": self.drain,
            "in_work": self.in_work,
            "parts": {"control_plane": self.control_plane_part, "kubelet": self.kubelet_part},
        }


@dataclasses.dataclass(frozen=True)
class Plan:
    version: Version
    before: t.Optional[Version]
    hops: tuple[str, ...]
    nodes: dict[str, NodePlan]
    objects: tuple[Step, ...]
    # Something has already been brought towards the version, and not everything.
    begun: bool

    @property
    def empty(self) -> bool:
        return all(node.empty for node in self.nodes.values())

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "version": str(self.version),
            "from": str(self.before) if self.before else None,
            "hops": list(self.hops),
            "nodes": {host: node.as_dict() for host, node in self.nodes.items()},
            "objects": [step.as_dict() for step in self.objects],
            "empty": self.empty,
            "begun": self.begun,
        }


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The image tags that a kubeadm brings along, empty where nobody can tell yet."""

    etcd: str = ""
    coredns: str = ""


def wanted(target: Version, cluster: Cluster, facts: t.Iterable[Facts]) -> Wanted:
    """As the target's kubeadm says where a node has it, else from the table; pins in kubeadm-config come first."""
    etcd, coredns = _WANTED.get((target.major, target.minor), ("", ""))
    for node in facts:
        images = node.get("kubeadm_images") or {}
        if images.get("kubeadm") == str(target):
            etcd, coredns = images["etcd"], images["coredns"]
    config = cluster.config
    if config:
        etcd, coredns = config.etcd_image_tag or etcd, config.dns_image_tag or coredns
    return Wanted(etcd, coredns)


def make(cluster: Cluster, target: Version, facts: t.Mapping[str, Facts]) -> Plan:
    want = wanted(target, cluster, facts.values())
    before = oldest_control_plane(cluster)
    late = objects(cluster, target, want)
    nodes = {host: _node_plan(node, cluster, target, want, bool(late)) for host, node in facts.items()}
    made = Plan(target, before, hops(before, target), nodes, late, begun=False)
    begun = not made.empty and any(_signs(cluster, target, facts.values()))
    return dataclasses.replace(made, begun=begun)


def _signs(cluster: Cluster, target: Version, facts: t.Iterable[Facts]) -> t.Iterator[bool]:
    """Of a run towards the target that did not end; packages alone change nothing that runs."""
    yield any(target in cluster.versions_of(name) for name in CONTROL_PLANE)
    yield any(node.kubelet == target or node.in_work for node in cluster.nodes.values())
    for node in facts:
        images = [pod["image"] for name, pod in node["static_pods"].items() if name in CONTROL_PLANE]
        yield any(versions.of_image(image) == target for image in images)
        yield versions.find(node["kubelet"]["running"]) == target
        unfinished = node.get("unfinished") or {}
        yield any(unfinished.get(what) for what in ("unit", "upgraded_manifests", "moved_away"))


def oldest_control_plane(cluster: Cluster) -> t.Optional[Version]:
    """The version to plan from: the oldest of the control plane's components."""
    return min((v for name in CONTROL_PLANE for v in cluster.versions_of(name)), default=None)


def hops(before: t.Optional[Version], target: Version) -> tuple[str, ...]:
    """One entry a minor: ``("1.36", "1.37.1")``; the patch of a minor in between is for the person to choose."""
    if before is None or before >= target:
        return ()
    between = range(before.minor + 1, target.minor)
    return (*(f"{target.major}.{minor}" for minor in between), str(target))


def behind(current: str, want: str) -> bool:
    """For etcd and CoreDNS: kubeadm leaves a newer etcd alone, and a tag that nobody can read is a check's matter."""
    now, then = versions.find(current), versions.find(want)
    return bool(now and then and now < then)


def objects(cluster: Cluster, target: Version, want: Wanted) -> tuple[Step, ...]:
    found: list[Step] = []
    config = cluster.config
    if config and config.version != target:
        # The kubelets' configuration has no version of its own; it is written before kubeadm-config.
        was = str(config.version)
        found += [Step("kubelet-config", was, str(target)), Step("kubeadm-config", was, str(target))]
    if config and not config.dns_disabled and len(cluster.coredns) == 1:
        tag = versions.tag(cluster.coredns[0])
        if behind(tag, want.coredns):
            found.append(Step("coredns", tag.lstrip("v"), want.coredns.lstrip("v")))
    if config and not config.proxy_disabled and cluster.kube_proxy:
        tag = versions.tag(cluster.kube_proxy)
        if tag != target.tag:
            found.append(Step(KUBE_PROXY, tag.lstrip("v"), str(target)))
    return tuple(found)


def _node_plan(facts: Facts, cluster: Cluster, target: Version, want: Wanted, late_objects: bool) -> NodePlan:
    name = facts["node_name"]
    node = cluster.nodes.get(name)
    running = facts["kubelet"]["running"] or (str(node.kubelet) if node and node.kubelet else "")
    static_pods = list(_static_pods(facts, cluster, target, want))
    interrupted = bool((facts.get("unfinished") or {}).get("upgraded_manifests"))
    steps = [*static_pods, *_packages(facts, node, running, target)]
    steps.sort(key=lambda step: _ORDER.index(step.component))
    in_work = node is not None and node.in_work
    kubelet = any(step.component == "kubelet" for step in steps)
    return NodePlan(
        node_name=name,
        before=running,
        after=str(target),
        control_plane=facts["control_plane"],
        steps=tuple(steps),
        drain=bool(node) and kubelet and (not facts["control_plane"] or others_take_pods(cluster, name)),
        in_work=in_work,
        control_plane_part=facts["control_plane"] and bool(static_pods or late_objects or interrupted),
    )


def _static_pods(facts: Facts, cluster: Cluster, target: Version, want: Wanted) -> t.Iterator[Step]:
    if not facts["control_plane"]:
        return
    for name in (ETCD, *CONTROL_PLANE):
        manifest = facts["static_pods"].get(name)
        pod = cluster.on(facts["node_name"], name)
        tags = [versions.tag(image) for image in (manifest and manifest["image"], pod and pod.image) if image]
        if name == ETCD:
            late = [tag for tag in tags if behind(tag, want.etcd)]
        else:
            late = [tag for tag in tags if tag != target.tag]
        if late:
            yield Step(name, late[0].lstrip("v"), want.etcd if name == ETCD else str(target))


def _packages(facts: Facts, node: t.Optional[Node], running: str, target: Version) -> t.Iterator[Step]:
    for name in PACKAGES:
        package = facts["packages"].get(name)
        was = {package["version"]} if package else set()
        if name == "kubelet":
            # An installed kubelet that does not run yet, or that the API has not heard of, is not done.
            was |= {running} if running else set()
            was |= {str(node.kubelet)} if node and node.kubelet else set()
        late = sorted(was - {str(target)})
        if late:
            yield Step(name, late[0], str(target))


def others_take_pods(cluster: Cluster, name: str) -> bool:
    """Whether pods of this node can go to another one: Ready, not cordoned, and with no taint that this one lacks.

    What an upgrade has cordoned is given back in its turn; a node in work of somebody else is not ours to count on.
    """
    node = cluster.nodes[name]
    return any(
        other.ready and other.taints <= node.taints and not other.taken and (not other.unschedulable or other.in_work)
        for other in cluster.nodes.values()
        if other.name != name
    )
