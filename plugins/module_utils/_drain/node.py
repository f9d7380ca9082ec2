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
from .._wait import WaitTimeout, until
from . import replies
from .clock import Clock
from .ownership import Change, Node
from .paths import NODES

# Seconds for one request that has to succeed, conflicts and a restarting apiserver included.
PERSISTENCE = 30
CONFLICT = 409

T = t.TypeVar("T")


class Missing(MaintenanceError):
    """There is no such node."""


def find(kube: Kube, names: t.Iterable[str], selector: str, absent: dict[str, Missing] | None = None) -> list[Node]:
    """Those of the names, each once, or those that the selector matches.

    ``absent`` takes the names that the cluster does not know; without it the first of them is a failure.
    """
    if selector:
        found: list[Node] = list(kube.list(NODES, {"labelSelector": selector}))
        wanted = f"has labels that match node_selector {selector!r} (kubectl get nodes --show-labels)"
    else:
        found = []
        for name in [_checked(name) for name in dict.fromkeys(names)]:
            try:
                found.append(get(kube, name))
            except Missing as error:
                if absent is None:
                    raise
                absent[name] = error
        wanted = "was named"
    if not found and not absent:
        raise MaintenanceError(f"no node of the cluster at {kube.server} {wanted}")
    return found


def get(kube: Kube, name: str) -> Node:
    try:
        return kube.get(f"{NODES}/{name}")
    except KubeError as error:
        if error.status != 404:
            raise
        raise Missing(
            f"Node {name} not found in the cluster at {kube.server}. Its name there is what `kubectl get nodes` shows"
        ) from error


def change(kube: Kube, clock: Clock, node: Node, decide: t.Callable[[Node], Change]) -> Change:
    """Apply what is decided for ``node``; where it was changed meanwhile, decide anew from what it is now."""
    path = f"{NODES}/{node['metadata']['name']}"
    fresh: Node | None = node
    sent: Change | None = None

    def attempt() -> Change:
        nonlocal fresh, sent
        wanted = decide(fresh or kube.get(path))
        fresh = None
        if wanted.patch is None:
            # Already so: perhaps by a patch of ours whose answer was lost. Or somebody else was faster.
            return sent if sent and sent.state() == wanted.state() else wanted
        sent = wanted
        kube.patch(path, wanted.patch)
        return wanted

    try:
        return persist(clock, attempt, also=CONFLICT)
    except WaitTimeout as error:
        # One of the patches may have done it, and only its answer was lost.
        name = node["metadata"]["name"]
        raise MaintenanceError(f"{error.msg}. Whether node {name} was changed is not known: run it again") from error


def persist(clock: Clock, call: t.Callable[[], T], also: int = 0) -> T:
    """Repeat a request past failures that may pass."""
    failure: KubeError | None = None
    reader = replies.Reader(clock.now)

    def attempt() -> tuple[T] | None:
        nonlocal failure
        try:
            return (call(),)
        except KubeError as error:
            if not reader.passes(error) and error.status != also:
                raise
            failure = error
            return None

    deadline = clock.deadline(PERSISTENCE)
    return until(attempt, deadline, lambda: f"{failure} (tried for {PERSISTENCE} s)", sleep=clock.sleep)[0]


def _checked(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name):
        raise MaintenanceError(f"{name!r} is no name of a node: lower case letters, digits, '-' and '.'")
    return name
