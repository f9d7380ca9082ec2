# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loop that empties nodes: ask for evictions, look at the nodes, until every pod that has to go is gone by its UID.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import MaintenanceError
from .._kube import KubeError
from .._wait import WaitTimeout, until
from . import late, pods, replies, way
from .asking import Asking
from .job import Abandoned, Call
from .looks import TICK, Looks
from .news import Event
from .order import Order
from .pacing import Pace, Target
from .paths import BUDGETS_OF, PODS_OF
from .replies import Reply
from .survey import Survey

# Seconds at most in which the first evictions have the machines to themselves, before their news are heard.
BURST = 2.0


class Eviction:
    """``found`` and ``targets`` are what the forecast was made from, of any number of nodes, ``survey`` looks again.

    All targets share one ``pace``: pods of two nodes under one budget take turns.
    """

    def __init__(
        self, call: Call, survey: Survey, found: t.Sequence[pods.Pod], targets: t.Sequence[Target], pace: Pace
    ) -> None:
        self.targets = targets
        self.pace = pace
        self.trouble = ""
        self.timed_out = False
        self.seconds = 0.0
        self._kube = call.kube
        self._means = call.job.means
        self._clock = call.clock
        self._abandoned = call.abandoned
        self._progress = call.progress
        self.order = Order(self._means.order, self._progress.say)
        self._survey = survey
        self._news = call.news()
        self._reader = replies.Reader(self._clock.now)
        self._asking = Asking(self._kube, self._means, self._news.wake, self._reader.read)
        self._known = {pods.uid(pod) for pod in found}
        self._newcomers: dict[str, list[pods.Pod]] = {}
        # Nodes whose pods are gone by what was heard, and which nobody has looked at since.
        self._unseen: set[str] = set()
        self._follows = False
        self._start = self._clock.now()
        self._looks = Looks(self._clock, self._means.slowest_look)

    @property
    def remaining(self) -> list[Target]:
        return [target for target in self.targets if not target.done]

    @property
    def newcomers(self) -> list[pods.Pod]:
        return [pod for found in self._newcomers.values() for pod in found]

    def run(self) -> None:
        """Return when nothing more can be done: see ``remaining``. Raise where the API or the user is lost."""
        self._tell()
        try:
            until(
                self._tick,
                self._clock.deadline(self._means.timeout),
                lambda: "the drain ran out of time",
                interval=TICK,
                sleep=lambda seconds: self._news.wait(seconds, self._clock.sleep),
            )
        except WaitTimeout:
            self.timed_out = True
        finally:
            self._news.close()
            self._read(self._asking.end())
            self.seconds = self._elapsed()
        if self.remaining or self._unseen:
            self._look()
        self._tell()
        self.seconds = self._elapsed()

    def _tick(self) -> bool | None:
        if self._abandoned():
            gone = len(self.targets) - len(self.remaining)
            raise Abandoned(
                f"stopped, because the process that asked for the drain is gone: {gone} of {len(self.targets)} pods"
                f" had left {_named(self.targets)}. Run it again to go on"
            )
        self._hear(self._news.take())
        if self._looks.due(when_quiet=self._hears_pods() or not self._follows):
            self._look()
        self.order.turn(self.targets, self._elapsed(), self._clock.utc())
        self._tell()
        for target in late.to_force(self.remaining) if self._means.force_delete_stuck else ():
            target.way = way.FORCED
            self._asking.ask(target)
        if all(target.hopeless for target in self.remaining):
            return True
        now = self._clock.now()
        self._count(now)
        for target in self.pace.turn(self.targets, now):
            self._asking.ask(target)
        self._read(self._asking.replies(self._news.patience))
        if not self._follows and not (self._asking.busy and self._elapsed() < BURST):
            self._follow()
        return None

    def _count(self, now: float) -> None:
        """What is not counted has no turn."""
        for namespace in self.pace.to_count(self.targets, now):
            try:
                self.pace.count(namespace, self._kube.list(PODS_OF.format(namespace), {}), now)
            except KubeError as error:
                reply = self._reader.read(error)
                if reply.meaning in (replies.STOP, replies.FATAL):
                    raise
                self.trouble = error.msg

    def _follow(self) -> None:
        self._follows = True
        for node in self._open_nodes():
            self._survey.follow_pods(self._news, node)
        for namespace in self._waited_for():
            self._news.follow(BUDGETS_OF.format(namespace))
        # Until there are news, none are missed.
        self._looks.defer()

    def _read(self, came: t.Iterable[tuple[Target, Reply]]) -> None:
        stop = ""
        for target, reply in came:
            self.pace.answered(target, reply, self._clock.now())
            if reply.meaning == replies.ADMITTED:
                target.admitted_after = self._elapsed()
                self._looks.change()
            if reply.meaning == replies.STOP:
                stop = reply.reason
        if stop:
            raise MaintenanceError(stop)

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
            if kind == "DELETED" and self._survey.by_labels:
                # Or it only has other labels now, which a look finds out.
                self._looks.hurry()
            elif kind == "DELETED":
                del going[target.uid]
                self._unseen.add(target.node)
                self._gone(target)
            else:
                target.pod = told
                if target.finished:
                    self._gone(target)

    def _gone(self, target: Target) -> None:
        target.gone_after = self._elapsed()
        self._looks.change()

    def _look(self) -> None:
        nodes = self._open_nodes() | self._unseen
        try:
            listed = {node: self._survey.pods_on(node) for node in sorted(nodes)}
            found = {pods.uid(pod): pod for there in listed.values() for pod in there}
            if self._survey.by_labels:
                for node in {target.node for target in self.remaining if target.uid not in found}:
                    found.update({pods.uid(pod): pod for pod in self._survey.all_on(node)})
            self._refresh_budgets()
            late_on = late.nodes(self.remaining, self._clock.utc()) if self._means.leave_unreachable else ()
            silent = self._survey.silent(late_on)
        except KubeError as error:
            reply = self._reader.read(error)
            if reply.meaning in (replies.STOP, replies.FATAL):
                raise
            self.trouble = error.msg
            self._looks.failed(reply.retry_after)
            return
        self.trouble = ""
        self._unseen.clear()
        for target in self.remaining:
            now = found.get(target.uid)
            if now is None:
                self._gone(target)
                continue
            target.pod = now
            if target.finished:
                self._gone(target)
            if target.admitted and not pods.terminating(now):
                # Somebody said yes and did not do it (a webhook, an apiserver that was lost): ask again.
                self.pace.answered(target, Reply(replies.LATER, "accepted, but not deleted"), self._clock.now())
                target.admitted = False
        late.judge(self.remaining, silent, self._means.stuck_after, self._clock.utc())
        for node, there in listed.items():
            self._newcomers[node] = [pod for pod in there if pods.uid(pod) not in self._known]
        self._looks.done(with_news=self._hears_pods())

    def _refresh_budgets(self) -> None:
        for namespace in self._waited_for():
            path = BUDGETS_OF.format(namespace)
            if not self._news.hears(path):
                self.pace.learn(self._kube.list(path), self._clock.now())

    def _open_nodes(self) -> set[str]:
        return {target.node for target in self.remaining}

    def _hears_pods(self) -> bool:
        return all(self._survey.hears_pods(self._news, node) for node in self._open_nodes())

    def _waited_for(self) -> list[str]:
        """Namespaces of budgets that pods still need."""
        needed = {pods.namespace(target.pod) for target in self.remaining if target.budgets and not target.admitted}
        return sorted(needed)

    def _elapsed(self) -> float:
        return self._clock.now() - self._start

    def _tell(self) -> None:
        self._progress.look(self.targets, self.pace.known(), answers=not self.trouble)


def _named(targets: t.Sequence[Target]) -> str:
    nodes = sorted({target.node for target in targets})
    return f"{'node' if len(nodes) == 1 else 'nodes'} {', '.join(nodes)}"
