# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds room for pods, with as few requests as it takes: nodes are looked at one by one until everybody has a place.

To read all pods of a large cluster would take the API longer than most drains last. Nothing here is worth a failure:
the drain goes on without it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from ..._kube import Kube, KubeError
from .. import pods
from ..paths import CLAIM, NODES, PODS, VOLUME
from ..pods import Pod
from .room import Room, looks_for_room

Object = dict[str, t.Any]

# Nodes whose pods are read at most.
LOOKS = 200
ALIVE = "status.phase!=Succeeded,status.phase!=Failed"


class Vacancies:
    """``warn`` is told what could not be read. ``emptied``: nodes that nobody moves to."""

    def __init__(self, kube: Kube, emptied: t.Container[str], warn: t.Callable[[str], None]) -> None:
        self._kube = kube
        self._emptied = emptied
        self._warn = warn

    def missing(self, evicted: t.Iterable[Pod]) -> list[tuple[Pod, str]]:
        """Pods that find no room on another node, and why."""
        try:
            seeking = [pod for pod in evicted if looks_for_room(pod)]
            return self._search(seeking) if seeking else []
        except KubeError as error:
            self._warn(f"whether pods find room on other nodes is not known: {error}")
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Objects that no validation has seen. An estimate is no reason to fail.
            self._warn(f"whether pods find room on other nodes is not known: {type(error).__name__}: {error}")
        return []

    def _search(self, seeking: t.Sequence[Pod]) -> list[tuple[Pod, str]]:
        volumes = {pods.uid(pod): self._volumes(pod) for pod in seeking}
        others = [
            _gist(node)
            for page in self._kube.pages(NODES)
            for node in page
            if node["metadata"]["name"] not in self._emptied
        ]
        room = Room(seeking, others, lambda pod: volumes[pods.uid(pod)])
        for _look in range(LOOKS):
            name = room.next()
            if not name:
                break
            # From the server's cache, which has an index by node. Some seconds of age do no harm here.
            query = {"fieldSelector": f"spec.nodeName={name},{ALIVE}", "resourceVersion": "0"}
            room.fill(name, self._kube.list(PODS, query))
        return room.reasons()

    def _volumes(self, pod: Pod) -> dict[str, Object]:
        """Claim -> what its volume asks of a node, where it has one that asks."""
        found = {}
        for claim in pods.claims(pod):
            try:
                volume = self._kube.get(CLAIM.format(pods.namespace(pod), claim))["spec"].get("volumeName")
                affinity = volume and self._kube.get(VOLUME.format(volume))["spec"].get("nodeAffinity")
            except KubeError as error:
                if error.status != 404:
                    self._warn(f"whether volumes are bound to their nodes is not known: {error}")
                continue
            if affinity:
                found[claim] = affinity["required"]
        return found


def _gist(node: Object) -> Object:
    """Without its images and all else that thousands of nodes would fill the memory with."""
    metadata, status = node["metadata"], node.get("status") or {}
    return {
        "metadata": {"name": metadata["name"], "labels": metadata.get("labels")},
        "spec": node.get("spec"),
        "status": {"allocatable": status.get("allocatable"), "conditions": status.get("conditions")},
    }
