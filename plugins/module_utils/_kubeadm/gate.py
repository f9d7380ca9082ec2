# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proof by the live state: kubeadm waits for pods to be Running and for a quorum, which proves neither Ready nor local.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import json
import typing as t

from .. import _static_pod
from .._check import FAIL, PASS, Check, failures
from .._errors import MaintenanceError
from .._wait import Deadline, WaitTimeout, until
from . import decide, etcd_member, local_http, versions
from .cluster import CONTROL_PLANE, ETCD, KUBE_PROXY, Cluster
from .kubectl import Kubectl, KubectlError
from .plan import Wanted
from .versions import Version


def check(name: str, good: bool, subject: str, evidence: str, fix: str) -> Check:
    return Check(name, PASS if good else FAIL, subject, evidence, "" if good else fix)


def apiserver(local: Kubectl, target: Version) -> Check:
    """The apiserver of this node, asked at its own address."""
    name, fix = (
        "kube-apiserver ready",
        "look at its log: crictl logs $(crictl ps -a --name kube-apiserver -q | head -1)",
    )
    try:
        ready = local.raw("/readyz").strip()
        said = str(json.loads(local.raw("/version")).get("gitVersion"))
    except KubectlError as error:
        return Check(name, FAIL, "kube-apiserver", error.msg, fix)
    evidence = f"/readyz says {ready}, /version says {said}"
    return check(name, ready == "ok" and said == target.tag, "kube-apiserver", evidence, fix)


def static_pods(cluster: Cluster, node: str, manifests: t.Mapping[str, str]) -> list[Check]:
    """Each manifest's pod is Ready with the manifest's image."""
    checks = []
    for component in (ETCD, *CONTROL_PLANE):
        if component not in manifests:
            continue
        pod, image = cluster.on(node, component), manifests[component]
        evidence = f"image {pod.image}, {'Ready' if pod.ready else 'not Ready'}" if pod else "has no pod in kube-system"
        good = pod is not None and pod.ready and pod.image == image
        fix = f"look at it: crictl ps -a --name {component}, journalctl -u kubelet"
        checks.append(check("static pod ready", good, f"{component} on {node}", f"{evidence}, manifest {image}", fix))
    return checks


def etcd(manifest: t.Optional[_static_pod.StaticPod], get: local_http.Get) -> list[Check]:
    if manifest is None:
        return []
    healthy, evidence = etcd_member.health(manifest, get)
    fix = "look at its log: crictl logs $(crictl ps -a --name etcd -q | head -1)"
    return [check("etcd healthy", healthy, "etcd member of this node", evidence, fix)]


def versions_at(manifests: t.Mapping[str, str], target: Version) -> list[Check]:
    return [
        check(
            "manifest version",
            versions.tag(manifests[name]) == target.tag,
            f"manifest of {name}",
            manifests[name],
            "run the playbook again: kubeadm continues from here",
        )
        for name in CONTROL_PLANE
        if name in manifests
    ]


def objects(cluster: Cluster, target: Version, want: Wanted) -> list[Check]:
    """kubeadm-config, and the addons once kubeadm rolls them out (every kube-apiserver at the target)."""
    config = cluster.config.version if cluster.config else None
    late = decide.late_addons(cluster, target, want)
    fix = "run the playbook again: it writes what is missing"
    return [
        check("cluster object", config == target, "configmap/kubeadm-config", f"says {config}", fix),
        check("cluster object", not late, "addons", f"{', '.join(late) or 'none'} behind", fix),
    ]


def coredns(api: Kubectl) -> list[Check]:
    """No pod of an older CoreDNS is left; a rolling update removes the last one when a new one is available."""
    checks = []
    for found in api.list("/apis/apps/v1/namespaces/kube-system/deployments", {"labelSelector": "k8s-app=kube-dns"}):
        status, generation = found.get("status", {}), found["metadata"].get("generation")
        available = any(c["type"] == "Available" and c["status"] == "True" for c in status.get("conditions") or [])
        updated, replicas = status.get("updatedReplicas", 0), status.get("replicas", 0)
        evidence = f"{updated} of {replicas} pods updated, {'Available' if available else 'not Available'}"
        good = status.get("observedGeneration") == generation and updated == replicas and available
        fix = "look at it: kubectl -n kube-system describe deployment,pods -l k8s-app=kube-dns"
        checks.append(check("CoreDNS rolled out", good, f"deployment/{found['metadata']['name']}", evidence, fix))
    return checks


def kube_proxy(cluster: Cluster, node: str, target: Version) -> list[Check]:
    pod = cluster.on(node, KUBE_PROXY)
    if pod is None:
        return []
    evidence = f"image {pod.image}, {'Ready' if pod.ready else 'not Ready'}"
    fix = f"look at it: kubectl -n kube-system describe pod {pod.name}"
    return [check("kube-proxy ready", pod.ready and pod.version == target, f"pod/{pod.name}", evidence, fix)]


def passed(probe: t.Callable[[], list[Check]], deadline: Deadline, what: str) -> list[Check]:
    """The checks once none of them fails; MaintenanceError with those that still do at the deadline."""
    seen: list[Check] = []

    def attempt() -> t.Optional[bool]:
        try:
            seen[:] = probe()
        except KubectlError as error:
            seen[:] = [
                Check("API", FAIL, "kube-apiserver", error.msg, "look at it: crictl ps -a --name kube-apiserver")
            ]
        return None if failures(seen) else True

    try:
        until(attempt, deadline, lambda: "")
    except WaitTimeout:
        sentences = "; ".join(found.sentence() for found in failures(seen))
        raise MaintenanceError(
            f"{what} did not prove itself in {deadline.seconds:.0f} s: {sentences}", checks=[c.as_dict() for c in seen]
        ) from None
    return seen
