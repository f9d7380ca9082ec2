# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods as the node has them, beside pods as the API knows them.

After a restore the API may not know pods that go on running, with their addresses, volumes and writes. Which pods a
node runs, its processes tell: each is in a cgroup of its pod, whatever the container runtime is.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from .cluster import Object
from .paths import Paths

# .../pod91d0efc1-710d-484e-8f1f-031ac2df2597/..., with systemd's driver ...-pod91d0efc1_710d_....slice/...;
# the kubelet names static pods by a digest of their manifest.
_POD = re.compile(r"[/-]pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?(?:/|$)", re.M)
# What the API calls such a pod is a mirror with a uid of its own, and the digest in an annotation.
_DIGEST = "kubernetes.io/config.hash"


def in_cgroups(text: str) -> set[str]:
    """Uids of pods in a file /proc/PID/cgroup."""
    return {uid.replace("_", "-") for uid in _POD.findall(text)}


def running(paths: Paths) -> dict[str, str]:
    """Uid -> namespace/name of the pods that have processes here; the uid alone where their logs do not tell."""
    found: set[str] = set()
    for file in paths.at("/proc").glob("[0-9]*/cgroup"):
        with contextlib.suppress(OSError):  # it has ended
            found |= in_cgroups(file.read_text())
    names = dict(_named(file.name) for file in paths.at("/var/log/pods").glob("*_*_*"))
    return {uid: names.get(uid, f"uid {uid}") for uid in sorted(found)}


def _named(folder: str) -> tuple[str, str]:
    """``kube-system_coredns-6cf6b4d6cc-x4c5j_8460c2c5-...``"""
    namespace, name, uid = folder.split("_", 2)
    return uid, f"{namespace}/{name}"


def known(pods: t.Iterable[Object]) -> set[str]:
    """Uids under which the API knows them, or the node does."""
    metadata = [pod["metadata"] for pod in pods]
    digests = {(one.get("annotations") or {}).get(_DIGEST, "") for one in metadata}
    return {one["uid"] for one in metadata} | digests


def phantoms(here: t.Mapping[str, str], pods: t.Iterable[Object]) -> list[str]:
    """Pods that run here and that the API does not know."""
    there = known(pods)
    return sorted(name for uid, name in here.items() if uid not in there)
