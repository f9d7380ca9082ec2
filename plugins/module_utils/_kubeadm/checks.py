# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Preflight: what would make the upgrade fail, found before anything is changed.

Each failing check names the object, the numbers and the fix.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import FAIL, PASS, SKIP, WARN, Check, failures
from . import checks_etcd, checks_nodes, checks_packages, skew, versions
from .cluster import APISERVER, CONTROL_PLANE, Cluster
from .plan import Facts, Plan, Wanted
from .skew import some
from .versions import Version

HostFacts = t.Mapping[str, Facts]


def preflight(
    cluster: Cluster,
    plan: Plan,
    want: Wanted,
    facts: HostFacts,
    control_plane: t.Collection[str],
    snapshot_dir: t.Optional[str],
    server: str,
) -> list[Check]:
    target = plan.version
    same = checks_nodes.check_same_cluster(cluster.ca, facts, server)
    if failures(same):
        # Whatever else was compared, it was compared with something that is not these hosts' cluster.
        return failures(same)
    return [
        *same,
        check_path(plan),
        check_downgrade(cluster, facts, target),
        *checks_packages.preflight(facts, target),
        *checks_nodes.check_hosts(cluster, facts, control_plane),
        *checks_nodes.check_nodes(cluster, plan),
        *check_config(cluster, target),
        check_coredns(cluster),
        check_addons(cluster),
        *checks_etcd.preflight(cluster, want, facts, snapshot_dir),
        *check_cgroup(cluster, facts, target),
        *check_kubectl(cluster, facts),
        *check_unfinished(facts),
        *skew.observed(cluster, target),
        *skew.kubelets_at(cluster, target),
    ]


def check_path(plan: Plan) -> Check:
    """kubeadm goes one minor at a time."""
    if plan.before is None:
        fix = "look for them: kubectl -n kube-system get pods -l tier=control-plane"
        return Check("upgrade path", FAIL, "cluster", "no control plane pod with a version was found", fix)
    evidence = f"{plan.before} to {plan.version}"
    if len(plan.hops) <= 1:
        return Check("upgrade path", PASS, "cluster", evidence)
    way = ", then ".join(f"the latest {hop}" if hop != str(plan.version) else hop for hop in plan.hops)
    evidence = f"{evidence} is {len(plan.hops)} minors at once, kubeadm goes one at a time"
    return Check("upgrade path", FAIL, "cluster", evidence, f"upgrade to {way}")


def check_downgrade(cluster: Cluster, facts: HostFacts, target: Version) -> Check:
    """kubeadm itself lets a patch downgrade pass without a word."""
    newest: list[tuple[Version, str]] = [
        (pod.version, f"{name} on {pod.node}")
        for name in CONTROL_PLANE
        for pod in cluster.component(name)
        if pod.version
    ]
    newest += [(node.kubelet, f"kubelet on {node.name}") for node in cluster.nodes.values() if node.kubelet]
    # The API hears of a kubelet's version only when that kubelet has registered with it.
    running = [(versions.find(node["kubelet"]["running"]), node["node_name"]) for node in facts.values()]
    newest += [(version, f"kubelet on {name}") for version, name in running if version]
    if cluster.config and cluster.config.version:
        newest.append((cluster.config.version, "kubeadm-config"))
    newest = [found for found in dict.fromkeys(newest) if found[0] > target]
    newer = sorted(newest, key=lambda found: found[0], reverse=True)
    if not newer:
        return Check("no downgrade", PASS, "cluster", f"nothing is newer than {target}")
    evidence = f"{some([f'{what} is {version}' for version, what in newer])}, the target is {target}"
    fix = f"choose {newer[0][0]} or later: this playbook does not go back"
    return Check("no downgrade", FAIL, f"{len(newer)} component(s)", evidence, fix)


