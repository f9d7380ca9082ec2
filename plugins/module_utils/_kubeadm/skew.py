# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version skew policy of Kubernetes, on versions that were observed component by component.

Never on one /version through a load balancer: in a half upgraded cluster that answer flaps.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import FAIL, PASS, WARN, Check
from .cluster import APISERVER, CONTROLLER_MANAGER, KUBE_PROXY, SCHEDULER, Cluster, Pod
from .versions import Version

KUBELET_LAG = 3


def observed(cluster: Cluster, target: Version) -> list[Check]:
    """What of the present versions breaks the policy. A breach that the way to the target repairs only warns."""
    apiservers = cluster.versions_of(APISERVER)
    if not apiservers:
        return []
    oldest, newest = apiservers[0], apiservers[-1]
    checks = [check_apiservers(cluster.component(APISERVER), target)]
    for name in (CONTROLLER_MANAGER, SCHEDULER):
        for pod in cluster.component(name):
            # kubeadm points them at the apiserver of their own node.
            local = cluster.on(pod.node, APISERVER)
            if pod.version and local and local.version:
                checks.append(follows(f"pod/{pod.name}", pod.version, local.version, local.version, 1, target))
    for node in cluster.nodes.values():
        if node.kubelet:
            kubelet = f"node/{node.name} kubelet"
            checks.append(follows(kubelet, node.kubelet, oldest, newest, KUBELET_LAG, target))
            proxy = cluster.on(node.name, KUBE_PROXY)
            if proxy and proxy.version:
                checks.append(follows(f"pod/{proxy.name}", proxy.version, oldest, newest, KUBELET_LAG, target))
                checks.append(check_proxy(proxy.name, proxy.version, node.kubelet))
    return [check for check in checks if check.status != PASS] or [
        Check(
            "version skew", PASS, "cluster", f"all components within the skew of kube-apiserver {_span(oldest, newest)}"
        )
    ]


def kubelets_at(cluster: Cluster, target: Version) -> list[Check]:
    """Kubelets that the target's apiserver would leave too far behind: they have to move first."""
    late = [
        f"{node.name} {node.kubelet}"
        for node in sorted(cluster.nodes.values(), key=lambda node: node.name)
        if node.kubelet and target.minors_after(node.kubelet) > KUBELET_LAG
    ]
    if not late:
        return []
    return [
        Check(
            "kubelet skew",
            FAIL,
            f"{len(late)} kubelet(s): {some(late)}",
            f"more than {KUBELET_LAG} minors older than {target}",
            f"upgrade these nodes to within {KUBELET_LAG} minors of {target} first",
        )
    ]


def check_apiservers(pods: t.Sequence[Pod], target: Version) -> Check:
    """kube-apiservers of one cluster are at most one minor apart."""
    seen = sorted((pod.version, pod.node) for pod in pods if pod.version)
    (oldest, old_node), (newest, new_node) = seen[0], seen[-1]
    apart = newest.minors_after(oldest)
    evidence = f"{old_node} runs {oldest}, {new_node} runs {newest}: {apart} minor(s) apart"
    if apart <= 1:
        return Check("kube-apiserver skew", PASS, "kube-apiserver", evidence)
    fix = f"bring {old_node} to {newest.series} one minor at a time"
    return Check("kube-apiserver skew", _breach(newest, target), "kube-apiserver", f"{evidence}, 1 is allowed", fix)


def follows(name: str, version: Version, oldest: Version, newest: Version, lag: int, target: Version) -> Check:
    """A client of the apiservers is never newer than the oldest and at most ``lag`` minors older than the newest."""
    title = "version skew"
    if version.minors_after(oldest) > 0:
        evidence = f"is {version}, newer than kube-apiserver {oldest}"
        fix = f"bring every kube-apiserver to {version.series} before this component"
        return Check(title, _breach(version, target), name, evidence, fix)
    if newest.minors_after(version) > lag:
        evidence = f"is {version}, more than {lag} minor(s) older than kube-apiserver {newest}"
        return Check(title, WARN, name, evidence, f"upgrade it to within {lag} minor(s) of {newest}")
    return Check(title, PASS, name, f"is {version}, kube-apiserver {_span(oldest, newest)}")


def check_proxy(name: str, proxy: Version, kubelet: Version) -> Check:
    """kube-proxy and the kubelet beside it are at most three minors apart, either way."""
    apart = abs(proxy.minors_after(kubelet))
    evidence = f"is {proxy}, the kubelet of its node {kubelet}"
    if apart <= KUBELET_LAG:
        return Check("kube-proxy skew", PASS, f"pod/{name}", evidence)
    return Check(
        "kube-proxy skew", WARN, f"pod/{name}", f"{evidence}: {apart} minors apart", "upgrade the older of the two"
    )


def kubectl(host: str, version: Version, apiserver: Version) -> Check:
    """kubectl is within one minor of the apiserver."""
    apart = abs(version.minors_after(apiserver))
    evidence = f"is {version}, kube-apiserver {apiserver}"
    if apart <= 1:
        return Check("kubectl skew", PASS, f"kubectl on {host}", evidence)
    return Check(
        "kubectl skew", WARN, f"kubectl on {host}", f"{evidence}: {apart} minors apart", "upgrade kubectl with kubeadm"
    )


def some(names: t.Sequence[str], shown: int = 3) -> str:
    """Three names and the count of the rest."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def _breach(newer: Version, target: Version) -> str:
    """What ran ahead is caught up with when the target is at least as new; otherwise nothing repairs it."""
    return WARN if target.minors_after(newer) >= 0 else FAIL


def _span(oldest: Version, newest: Version) -> str:
    return str(oldest) if oldest == newest else f"{oldest} to {newest}"
