# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nodes that are emptied at once: their pods, what is to become of these, and what became of them.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import typing as t

from .._errors import MaintenanceError
from . import budgets, explain, filters, late, node, pods
from .detach import Detach
from .eviction import Eviction
from .forecast import Forecast
from .job import Call
from .node_work import NodeWork
from .order import place
from .ownership import Node
from .pacing import Pace, Target, by_node, spent
from .pods import Pod
from .report import Report
from .survey import Survey


class Batch:
    """``plan`` is made from ``found``, the pods of all these nodes: they share the budgets."""

    plan: Forecast

    def __init__(self, call: Call, survey: Survey, report: Report, works: t.Sequence[NodeWork]) -> None:
        self.works = works
        self.found: list[dict[str, t.Any]] = []
        self._call = call
        self._job = call.job
        self._survey = survey
        self._report = report
        self._names = {work.name for work in works}

    def look(self) -> None:
        self.found = [pod for work in self.works for pod in self._survey.pods_on(work.name)]
        self._plan()

    def look_again(self, anew: bool = False) -> None:
        """For pods that came between the first look and the cordon; ``anew`` at everything."""
        again = [work.name for work in self.works if anew or work.was_schedulable]
        now = node.persist(self._call.clock, lambda: [pod for name in again for pod in self._survey.pods_on(name)])
        if not anew and {pods.uid(pod) for pod in now} <= {pods.uid(pod) for pod in self.found}:
            return
        self.found = [pod for pod in self.found if pods.node_of(pod) not in again] + now
        self._survey.forget()
        node.persist(self._call.clock, self._plan)

    def refusals(self) -> dict[str, str]:
        """Of each node that must not be drained."""
        for work in self.works:
            work.said.failure = self.plan.refusal(work.name)
        return {work.name: work.said.failure for work in self.works if work.said.failure}

    def _plan(self) -> None:
        # By groups, as they leave; within a group as the API has them.
        self.found.sort(key=self._place)
        self.plan = self._survey.forecast(self.found, [work.object for work in self.works])
        self._report.forecast(self._names, self.plan)

    def empty(self) -> list[str]:
        """What failed, a sentence for each node. A node that fails does not hinder the others."""
        going, leaving = self.plan.with_action(filters.EVICT), self.plan.with_action(filters.WAIT)
        targets = [Target(d.pod, self.plan.budgets_of[pods.uid(d.pod)], group=self._place(d.pod)) for d in going]
        targets += [Target(d.pod, group=self._place(d.pod), admitted=True, reason=d.reason) for d in leaving]
        finishing = self.plan.with_action(filters.FINISH)
        targets += [Target(d.pod, group=self._place(d.pod), finishes=True, reason=d.reason) for d in finishing]
        failures = self._evict(targets) if targets else []
        return failures + self._detach() if self._job.means.detach_timeout else failures

    def _evict(self, targets: t.Sequence[Target]) -> list[str]:
        pace = Pace(self._survey.known_budgets, self._call.clock.now(), self._job.means.ways, self._call.clock.utc)
        eviction = Eviction(self._call, self._survey, self.found, targets, pace)
        try:
            eviction.run()
        finally:
            failures = self._became(eviction)
        self._report.came(self._survey.newcomers(eviction.newcomers))
        return failures

    def _detach(self) -> list[str]:
        """Of the nodes that are empty."""
        empty = [work for work in self.works if not work.said.failure]
        if not empty:
            return []
        detach = Detach(self._call, {work.name for work in empty}, self._report.warnings)
        start = self._call.clock.now()
        try:
            detach.run()
        finally:
            self._report.volumes += detach.left
            self._report.durations["detach"] += self._call.clock.now() - start
        for work in empty:
            work.said.durations["detach"] = detach.seconds[work.name]
            work.said.failure = detach.failures.get(work.name, "")
        return list(detach.failures.values())

    def _place(self, pod: Pod) -> int:
        return place(pod, self._job.means.order)

    def _became(self, eviction: Eviction) -> list[str]:
        for name, seconds in spent(eviction.targets, eviction.seconds).items():
            self._report.durations[name] += seconds
        self._report.warnings += eviction.order.overrun
        keeps = self._what_remains(eviction)
        failures = []
        asked = by_node(eviction.targets)
        for work in (work for work in self.works if work.name in asked):
            mine = asked[work.name]
            work.said.durations.update(spent(mine, eviction.seconds))
            by_force = [pods.full_name(target.pod) for target in mine if target.way.at_once]
            if by_force:
                silent = explain.silent_since(self._as_it_is(work.name))
                self._report.warnings.append(late.forced(work.name, ", ".join(by_force), silent))
            self._report.emptied(work.said, mine, self._job.means.verb)
            if not all(target.done for target in mine):
                work.said.failure = self._failure(eviction, mine, keeps)
                failures.append(work.said.failure)
        return failures

    def _what_remains(self, eviction: Eviction) -> dict[str, str]:
        """UID of each pod that is left -> what keeps it."""
        covered: dict[str, list[Pod]] = collections.defaultdict(list)
        for target in eviction.remaining:
            for name in target.budgets:
                covered[name].append(target.pod)
        known = {budgets.key(budget): budget for budget in eviction.pace.known()}
        judged = [budgets.judge(known[name], covered[name]) for name in covered if name in known]
        verdicts = {verdict.key: verdict for verdict in self._survey.with_causes(judged, known.values())}
        nodes = {name: self._as_it_is(name) for name in {target.node for target in eviction.remaining}}
        now = self._call.clock.utc()
        keeps = [
            (target.pod, explain.what_keeps(target, verdicts, nodes[target.node], now)) for target in eviction.remaining
        ]
        self._report.remained(self._names, keeps, verdicts.values())
        return {pods.uid(pod): reason for pod, reason in keeps}

    def _as_it_is(self, name: str) -> Node:
        """For the explanation only, which is no reason to lose the failure itself."""
        try:
            return node.get(self._call.kube, name)
        except MaintenanceError:
            return {}

    def _failure(self, eviction: Eviction, asked: t.Sequence[Target], keeps: t.Mapping[str, str]) -> str:
        """Of one node."""
        left = [target for target in asked if not target.done]
        reasons: dict[str, list[str]] = collections.defaultdict(list)
        for target in left:
            reasons[keeps[target.uid]].append(pods.full_name(target.pod))
        when = ""
        if not all(target.hopeless for target in left):
            when = f" within {self._job.means.timeout:g} s" if eviction.timed_out else ""
        elif any(target.stuck for target in left):
            when = f", what is left of it is stuck (stuck_after={self._job.means.stuck_after:g})"
        last = f" (the last look at the node failed: {eviction.trouble})" if eviction.trouble else ""
        why = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
        return (
            f"node {asked[0].node} is not drained{when}: {len(left)} of {len(asked)} pods are still there{last}: {why}."
        )

    def not_begun(self) -> None:
        """The call ended before the turn of these nodes."""
        reason = "the turn of its node had not come when the drain of another failed"
        self._report.remaining += [pods.entry(decision.pod, reason) for decision in self.plan.going()]
        for work in self.works:
            if not self.plan.idle(work.name) and not work.said.failure:
                work.said.failure = f"node {work.name} is not drained: its turn had not come"
