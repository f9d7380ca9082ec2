# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Node object: read, and changed with persistence but never against somebody else.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import MaintenanceError
from .._kube import Kube, KubeError
from .._wait import until
from . import replies
from .clock import Clock
from .ownership import Change, Node

# Seconds for one request that has to succeed, conflicts and a restarting apiserver included.
PERSISTENCE = 30
CONFLICT = 409

T = t.TypeVar("T")


class NodeObject:
    def __init__(self, kube: Kube, name: str, clock: Clock) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name):
            raise MaintenanceError(f"{name!r} is no name of a node: lower case letters, digits, '-' and '.'")
        self.name = name
        self._kube = kube
        self._path = f"/api/v1/nodes/{name}"
        self._clock = clock

    def get(self) -> Node:
        try:
            return self._kube.get(self._path)
        except KubeError as error:
            if error.status != 404:
                raise
            raise MaintenanceError(
                f"Node {self.name} not found in the cluster at {self._kube.server}."
                " Its name there is what `kubectl get nodes` shows"
            ) from error

    def change(self, node: Node, decide: t.Callable[[Node], Change]) -> Change:
        """Apply what is decided for ``node``; where it was changed meanwhile, decide anew from what it is now."""
        fresh: Node | None = node
        sent: Change | None = None

        def attempt() -> Change:
            nonlocal fresh, sent
            change = decide(fresh or self._kube.get(self._path))
            fresh = None
            if change.patch is None:
                # Already so: perhaps by a patch of ours whose answer was lost.
                return sent or change
            sent = change
            self._kube.patch(self._path, change.patch)
            return change

        return self.persist(attempt, also=CONFLICT)

    def persist(self, call: t.Callable[[], T], also: int = 0) -> T:
        """Repeat a request past failures that may pass."""
        failure: KubeError | None = None

        def attempt() -> tuple[T] | None:
            nonlocal failure
            try:
                return (call(),)
            except KubeError as error:
                if error.status not in replies.TRANSIENT and error.status != also:
                    raise
                failure = error
                return None

        deadline = self._clock.deadline(PERSISTENCE)
        return until(attempt, deadline, lambda: f"{failure} (tried for {PERSISTENCE} s)", sleep=self._clock.sleep)[0]
