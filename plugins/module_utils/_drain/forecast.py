# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drain would do to each pod of the nodes that it empties at once, and why it must not begin.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from . import budgets, filters, pods, way
from .budgets import Verdict
from .duration import Prediction
from .filters import Decision
from .pods import Pod
from .way import Way, Ways


@dataclasses.dataclass(frozen=True)
class Forecast:
    """``refusals``: rule -> pods and the detail of each. Where there is one, nothing may be changed."""

    decisions: tuple[Decision, ...]
    verdicts: tuple[Verdict, ...]
    budgets_of: t.Mapping[str, tuple[str, ...]]
    refusals: t.Mapping[str, t.Sequence[tuple[Pod, str]]]
    prediction: Prediction = Prediction(0, "")
    ways: t.Mapping[str, Way] = dataclasses.field(default_factory=dict)

    def with_action(self, action: str) -> list[Decision]:
        return [decision for decision in self.decisions if decision.action == action]

    def going(self) -> list[Decision]:
        return [decision for action in filters.GOING for decision in self.with_action(action)]

    def not_empty(self) -> list[str]:
        """Nodes that keep pods which a drain would have sent away, as sentences."""
        left: dict[str, list[str]] = collections.defaultdict(list)
        for decision in self.with_action(filters.KEEP):
            if decision.reason == filters.SKIPPED:
                left[pods.node_of(decision.pod)].append(pods.full_name(decision.pod))
        return [
            f"node {node} will not be empty, pods that no controller recreates stay there (unmanaged=skip):"
            f" {names(found)}"
            for node, found in left.items()
        ]

    def parts(self, group: t.Callable[[Pod], int]) -> list[Forecast]:
        """Of each group by itself, in order; of one that is everything where nothing goes."""
        going = self.going()
        made = []
        for number in sorted({group(decision.pod) for decision in going}) or [0]:
            decisions = tuple(decision for decision in going if group(decision.pod) == number)
            under = collections.Counter(
                name for decision in decisions for name in self.budgets_of.get(pods.uid(decision.pod), ())
            )
            verdicts = tuple(
                dataclasses.replace(verdict, pods=min(verdict.pods, under[verdict.key]))
                for verdict in self.verdicts
                if under[verdict.key]
            )
            made.append(dataclasses.replace(self, decisions=decisions, verdicts=verdicts))
        return made

    def idle(self, node: str) -> bool:
        """Nothing of the node has to go."""
        return not any(
            decision.action in filters.GOING for decision in self.decisions if pods.node_of(decision.pod) == node
        )

    def kept(self) -> list[dict[str, str]]:
        return [pods.entry(decision.pod, decision.reason) for decision in self.with_action(filters.KEEP)]

    def blocked(self) -> list[dict[str, str]]:
        """What would not go now: pods that forbid the drain, and those whose budget allows nothing."""
        refused = [pods.entry(pod, detail) for found in self.refusals.values() for pod, detail in found]
        shut = {verdict.key: verdict for verdict in self.verdicts if verdict.verdict == budgets.BLOCKED}
        return refused + [
            pods.entry(decision.pod, "; ".join(shut[name].sentence() for name in by))
            for decision in self.with_action(filters.EVICT)
            if (by := [name for name in self.ways[pods.uid(decision.pod)].asks if name in shut])
        ]

    def lost_data(self) -> list[dict[str, str]]:
        evicted = self.with_action(filters.EVICT)
        return [pods.entry(decision.pod, decision.reason) for decision in evicted if decision.findings]

    def refusal(self, node: str) -> str:
        """One sentence for each rule, with some names and the number of the others; empty where nothing is refused."""
        refused = {
            rule: [pods.full_name(pod) for pod, _detail in found if pods.node_of(pod) == node]
            for rule, found in self.refusals.items()
        }
        return "; ".join(f"{rule}: {names(found)}" for rule, found in refused.items() if found)


def forecast(
    found: t.Iterable[Pod],
    look: filters.Look,
    known_budgets: t.Sequence[t.Mapping[str, t.Any]] = (),
    ways: Ways = way.EVICTIONS,
) -> Forecast:
    """``known_budgets`` is empty where evictions are not used: nothing else asks a budget."""
    decisions = tuple(filters.decide(pod, look) for pod in found)
    refusals: dict[str, list[tuple[Pod, str]]] = collections.defaultdict(list)
    covered: dict[str, list[Pod]] = collections.defaultdict(list)
    budgets_of: dict[str, tuple[str, ...]] = {}
    chosen: dict[str, Way] = {}
    for decision in decisions:
        for finding in decision.findings:
            if finding.action == filters.REFUSE:
                refusals[finding.rule].append((decision.pod, finding.detail))
        if decision.action != filters.EVICT:
            continue
        over = budgets.covering(decision.pod, known_budgets)
        chosen[pods.uid(decision.pod)] = way.choose(decision.pod, over, ways, look.now)
        if way.is_never_evicted(decision.pod, over) and not ways.if_all_allow:
            all_of_them = " and ".join(budgets.key(budget) for budget in over)
            rule = (
                f"the API evicts no Pod under several PodDisruptionBudgets, here {all_of_them} (make their selectors"
                " disjoint, delete it with the leave of each with multiple_pdb=delete_if_all_allow, or past them with"
                " disable_eviction=true)"
            )
            refusals[rule].append((decision.pod, f"under {all_of_them}"))
        else:
            budgets_of[pods.uid(decision.pod)] = tuple(budgets.key(budget) for budget in over)
            for budget in over:
                covered[budgets.key(budget)].append(decision.pod)
    verdicts = tuple(
        _judge(budget, covered[budgets.key(budget)], chosen)
        for budget in known_budgets
        if budgets.key(budget) in covered
    )
    for verdict in verdicts:
        if verdict.verdict == budgets.DEADLOCKED:
            refusals[verdict.sentence()] += [
                (pod, f"under budget {verdict.key}")
                for pod in covered[verdict.key]
                if verdict.key in chosen[pods.uid(pod)].asks
            ]
    return Forecast(decisions, verdicts, budgets_of, refusals, ways=chosen)


def _judge(budget: budgets.Object, covered: t.Sequence[Pod], ways: t.Mapping[str, Way]) -> Verdict:
    """Pods that are deleted past it do not need its leave."""
    past = [pod for pod in covered if ways[pods.uid(pod)].as_seen]
    verdict = budgets.judge(budget, covered, spared=past)
    if not past:
        return verdict
    return dataclasses.replace(verdict, reason=f"{verdict.reason}; {len(past)} unready pods are deleted past it")


def names(all_names: t.Sequence[str], shown: int = 3) -> str:
    """Some of them, and the number of the others. The results carry all."""
    text = ", ".join(all_names[:shown])
    more = len(all_names) - shown
    return f"{text} and {more} more" if more > 0 else text
