# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods a node runs, as its processes tell: each is in a cgroup of its pod, whatever the container runtime is.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import pathlib
import re

# .../pod91d0efc1-710d-484e-8f1f-031ac2df2597/..., with systemd's driver ...-pod91d0efc1_710d_....slice/...;
# the kubelet names static pods by a digest of their manifest.
_POD = re.compile(r"[/-]pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})(?:\.slice)?(?:/|$)", re.M)


def in_cgroups(text: str) -> set[str]:
    """Uids of pods in a file /proc/PID/cgroup."""
    return {uid.replace("_", "-") for uid in _POD.findall(text)}


def running(root: str = "/") -> dict[str, str]:
    """Uid -> namespace/name of the pods that have processes here; the uid alone where their logs do not tell.

    A pod whose container crashes again and again is among them: its sandbox is a process, too.
    """
    found: set[str] = set()
    for file in pathlib.Path(root, "proc").glob("[0-9]*/cgroup"):
        with contextlib.suppress(OSError):  # it has ended
            found |= in_cgroups(file.read_text())
    names = dict(_named(file.name) for file in pathlib.Path(root, "var/log/pods").glob("*_*_*"))
    return {uid: names.get(uid, f"uid {uid}") for uid in sorted(found)}


def static(component: str, root: str = "/") -> list[str]:
    """namespace/name of the static pods of a component of the control plane that run here."""
    name = f"kube-system/{component}-"
    return sorted(pod for uid, pod in running(root).items() if "-" not in uid and pod.startswith(name))


def _named(folder: str) -> tuple[str, str]:
    """``kube-system_coredns-6cf6b4d6cc-x4c5j_8460c2c5-...``"""
    namespace, name, uid = folder.split("_", 2)
    return uid, f"{namespace}/{name}"