def check_config(cluster: Cluster, target: Version) -> list[Check]:
    config = cluster.config
    if config is None:
        fix = "upload it: kubeadm init phase upload-config kubeadm --config FILE"
        return [Check("kubeadm-config", FAIL, "configmap/kubeadm-config", "is not in kube-system", fix)]
    checks = []
    name = "configmap/kubeadm-config"
    old = config.api_version.endswith(("/v1beta1", "/v1beta2", "/v1beta3"))
    if old and (target.major, target.minor) >= (1, 37):
        fix = f"upgrade once with kubeadm of an earlier minor (any since 1.31 rewrites it), then to {target}"
        evidence = f"is {config.api_version}, which kubeadm {target.series} cannot read"
        checks.append(Check("kubeadm-config", FAIL, name, evidence, fix))
    if config.version is None:
        fix = "write the cluster's version (vX.Y.Z) to kubernetesVersion in it"
        checks.append(Check("kubeadm-config", FAIL, name, "names no kubernetesVersion that can be read", fix))
    if cluster.kubelet_config is None:
        fix = "upload it: kubeadm init phase upload-config kubelet --config FILE"
        checks.append(Check("kubelet-config", FAIL, "configmap/kubelet-config", "is not in kube-system", fix))
    return checks or [Check("kubeadm-config", PASS, name, f"{config.api_version}, {config.version}")]


def check_coredns(cluster: Cluster) -> Check:
    """kubeadm migrates CoreDNS from the tag of the running image: it has to be one that can be read."""
    if cluster.config and cluster.config.dns_disabled:
        return Check("coredns", SKIP, "coredns", "dns is disabled in kubeadm-config")
    name, images = "deployment with k8s-app=kube-dns", cluster.coredns
    if len(images) > 1:
        evidence = f"{len(images)} Deployments carry that label, kubeadm wants one"
        return Check("coredns", FAIL, name, evidence, "leave the label to CoreDNS alone")
    if not images:
        return Check(
            "coredns", WARN, name, "there is none", "set dns.disabled: true in kubeadm-config if that is meant"
        )
    if versions.of_image(images[0]) is None:
        fix = "give it an image tag of the form vX.Y.Z that CoreDNS has released"
        return Check("coredns", FAIL, name, f"its image {images[0]} has no tag that kubeadm could migrate from", fix)
    return Check("coredns", PASS, name, images[0])


def check_addons(cluster: Cluster) -> Check:
    """kubeadm rolls the addons out only when all kube-apiservers have one and the same image."""
    repositories = sorted({pod.image.split("@")[0].rpartition(":")[0] for pod in cluster.component(APISERVER)})
    if len(repositories) <= 1:
        return Check("one image repository", PASS, APISERVER, some(repositories))
    evidence = f"its pods come from {some(repositories)}; kubeadm would never roll CoreDNS and kube-proxy out"
    fix = "let all control planes take their images from the imageRepository in kubeadm-config"
    return Check("one image repository", FAIL, APISERVER, evidence, fix)


def check_cgroup(cluster: Cluster, facts: HostFacts, target: Version) -> list[Check]:
    """Kubelets from 1.35 on do not start on cgroup v1 unless their configuration allows it."""
    old = sorted(host for host, node in facts.items() if node["cgroup"] == 1)
    allowed = (cluster.kubelet_config or {}).get("failCgroupV1") == "false"
    if not old or allowed or (target.major, target.minor) < (1, 35):
        return []
    evidence = f"{some(old)}: cgroup v1, on which kubelet {target} does not start"
    fix = "boot with cgroup v2, or for the time being set failCgroupV1: false in configmap/kubelet-config"
    return [Check("cgroup version", FAIL, f"{len(old)} host(s)", evidence, fix)]


def check_kubectl(cluster: Cluster, facts: HostFacts) -> list[Check]:
    apiservers = cluster.versions_of(APISERVER)
    found = {host: (node["packages"].get("kubectl") or {}).get("version") for host, node in sorted(facts.items())}
    checks = [
        skew.kubectl(host, version, apiservers[-1])
        for host, version in ((host, versions.find(text)) for host, text in found.items())
        if version and apiservers
    ]
    return [check for check in checks if check.status != PASS]


def check_unfinished(facts: HostFacts) -> list[Check]:
    checks = []
    for host, node in sorted(facts.items()):
        unfinished = node.get("unfinished") or {}
        what = [f"unit {unfinished['unit']}"] if unfinished.get("unit") else []
        what += unfinished.get("upgraded_manifests") or []
        if what:
            evidence = f"an earlier run did not end there: {some(what)}"
            checks.append(Check("unfinished run", WARN, f"host {host}", evidence, "nothing: it is continued first"))
    return checks
