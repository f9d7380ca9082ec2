# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which kubeadm command a control plane needs next, from what is there.

kubeadm-config is written last, by a command of its own: it says the target only when this control plane has proven
itself and all that kubeadm writes before (kubelet-config, bootstrap RBAC, and the addons of a single control plane) is
there. A run that was killed on the way is found unfinished by that alone.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import enum
import typing as t

from . import plan, versions
from .cluster import APISERVER, CONTROL_PLANE, ETCD, KUBE_PROXY, Cluster
from .plan import Wanted
from .versions import Version


class Command(enum.Enum):
    APPLY = "upgrade apply"
    NODE = "upgrade node"
    UPLOAD = "upgrade apply phase upload-config kubeadm"
    ADDONS = "upgrade apply phase addon"


Manifests = t.Mapping[str, str]


def behind(manifests: Manifests, target: Version, want: Wanted) -> list[str]:
    """Components whose manifest on this node is not the target's yet."""
    late = [name for name in CONTROL_PLANE if name in manifests and versions.tag(manifests[name]) != target.tag]
    if ETCD in manifests and plan.behind(versions.tag(manifests[ETCD]), want.etcd):
        late.insert(0, ETCD)
    return late


def next_command(
    cluster: Cluster, manifests: Manifests, target: Version, want: Wanted, applied: bool, interrupted: bool
) -> t.Optional[Command]:
    """None when there is nothing left for kubeadm to do.

    ``applied``: kubeadm upgrade apply ended well and only kubeadm-config is missing.
    ``interrupted``: a control plane phase did not end here, whatever the manifests say.
    """
    configured = cluster.config is not None and cluster.config.version == target
    if not configured and applied and not behind(manifests, target, want):
        return Command.UPLOAD
    if not configured:
        return Command.APPLY
    if interrupted or behind(manifests, target, want):
        return Command.NODE
    return Command.ADDONS if late_addons(cluster, target, want) else None


def late_addons(cluster: Cluster, target: Version, want: Wanted) -> list[str]:
    """Addons that kubeadm would roll out now: it waits until all kube-apiservers are at one version."""
    if any(pod.version != target for pod in cluster.component(APISERVER)):
        return []
    return [step.component for step in plan.objects(cluster, target, want) if step.component in ("coredns", KUBE_PROXY)]


def removed_addons(cluster: Cluster) -> list[str]:
    """Addons that somebody took out without telling kubeadm-config: kubeadm would install them again."""
    config = cluster.config
    removed = []
    if config and not config.dns_disabled and not cluster.coredns:
        removed.append("addon/coredns")
    if config and not config.proxy_disabled and cluster.kube_proxy is None:
        removed.append(f"addon/{KUBE_PROXY}")
    return removed


def argv(command: Command, cluster: Cluster, target: Version, want: Wanted, ignore: t.Sequence[str]) -> tuple[str, ...]:
    if command is Command.UPLOAD:
        return ("kubeadm", *command.value.split(), target.tag)
    if command is Command.ADDONS:
        late = late_addons(cluster, target, want)
        return ("kubeadm", *command.value.split(), late[0] if len(late) == 1 else "all", target.tag)
    # Kubelets get their configuration together with their package, when all apiservers are new.
    skipped = ["kubelet-config", *removed_addons(cluster)]
    words = ["kubeadm", *command.value.split()]
    if command is Command.APPLY:
        words += [target.tag, "--yes"]
        skipped.insert(1, "upload-config/kubeadm")
    words.append(f"--skip-phases={','.join(skipped)}")
    if ignore:
        words.append(f"--ignore-preflight-errors={','.join(ignore)}")
    return tuple(words)
