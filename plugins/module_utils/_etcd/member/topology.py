# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where etcd is, as this node knows it: its own member, or else the members that its kube-apiserver uses.

Read from what starts them, a static pod manifest or a unit of systemd. Nothing is guessed from an inventory.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os.path
import posixpath
import typing as t

from ... import _static_pod
from ..._errors import MaintenanceError
from . import unit
from .local_member import Access, LocalMember, Settings, from_settings

Exists = t.Callable[[str], bool]


def find(directory: str = _static_pod.MANIFESTS, shown: str = "") -> t.Optional[LocalMember]:
    """The member that runs on this node, None where none does. ``shown``: what `unit.show` read.

    Raise MaintenanceError where one does and cannot be asked.
    """
    pod = _read("etcd", directory)
    if pod:
        return from_manifest(pod, os.path.isfile)
    settings = unit.parse(shown)
    return from_settings(settings, os.path.isfile) if settings else None


def discover(directory: str = _static_pod.MANIFESTS, shown: str = "") -> LocalMember:
    """The member that has to run on this node. Raise MaintenanceError that says what was looked for."""
    local = find(directory, shown)
    if local:
        return local
    raise MaintenanceError(
        f"no etcd member found on this node: there is no {posixpath.join(directory, 'etcd.yaml')} and systemd has no"
        f" {unit.NAME}. Run the task where a member of etcd runs, or say with manifest_dir where its static pod"
        " manifests are"
    )


def from_manifest(pod: _static_pod.StaticPod, exists: Exists) -> LocalMember:
    return from_settings(Settings(pod.path, pod.flags, pod.image), exists)


def of_apiserver(directory: str = _static_pod.MANIFESTS) -> list[Access]:
    """The members that this node's kube-apiserver uses, none where the node has no kube-apiserver."""
    pod = _read("kube-apiserver", directory)
    if not pod:
        return []
    files = [pod.flags.get(f"etcd-{name}", "") for name in ("cafile", "certfile", "keyfile")]
    return [Access(url, *files) for url in pod.flags.get("etcd-servers", "").split(",") if url]


def _read(component: str, directory: str) -> t.Optional[_static_pod.StaticPod]:
    try:
        return _static_pod.read(component, directory)
    except (OSError, UnicodeDecodeError) as error:
        path = posixpath.join(directory, f"{component}.yaml")
        raise MaintenanceError(f"{path}: cannot be read: {error}. Run the task as root (become: true)") from error
