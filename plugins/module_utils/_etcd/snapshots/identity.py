# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which cluster a snapshot is of.

A restore gives a cluster of etcd a new id, while its Kubernetes is the same as before. So what was taken before it is
as much the cluster's own. Only who wants what has happened since, as an upgrade that goes on, goes by etcd's id.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..database import contents
from ..database.layout import KUBE_SYSTEM
from ..member.gateway import Gateway, GatewayError


@dataclasses.dataclass(frozen=True)
class Identity:
    """``kube_system_uid`` is empty where namespaces are encrypted, and of an etcd without Kubernetes."""

    cluster_id: str
    kube_system_uid: str = ""


def of(sidecar: t.Mapping[str, t.Any]) -> Identity:
    return Identity(*(str(sidecar.get(name) or "") for name in ("cluster_id", "kube_system_uid")))


def of_member(gateway: Gateway) -> Identity:
    """Of the cluster that a member is in. Raise GatewayError where it does not answer."""
    cluster_id = gateway.status().cluster_id
    try:
        return Identity(cluster_id, contents.uid_of(gateway.value(KUBE_SYSTEM, serializable=True)))
    except GatewayError:  # a learner does not read
        return Identity(cluster_id)


def same(one: Identity, other: Identity) -> bool:
    """By the UID where both have one, else by etcd's id."""
    if one.kube_system_uid and other.kube_system_uid:
        return one.kube_system_uid == other.kube_system_uid
    return one.cluster_id == other.cluster_id != ""
