# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pod says about itself.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

Pod = t.Mapping[str, t.Any]

MIRROR = "kubernetes.io/config.mirror"


def uid(pod: Pod) -> str:
    return str(pod["metadata"]["uid"])


def namespace(pod: Pod) -> str:
    return str(pod["metadata"]["namespace"])


def full_name(pod: Pod) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def node_of(pod: Pod) -> str:
    return str(pod["spec"]["nodeName"])


def entry(pod: Pod, reason: str) -> dict[str, str]:
    """The one shape in which results name pods."""
    return {
        "node": node_of(pod),
        "namespace": namespace(pod),
        "name": str(pod["metadata"]["name"]),
        "reason": reason,
    }


def phase(pod: Pod) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def finished(pod: Pod) -> bool:
    return phase(pod) in ("Succeeded", "Failed")


def terminating(pod: Pod) -> str:
    """When it should be gone, grace included; empty where nobody asked it to go."""
    return str(pod["metadata"].get("deletionTimestamp") or "")


def ready(pod: Pod) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def unready_since(pod: Pod) -> str:
    """When it was ready last, or when it was made; empty where it is ready, or where nobody knows."""
    if ready(pod):
        return ""
    conditions = (pod.get("status") or {}).get("conditions") or []
    since = [condition.get("lastTransitionTime") for condition in conditions if condition["type"] == "Ready"]
    return str((since[0] if since else pod["metadata"].get("creationTimestamp")) or "")


def controller(pod: Pod) -> t.Mapping[str, t.Any] | None:
    """The owner that replaces the pod. Other owners, without ``controller: true``, do not."""
    for owner in pod["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            return t.cast("t.Mapping[str, t.Any]", owner)
    return None


def daemonset(pod: Pod) -> str:
    """Namespace and name of the DaemonSet that controls the pod, else empty."""
    owner = controller(pod)
    if owner and owner.get("kind") == "DaemonSet" and owner.get("apiVersion") == "apps/v1":
        return f"{namespace(pod)}/{owner['name']}"
    return ""


def mirror(pod: Pod) -> bool:
    return MIRROR in (pod["metadata"].get("annotations") or {})


def empty_dirs(pod: Pod) -> list[str]:
    return [volume["name"] for volume in (pod.get("spec") or {}).get("volumes") or [] if "emptyDir" in volume]


def claims(pod: Pod) -> list[str]:
    """Volumes that outlive the pod. Ephemeral ones are made anew with the next."""
    volumes = (pod.get("spec") or {}).get("volumes") or []
    return [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume]


def workload(pod: Pod) -> str:
    """What a person calls it: ``deployment/web`` rather than its ReplicaSet."""
    owner = controller(pod)
    if not owner:
        return f"pod/{pod['metadata']['name']}"
    name = str(owner["name"])
    generated = "-" + str((pod["metadata"].get("labels") or {}).get("pod-template-hash"))
    if owner["kind"] == "ReplicaSet" and name.endswith(generated):
        return f"deployment/{name[: -len(generated)]}"
    return f"{owner['kind'].lower()}/{name}"
