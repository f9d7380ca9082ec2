# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The procedure: a node taken into work, emptied, and given back.

Everything that could forbid it is found out before the first change.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .._errors import MaintenanceError
from .._kube import Kube
from .._tell import Tell, nobody
from . import budgets, explain, filters, ownership, pods
from .clock import Clock
from .eviction import Abandoned, Eviction
from .forecast import Forecast
from .job import Job
from .news import Silence
from .node import NodeObject
from .ownership import Change, Node
from .pacing import Pace, Target
from .pods import Pod
from .progress import Progress
from .report import Report
from .survey import Survey


class Procedure:
    def __init__(
        self,
        kube: Kube,
        job: Job,
        clock: Clock | None = None,
        abandoned: t.Callable[[], bool] = lambda: False,
        news: Silence | None = None,
        tell: Tell = nobody,
    ) -> None:
        self.report = Report()
        self._kube = kube
        self._job = job
        self._clock = clock or Clock()
        self._abandoned = abandoned
        self._news = news or Silence()
        self._progress = Progress(tell, self._clock)
        self._node = NodeObject(kube, job.node, self._clock)
        self._survey = Survey(kube, job, self._clock, self.report.warnings)
        self._begun = False

    def run(self, state: str) -> dict[str, t.Any]:
        """``cordon``, ``drain`` or ``uncordon``. A failure carries the report as its data."""
        start = self._clock.now()
        steps = {"cordon": self._cordon, "drain": self._drain, "uncordon": self._uncordon}
        try:
            steps[state]()
        except MaintenanceError as error:
            # What nobody waits for any more is left as it is, for the run that goes on with it.
            note = "" if isinstance(error, Abandoned) else self._after_failure()
            self.report.durations["total"] = self._clock.now() - start
            raise MaintenanceError(error.msg + note, **{**error.data, **self.report.as_dict()}) from error
        self.report.durations["total"] = self._clock.now() - start
        return self.report.as_dict()

    def _cordon(self) -> None:
        self._change(self._read(), self._claim)

    def _uncordon(self) -> None:
        change = self._change(self._read(), self._release)
        if change.hint:
            self.report.warnings.append(change.hint)

    def _drain(self) -> None:
        node = self._read()
        change = self._claim(node)
        found: t.Sequence[Pod] = self._survey.list_pods()
        plan = self._forecast(found, node)
        if plan.refusals:
            raise MaintenanceError(f"node {self._job.node} is not drained, nothing was changed: {plan.refusal()}")
        if change.only_run and plan.idle:
            # A drained node has no work left that a new run could take over.
            change = dataclasses.replace(change, patch=None)
        if self._job.check_mode:
            self.report.settled(change, self._job.check_mode)
            self.report.foretold(plan, self._verb)
            return
        if change.patch:
            self._change(node, self._claim)
        else:
            self.report.settled(change, self._job.check_mode)
        self._begun = True
        if not ownership.is_unschedulable(node):
            found, plan = self._look_again(node, found, plan)
        self._empty(found, plan)

    def _look_again(self, node: Node, before: t.Sequence[Pod], plan: Forecast) -> tuple[t.Sequence[Pod], Forecast]:
        """Pods may have come between the forecast and the cordon. They, too, can forbid the drain."""
        found = self._node.persist(self._survey.list_pods)
        if {pods.uid(pod) for pod in found} <= {pods.uid(pod) for pod in before}:
            return before, plan
        plan = self._node.persist(lambda: self._forecast(found, node))
        if plan.refusals:
            self._begun = False
            self._give_back()
            raise MaintenanceError(
                f"node {self._job.node} is not drained and was given back at once, because of pods that came"
                f" just before the cordon: {plan.refusal()}"
            )
        return found, plan

    def _empty(self, found: t.Sequence[Pod], plan: Forecast) -> None:
        going = [Target(d.pod, plan.budget_of.get(pods.uid(d.pod), "")) for d in plan.with_action(filters.EVICT)]
        leaving = [Target(d.pod, admitted=True, reason=d.reason) for d in plan.with_action(filters.WAIT)]
        if not going and not leaving:
            return
        self._survey.follow_pods(self._news)
        eviction = Eviction(
            self._kube,
            self._survey.list_pods,
            found,
            going + leaving,
            Pace(self._survey.budgets, self._clock.now()),
            self._job.means,
            self._clock,
            self._abandoned,
            self._news,
            self._progress,
        )
        try:
            eviction.run()
        finally:
            self.report.emptied(eviction.targets, self._verb)
            self.report.durations.update(evict=eviction.evict_seconds, wait=eviction.wait_seconds)
            reasons = self._what_remains(eviction)
        self.report.came(self._survey.newcomers(eviction.newcomers), self._job.node)
        if eviction.remaining:
            fatal = all(target.fatal for target in eviction.remaining)
            when = "" if fatal else f" within {self._job.means.timeout:g} s"
            trouble = f" (the last look at the node failed: {eviction.trouble})" if eviction.trouble else ""
            raise MaintenanceError(
                f"node {self._job.node} is not drained{when}: {len(eviction.remaining)} of {len(eviction.targets)} pods"
                f" are still there{trouble}: {'; '.join(f'{names}: {reason}' for reason, names in reasons.items())}."
            )

    def _what_remains(self, eviction: Eviction) -> dict[str, str]:
        """Reason -> names of the pods that it keeps."""
        covered: dict[str, list[Pod]] = collections.defaultdict(list)
        for target in eviction.remaining:
            covered[target.budget].append(target.pod)
        known = {budgets.key(budget): budget for budget in eviction.pace.known()}
        judged = [budgets.judge(known[name], covered[name]) for name in covered if name in known]
        verdicts = {verdict.key: verdict for verdict in self._survey.with_causes(judged, known.values())}
        node = self._node_as_it_is() if covered else {}
        now = self._clock.utc()
        keeps = [(target.pod, explain.what_keeps(target, verdicts, node, now)) for target in eviction.remaining]
        self.report.remained(keeps, list(verdicts.values()))
        reasons: dict[str, list[str]] = collections.defaultdict(list)
        for pod, reason in keeps:
            reasons[reason].append(pods.full_name(pod))
        return {reason: ", ".join(names) for reason, names in reasons.items()}

    def _node_as_it_is(self) -> Node:
        """For the explanation only, which is no reason to lose the failure itself."""
        try:
            return self._node.get()
        except MaintenanceError:
            return {}

    def _after_failure(self) -> str:
        """What becomes of the node, as a sentence to add."""
        if not self._begun:
            return ""
        name, owner = self._job.node, self._job.me.owner
        if not self._job.restore_on_failure:
            return f" Node {name} stays cordoned, in work of {owner}: run it again to go on, or uncordon it."
        try:
            self._give_back()
        except MaintenanceError as error:
            return f" Giving node {name} back (on_failure=restore) failed, too: {error.msg}"
        return f" Node {name} was given back (on_failure=restore)."

    def _give_back(self) -> None:
        owner = self._job.me.owner
        self._change(self._node.persist(self._node.get), lambda node: ownership.release(node, owner, force=False))

    # What the steps share

    @property
    def _verb(self) -> str:
        return "delete" if self._job.means.disable_eviction else "evict"

    def _read(self) -> Node:
        node = self._node.get()
        state = ownership.state(ownership.is_unschedulable(node), ownership.work_of(node))
        self.report.before = self.report.after = state
        return node

    def _claim(self, node: Node) -> Change:
        return ownership.claim(node, self._job.me)

    def _release(self, node: Node) -> Change:
        return ownership.release(node, self._job.me.owner, self._job.force_uncordon, self._job.keep_work)

    def _change(self, node: Node, decide: t.Callable[[Node], Change]) -> Change:
        start = self._clock.now()
        change = decide(node) if self._job.check_mode else self._node.change(node, decide)
        self.report.durations["cordon"] += self._clock.now() - start
        self.report.settled(change, self._job.check_mode)
        done = change.action.partition(" ")[0]
        if not self._job.check_mode and done in ("cordon", "uncordon"):
            self._progress.say(self._job.node, f"{done}ed")
        return change

    def _forecast(self, found: t.Sequence[Pod], node: Node) -> Forecast:
        plan = self._survey.forecast(found, node)
        self.report.forecast(plan)
        return plan
