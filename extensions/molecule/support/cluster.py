# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's cluster as tests look at it: from beside the collection, through podman and kubectl."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kubeops.maintenance.tests.lab import podman, traffic
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

WORK = "kubeops.maintenance/work"

# Everything on a node that an upgrade could change, and that is still when nothing does.
NODE_STATE = r"""
dpkg-query -W -f '${Status} ${Package} ${Version}\n' kubeadm kubelet kubectl || true # a member of etcd has none
find /etc/apt/sources.list.d /etc/apt/keyrings /etc/kubernetes /var/backups/kubeops \
     /var/lib/kubelet/config.yaml /var/lib/kubelet/kubeadm-flags.env /etc/systemd/system /run/systemd/transient \
     -type f -exec sha256sum {} + 2>/dev/null | sort -k 2
systemctl show kubelet --property=ActiveState,ExecMainStartTimestamp
"""
CLUSTER_STATE = {
    "nodes": ("get", "nodes"),
    "settings": ("--namespace=kube-system", "get", "configmap/kubeadm-config", "configmap/kubelet-config"),
    "addons": ("--namespace=kube-system", "get", "deployment/coredns", "daemonset/kube-proxy"),
    "pods": ("get", "pods", "--all-namespaces"),
}


def shell(lab: Lab, node: str, script: str) -> str:
    return podman.inside(lab.container(node), script)


def objects(lab: Lab, *words: str) -> list[dict[str, t.Any]]:
    found = json.loads(traffic.kubectl(lab, *words, "--output=json"))
    return found["items"] if found["kind"].endswith("List") else [found]


def node(lab: Lab, name: str) -> dict[str, t.Any]:
    return objects(lab, "get", "node", name)[0]


def work(lab: Lab, name: str) -> dict[str, t.Any] | None:
    """Our annotation on a node in work."""
    annotation = node(lab, name)["metadata"].get("annotations", {}).get(WORK)
    return json.loads(annotation) if annotation else None


def unschedulable(lab: Lab, name: str) -> bool:
    return node(lab, name)["spec"].get("unschedulable", False)


def ready(lab: Lab, name: str) -> bool:
    conditions = {found["type"]: found["status"] for found in node(lab, name)["status"]["conditions"]}
    return conditions["Ready"] == "True"


def pods_on(lab: Lab, name: str) -> list[dict[str, t.Any]]:
    return objects(lab, "get", "pods", "--all-namespaces", f"--field-selector=spec.nodeName={name}")


def state(lab: Lab) -> dict[str, t.Any]:
    """What must be the same before and after a run that changes nothing."""
    found: dict[str, t.Any] = {each.name: shell(lab, each.name, NODE_STATE).splitlines() for each in lab.nodes}
    for title, words in CLUSTER_STATE.items():
        found[title] = {
            f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}": _still(item)
            for item in objects(lab, *words)
        }
    return found


def _still(item: dict[str, t.Any]) -> dict[str, t.Any]:
    """An object without what changes by itself."""
    metadata = item["metadata"]
    return {
        "uid": metadata["uid"],
        "generation": metadata.get("generation"),
        "deleted": metadata.get("deletionTimestamp"),
        "annotations": metadata.get("annotations"),
        "unschedulable": item.get("spec", {}).get("unschedulable"),
        "data": item.get("data"),
    }


def until_ready(lab: Lab, name: str, wanted: bool) -> None:
    until(f"node {name} is {'Ready' if wanted else 'NotReady'}", lambda: ready(lab, name) == wanted, every=1)
