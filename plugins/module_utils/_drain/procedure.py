# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The procedure: nodes taken into work, emptied, and given back.

Everything that could forbid it is found out of all nodes before the first change of any.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import MaintenanceError, as_failure
from .._kube import Kube
from .._tell import Tell, nobody
from . import limit, node, ownership
from .batch import Batch
from .clock import Clock
from .duration import one_after_the_other
from .job import Abandoned, Call, Job
from .news import Silence
from .node_work import NodeWork
from .progress import Progress
from .report import Report
from .survey import Survey


class Procedure:
    """``news`` makes what tells of changes, for one loop."""

    def __init__(
        self,
        kube: Kube,
        job: Job,
        clock: Clock | None = None,
        abandoned: t.Callable[[], bool] = lambda: False,
        news: t.Callable[[], Silence] = Silence,
        tell: Tell = nobody,
    ) -> None:
        self.report = Report()
        self._clock = clock or Clock()
        me, warning = ownership.storable(job.me)
        self.report.warnings += filter(None, [warning])
        self._job = job = dataclasses.replace(job, me=me)
        self._call = Call(kube, job, self._clock, Progress(tell, self._clock), abandoned, news)
        self._survey = Survey(self._call, self.report.warnings)
        self._works: list[NodeWork] = []
        self._absent: dict[str, node.Missing] = {}

    def run(self, state: str) -> dict[str, t.Any]:
        """``cordon``, ``drain`` or ``uncordon``. A failure carries the report as its data."""
        start = self._clock.now()
        steps = {"cordon": self._cordon, "drain": self._drain, "uncordon": self._uncordon}
        try:
            absent = self._absent if state == "uncordon" else None
            found = node.find(self._call.kube, self._job.nodes, self._job.node_selector, absent)
            self._works = [NodeWork(self._call, one, self.report) for one in found]
            steps[state]()
        except Exception as error:
            failure = as_failure(error)
            # What nobody waits for any more is left as it is, for the run that goes on with it.
            note = "" if isinstance(error, Abandoned) else self._after_failure()
            self.report.total = self._clock.now() - start
            raise MaintenanceError(failure.msg + note, **{**failure.data, **self.report.as_dict()}) from error
        self.report.total = self._clock.now() - start
        return self.report.as_dict()

    def _cordon(self) -> None:
        self._claim()
        for work in self._works:
            work.take()

    def _uncordon(self) -> None:
        """What can be given back is, whatever becomes of the others."""
        failures = [error.msg for error in self._absent.values()]
        for name, error in self._absent.items():
            self.report.absent(name, error.msg)
        for work in self._works:
            try:
                self.report.warnings += filter(None, [work.release()])
            except MaintenanceError as error:
                failures.append(error.msg)
        if failures:
            raise MaintenanceError(". ".join(failures))

    def _drain(self) -> None:
        self._claim()
        size = self._job.parallel or len(self._works)
        turns = [self._works[first : first + size] for first in range(0, len(self._works), size)]
        batches = [Batch(self._call, self._survey, self.report, works) for works in turns]
        for batch in batches:
            batch.look()
        plans = [batch.plan for batch in batches]
        self.report.prediction = one_after_the_other([plan.prediction for plan in plans])
        self.report.no_room = self._survey.without_room(plans, {work.name for work in self._works})
        refused = _refusals(batches)
        if refused:
            raise MaintenanceError(f"{self._all} not drained, nothing was changed: {self._reasons(refused)}")
        for batch in batches:
            for work in batch.works:
                work.take(idle=batch.plan.idle(work.name))
        self.report.warnings += [sentence for plan in plans for sentence in plan.not_empty()]
        if self._job.check_mode:
            self.report.foretold(plans, self._job.means.verb)
            return
        self.report.warnings += filter(None, [self.report.lack_of_room("are")])
        self._look_again(batches)
        self._empty(batches)

    def _look_again(self, batches: t.Sequence[Batch]) -> None:
        """Pods that came just before the cordon, too, can forbid the drain."""
        for batch in batches:
            batch.look_again()
        refused = _refusals(batches)
        if refused:
            fresh = [work for work in self._works if not work.was_ours]
            hints = {work: work.give_back() for work in fresh}
            back = [work for work in fresh if not hints[work]]
            which = "" if back == self._works else f"{_nodes(back)} "
            verb = "was" if len(back) == 1 else "were"
            given_back = f" and {which}{verb} given back at once" if back else ""
            raise MaintenanceError(
                f"{self._all} not drained{given_back}, because of pods that came just before the cordon:"
                f" {self._reasons(refused)}.{_not_given_back(hints.values())}"
            )

    def _empty(self, batches: t.Sequence[Batch]) -> None:
        waiting = list(batches)
        try:
            while waiting:
                batch = waiting[0]
                if batch is not batches[0]:
                    # Meanwhile others were emptied, and nothing of what was found then has to be so now.
                    batch.look_again(anew=True)
                    refused = _refusals([batch])
                    if refused:
                        raise MaintenanceError(f"{self._all} not drained: {self._reasons(refused)}.")
                failures = waiting.pop(0).empty()
                if failures:
                    raise MaintenanceError(" ".join(failures))
        finally:
            for batch in waiting:
                batch.not_begun()

    def _claim(self) -> None:
        """Somebody else's work on one node forbids it all, and so do too many nodes that are out of work."""
        failures = []
        for work in self._works:
            try:
                work.claim()
            except MaintenanceError as error:
                work.said.failure = error.msg
                failures.append(error.msg)
        if failures:
            raise MaintenanceError(". ".join(failures))
        mine = {work.name for work in self._works}
        limit.guard(self._call.kube, self._job.max_cordoned, mine)

    def _after_failure(self) -> str:
        """What becomes of the nodes, as a sentence to add."""
        taken = [work for work in self._works if work.taken]
        if not taken or self._job.check_mode:
            return ""
        names = _nodes(taken).capitalize()
        several = len(taken) > 1
        if not self._job.restore_on_failure:
            return (
                f" {names} {'stay' if several else 'stays'} cordoned, in work of {self._job.me.owner}: run it again to"
                f" go on, or uncordon {'them' if several else 'it'}."
            )
        failures = []
        hints = {}
        for work in taken:
            try:
                hints[work] = work.give_back()
            except Exception as error:  # noqa: BLE001 (no reason to keep the others)
                told = as_failure(error).msg
                failures.append(f" Giving node {work.name} back (on_failure=restore) failed, too: {told}")
        given_back = [work for work, hint in hints.items() if not hint]
        if given_back:
            verb = "were" if len(given_back) > 1 else "was"
            failures.insert(0, f" {_nodes(given_back).capitalize()} {verb} given back (on_failure=restore).")
        return "".join(failures) + _not_given_back(hints.values())

    @property
    def _all(self) -> str:
        return f"{_nodes(self._works)} {'is' if len(self._works) == 1 else 'are'}"

    def _reasons(self, refusals: t.Mapping[str, str]) -> str:
        if len(self._works) == 1:
            return "".join(refusals.values())
        return "; ".join(f"node {name}: {why}" for name, why in refusals.items())


def _nodes(works: t.Sequence[NodeWork]) -> str:
    return f"{'node' if len(works) == 1 else 'nodes'} {', '.join(work.name for work in works)}"


def _not_given_back(hints: t.Iterable[str]) -> str:
    """Somebody else was faster."""
    return "".join(f" Not given back: {hint}." for hint in hints if hint)


def _refusals(batches: t.Iterable[Batch]) -> dict[str, str]:
    return {name: why for batch in batches for name, why in batch.refusals().items()}
