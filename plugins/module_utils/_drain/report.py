# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a call did, or would do: filled in as it goes, so that a failure returns the same keys as a success.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from . import budgets, filters, pods
from .budgets import Verdict
from .forecast import Forecast, names
from .ownership import Change
from .pacing import Target
from .pods import Pod

Entries = list[dict[str, str]]


def _durations() -> dict[str, float]:
    return {"cordon": 0.0, "evict": 0.0, "wait": 0.0, "total": 0.0}


@dataclasses.dataclass
class Report:
    changed: bool = False
    sentences: list[str] = dataclasses.field(default_factory=list)
    actions: list[str] = dataclasses.field(default_factory=list)
    evicted: Entries = dataclasses.field(default_factory=list)
    kept: Entries = dataclasses.field(default_factory=list)
    blocked: Entries = dataclasses.field(default_factory=list)
    remaining: Entries = dataclasses.field(default_factory=list)
    lost_data: Entries = dataclasses.field(default_factory=list)
    no_room: Entries = dataclasses.field(default_factory=list)
    newcomers: Entries = dataclasses.field(default_factory=list)
    budgets: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    predicted_seconds: int | None = None
    cordoned_by_us: bool = False
    unschedulable_before: bool = False
    durations: dict[str, float] = dataclasses.field(default_factory=_durations)
    before: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    after: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    # For the user's eyes, not among the results.
    warnings: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        found = dataclasses.asdict(self)
        del found["warnings"]
        found["result"] = " ".join(found.pop("sentences"))
        found["durations"] = {name: round(seconds, 2) for name, seconds in self.durations.items()}
        return found

    def settled(self, change: Change, check_mode: bool) -> None:
        """The node was cordoned or given back, or would be."""
        foretold = check_mode and change.patch and "already" not in change.result
        # The sentence itself is the one of kubernetes.core, which playbooks look for, also in check mode.
        self.sentences.append(f"Would be: {change.result}" if foretold else change.result)
        if change.patch:
            self.changed = True
            self.actions.append(change.action)
            self.after = change.state()
        if change.mine and change.work:
            self.unschedulable_before = change.work.unschedulable_before
        self.cordoned_by_us = change.mine and change.unschedulable and not self.unschedulable_before

    def forecast(self, plan: Forecast) -> None:
        self.kept = plan.kept()
        self.blocked = plan.blocked()
        self.lost_data = plan.lost_data()
        self.no_room = plan.no_room()
        self.predicted_seconds = plan.prediction.seconds
        self.budgets = [verdict.as_dict() for verdict in plan.verdicts]

    def foretold(self, plan: Forecast, verb: str) -> None:
        """Check mode ends here."""
        going = plan.with_action(filters.EVICT)
        verdicts = {verdict.key: verdict for verdict in plan.verdicts}
        for decision in going:
            verdict = verdicts.get(plan.budget_of.get(pods.uid(decision.pod), ""))
            budget = f", budget {verdict.key} is {verdict.verdict}" if verdict else ""
            self.evicted.append(pods.entry(decision.pod, f"would be {past(verb)}{budget}"))
            self.actions.append(f"{verb} {pods.full_name(decision.pod)}")
        self.evicted += [pods.entry(wait.pod, wait.reason) for wait in plan.with_action(filters.WAIT)]
        self.changed = self.changed or bool(going)
        self.sentences.append(f"{len(going)} Pod(s) would be {past(verb)}, {len(self.kept)} would stay.")
        self.sentences += [f"{v.sentence()}." for v in plan.verdicts if v.verdict != budgets.FREE]
        self.sentences += filter(None, [self._no_room("would be"), plan.prediction.sentence])

    def emptied(self, targets: t.Sequence[Target], verb: str) -> None:
        """What became of the pods that had to go."""
        for target in targets:
            if target.asked and (target.admitted or target.gone_after is not None):
                self.changed = True
                self.actions.append(f"{verb} {pods.full_name(target.pod)}")
            if target.gone_after is not None:
                how = past(verb) if target.asked else target.reason
                self.evicted.append(pods.entry(target.pod, f"{how}, gone after {target.gone_after:.1f} s"))
        self.sentences.append(f"{len(self.evicted)} Pod(s) {past(verb)} from node, {len(self.kept)} stay.")
        if self.no_room:
            self.warnings.append(self._no_room("are"))

    def remained(self, keeps: t.Sequence[tuple[Pod, str]], verdicts: t.Sequence[Verdict]) -> None:
        """Pods that had to go and did not, each with what keeps it."""
        self.remaining = [pods.entry(pod, reason) for pod, reason in keeps]
        self.blocked = [pods.entry(pod, reason) for pod, reason in keeps if not pods.terminating(pod)]
        if keeps:
            self.budgets = [verdict.as_dict() for verdict in verdicts]

    def _no_room(self, are: str) -> str:
        """One sentence for each reason, as pods of a kind share it."""
        found: dict[str, list[str]] = collections.defaultdict(list)
        for pod in self.no_room:
            found[pod["reason"]].append(f"{pod['namespace']}/{pod['name']}")
        return " ".join(
            f"{len(all_names)} Pod(s) {are} Pending for lack of room elsewhere, {names(all_names)}: {reason}."
            for reason, all_names in found.items()
        )

    def came(self, found: t.Sequence[Pod], node: str) -> None:
        self.newcomers = [pods.entry(pod, "came after the drain began") for pod in found]
        if found:
            self.warnings.append(
                f"pods came to node {node} after the drain began, they tolerate a cordoned node or were on their way:"
                f" {names([pods.full_name(pod) for pod in found])}"
            )


def past(verb: str) -> str:
    return verb.rstrip("e") + "ed"
