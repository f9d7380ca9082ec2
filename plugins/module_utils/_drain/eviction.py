# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop that empties a node: ask for evictions, look at the node, until every pod that has to go is gone by its UID.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from .._errors import MaintenanceError
from .._kube import Kube, KubeError
from .._wait import WaitTimeout, until
from . import pods, replies
from .clock import Clock
from .job import Means
from .news import Event, Silence
from .pacing import Pace, Target
from .progress import Progress
from .replies import Reply
from .survey import PODS

THREADS = 16
TICK = 0.5
# A node is looked at every so often of the time that passed since something changed: quick drains end quickly, and
# long waits cost few requests. Where the API tells of changes, a look only finds what it forgot to tell.
SHARE = 0.05
SHARE_WITH_NEWS = 2.0

BUDGETS = "/apis/policy/v1/namespaces/{namespace}/poddisruptionbudgets"


class Abandoned(MaintenanceError):
    """The one who asked for the drain is gone."""


class Eviction:
    """``found`` and ``targets`` are what the forecast was made from; ``list_pods`` reads the same list again.

    ``news`` are told to follow the pods by whoever made that list, the budgets are followed from here.
    """

    def __init__(
        self,
        kube: Kube,
        list_pods: t.Callable[[], list[dict[str, t.Any]]],
        found: t.Sequence[pods.Pod],
        targets: t.Sequence[Target],
        pace: Pace,
        means: Means,
        clock: Clock,
        abandoned: t.Callable[[], bool],
        news: Silence,
        progress: Progress | None = None,
    ) -> None:
        self.targets = targets
        self.newcomers: list[pods.Pod] = []
        self.pace = pace
        self.trouble = ""
        self.evict_seconds = 0.0
        self.wait_seconds = 0.0
        self._kube = kube
        self._list_pods = list_pods
        self._known = {pods.uid(pod) for pod in found}
        self._means = means
        self._clock = clock
        self._abandoned = abandoned
        self._news = news
        self._progress = progress or Progress()
        self._unseen = False
        self._flying: dict[concurrent.futures.Future[Reply], Target] = {}
        self._last_change = self._start = clock.now()
        self._next_look = self._start + TICK

    @property
    def remaining(self) -> list[Target]:
        return [target for target in self.targets if target.gone_after is None]

    def run(self) -> None:
        """Return when nothing more can be done: see ``remaining``. Raise where the API or the user is lost."""
        for namespace in self._waited_for():
            self._news.follow(BUDGETS.format(namespace=namespace))
        self._tell()
        pool = concurrent.futures.ThreadPoolExecutor(max_workers=THREADS)
        try:
            until(
                lambda: self._tick(pool),
                self._clock.deadline(self._means.timeout),
                lambda: "the drain ran out of time",
                interval=TICK,
                sleep=lambda seconds: self._news.wait(seconds, self._clock.sleep),
            )
        except WaitTimeout:
            pass
        finally:
            self._news.close()
            pool.shutdown(wait=True, cancel_futures=True)
            self._collect()
        if self.remaining or self._unseen:
            self._look()
        self._tell()
        self.wait_seconds = self._clock.now() - self._start - self.evict_seconds

    def _tick(self, pool: concurrent.futures.Executor) -> bool | None:
        if self._abandoned():
            gone = len(self.targets) - len(self.remaining)
            raise Abandoned(
                f"stopped, because the process that asked for the drain is gone: {gone} of {len(self.targets)} pods"
                " had left the node. Run it again to go on"
            )
        self._hear(self._news.take())
        if self._clock.now() >= max(self._next_look, self._quiet_until()):
            self._look()
        self._tell()
        if all(target.fatal for target in self.remaining):
            return True
        for target in self.pace.turn(self.targets, self._clock.now()):
            target.in_flight = target.asked = True
            reply = pool.submit(self._ask, target.pod)
            self._flying[reply] = target
            reply.add_done_callback(lambda _reply: self._news.wake())
        concurrent.futures.wait(self._flying, timeout=self._news.patience)
        self._collect()
        return None

    def _ask(self, pod: pods.Pod) -> Reply:
        """In a thread of its own. The precondition: not a new pod of the same name, wherever that may run by now."""
        name, namespace = pod["metadata"]["name"], pods.namespace(pod)
        path = f"/api/v1/namespaces/{namespace}/pods/{name}"
        options: dict[str, t.Any] = {"preconditions": {"uid": pods.uid(pod)}}
        if self._means.grace_period is not None:
            options["gracePeriodSeconds"] = self._means.grace_period
        try:
            if self._means.disable_eviction:
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
            return replies.read(error)
        return Reply(replies.ADMITTED)

    def _collect(self) -> None:
        for future in [future for future in self._flying if future.done()]:
            target = self._flying.pop(future)
            if future.cancelled():
                target.in_flight = target.asked = False
                continue
            reply = future.result()
            self.pace.answered(target, reply, self._clock.now())
            if reply.meaning == replies.ADMITTED:
                self._changed()
                self.evict_seconds = self._last_change - self._start
            if reply.meaning == replies.STOP:
                raise MaintenanceError(reply.reason)

    def _hear(self, events: t.Sequence[Event]) -> None:
        """Of pods that change or are gone, and of budgets."""
        going = {target.uid: target for target in self.remaining} if events else {}
        for kind, told in events:
            if told.get("kind") == "PodDisruptionBudget":
                if kind == "DELETED":
                    self.pace.forget(told)
                else:
                    self.pace.learn([told], self._clock.now())
                continue
            target = going.get(pods.uid(told))
            if target is None:
                continue
            if kind == "DELETED":
                del going[target.uid]
                self._unseen = True
                self._gone(target)
            else:
                target.pod = told

    def _quiet_until(self) -> float:
        """Who is told of changes looks only when there have been none for a while."""
        return self._last_change + TICK if self._news.hears(PODS) else 0.0

    def _gone(self, target: Target) -> None:
        target.gone_after = self._clock.now() - self._start
        self._changed()

    def _look(self) -> None:
        self._unseen = False
        try:
            found = {pods.uid(pod): pod for pod in self._list_pods()}
            self._refresh_budgets()
        except KubeError as error:
            reply = replies.read(error)
            if reply.meaning in (replies.STOP, replies.FATAL):
                raise
            self.trouble = error.msg
            self._next_look = self._clock.now() + (reply.retry_after or TICK)
            return
        self.trouble = ""
        for target in self.remaining:
            now = found.get(target.uid)
            if now is None:
                self._gone(target)
                continue
            target.pod = now
            if target.admitted and not pods.terminating(now):
                # Somebody said yes and did not do it (a webhook, an apiserver that was lost): ask again.
                self.pace.answered(target, Reply(replies.LATER, "accepted, but not deleted"), self._clock.now())
                target.admitted = False
        self.newcomers = [pod for uid, pod in found.items() if uid not in self._known]
        quiet = self._clock.now() - self._last_change
        share = SHARE_WITH_NEWS if self._news.hears(PODS) else SHARE
        self._next_look = self._clock.now() + max(TICK, min(self._means.slowest_look, quiet * share))

    def _refresh_budgets(self) -> None:
        for namespace in self._waited_for():
            path = BUDGETS.format(namespace=namespace)
            if not self._news.hears(path):
                self.pace.learn(self._kube.list(path), self._clock.now())

    def _waited_for(self) -> list[str]:
        """Namespaces of budgets that pods still need."""
        needed = {pods.namespace(target.pod) for target in self.remaining if target.budget and not target.admitted}
        return sorted(needed)

    def _tell(self) -> None:
        self._progress.look(self.targets, self.pace.known(), answers=not self.trouble)

    def _changed(self) -> None:
        self._last_change = self._clock.now()
