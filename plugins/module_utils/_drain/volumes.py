# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Volumes that are attached to a node: which of them a drain makes free, and what still holds the others.

A volume is detached when its VolumeAttachment is gone. ``status.attached: false`` only says that it is about to be.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import pods
from .pods import Pod

Object = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Attached:
    """``volume`` is the PersistentVolume, empty where there is none any more or nobody may read it."""

    attachment: Object
    volume: Object

    @property
    def uid(self) -> str:
        return str(self.attachment["metadata"]["uid"])

    @property
    def node(self) -> str:
        return str(self.attachment["spec"]["nodeName"])

    @property
    def name(self) -> str:
        return volume_name(self.attachment) or str(self.attachment["metadata"]["name"])

    @property
    def claim(self) -> str:
        reference = (self.volume.get("spec") or {}).get("claimRef")
        return f"{reference['namespace']}/{reference['name']}" if reference else ""

    def entry(self, reason: str) -> dict[str, str]:
        return {"node": self.node, "name": self.name, "claim": self.claim, "reason": reason}

    def full_name(self) -> str:
        return f"{self.name} (claim {self.claim})" if self.claim else self.name


def volume_name(attachment: Object) -> str:
    return str(attachment["spec"]["source"].get("persistentVolumeName") or "")


def users(staying: t.Iterable[Pod]) -> dict[str, str]:
    """Claim -> a pod that uses it. Pods that have finished use nothing."""
    return {
        f"{pods.namespace(pod)}/{claim}": pods.full_name(pod)
        for pod in staying
        if not pods.finished(pod)
        for claim in [*pods.claims(pod), *_own_claims(pod)]
    }


def _own_claims(pod: Pod) -> list[str]:
    """Of generic ephemeral volumes; they are named after the pod."""
    volumes = (pod.get("spec") or {}).get("volumes") or []
    return [f"{pod['metadata']['name']}-{volume['name']}" for volume in volumes if "ephemeral" in volume]


def what_holds(attached: Attached, node: Object) -> str:
    """Why it is still attached. ``node`` as it is now, empty where that is not known."""
    attachment = attached.attachment
    attacher = attachment["spec"]["attacher"]
    trouble = ((attachment.get("status") or {}).get("detachError") or {}).get("message")
    if trouble:
        return f"{attacher} failed to detach it: {trouble}"
    if attachment["metadata"].get("deletionTimestamp"):
        return f"{attacher} has not detached it yet"
    csi = (attached.volume.get("spec") or {}).get("csi") or {}
    mounted = (node.get("status") or {}).get("volumesInUse") or []
    if csi and f"kubernetes.io/csi/{csi['driver']}^{csi['volumeHandle']}" in mounted:
        return "the kubelet has not unmounted it"
    return "the controller-manager has not asked to detach it"
