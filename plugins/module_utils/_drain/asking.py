# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asks for evictions, several at once.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._kube import Kube, KubeError
from . import pods, replies
from .job import Means
from .pacing import Target
from .paths import PODS_OF
from .replies import Reply
from .way import Way

# An idle API server, too, takes up to 0.1 s for an eviction: before it lists the budgets from its cache it asks how new
# that is, ten times a second. So it is the number under way that makes many evictions quick.
THREADS = 32


class Asking:
    """``came`` is called, from a thread of its own, when there is a reply."""

    def __init__(
        self,
        kube: Kube,
        means: Means,
        came: t.Callable[[], None],
        read: t.Callable[[KubeError], Reply] = replies.read,
    ) -> None:
        self._kube = kube
        self._means = means
        self._came = came
        self._read = read
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=THREADS)
        self._flying: dict[concurrent.futures.Future[Reply], Target] = {}

    def ask(self, target: Target) -> None:
        target.in_flight = target.asked = True
        reply = self._pool.submit(self._send, target.pod, target.way)
        self._flying[reply] = target
        reply.add_done_callback(lambda _reply: self._came())

    @property
    def busy(self) -> bool:
        return bool(self._flying)

    def replies(self, patience: float = 0.0) -> list[tuple[Target, Reply]]:
        """Those that came, within so many seconds."""
        concurrent.futures.wait(self._flying, timeout=patience)
        done = [future for future in self._flying if future.done()]
        return [(self._flying.pop(future), future.result()) for future in done]

    def end(self) -> list[tuple[Target, Reply]]:
        """Ask for nothing more, and wait for the replies that are under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for future in [future for future in self._flying if future.cancelled()]:
            target = self._flying.pop(future)
            target.in_flight = target.asked = False
        return self.replies()

    def _send(self, pod: pods.Pod, way: Way) -> Reply:
        """The precondition: not a new pod of the same name, wherever that may run by now."""
        name, namespace = pod["metadata"]["name"], pods.namespace(pod)
        path = f"{PODS_OF.format(namespace)}/{name}"
        options: dict[str, t.Any] = {"preconditions": {"uid": pods.uid(pod)}}
        if way.as_seen and pod["metadata"].get("resourceVersion"):
            # It may have become ready meanwhile.
            options["preconditions"]["resourceVersion"] = pod["metadata"]["resourceVersion"]
        if way.at_once:
            options["gracePeriodSeconds"] = 0
        elif self._means.grace_period is not None:
            options["gracePeriodSeconds"] = self._means.grace_period
        try:
            if way.deletes:
                self._kube.delete(path, {"apiVersion": "v1", "kind": "DeleteOptions", **options})
            else:
                eviction = {
                    "apiVersion": "policy/v1",
                    "kind": "Eviction",
                    "metadata": {"name": name, "namespace": namespace},
                    "deleteOptions": options,
                }
                self._kube.post(f"{path}/eviction", eviction)
        except KubeError as error:
            return self._read(error)
        return Reply(replies.ADMITTED)
