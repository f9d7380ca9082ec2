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

from . import budgets, filters, late, ownership, pods
from .budgets import Verdict
from .duration import Prediction
from .forecast import Forecast, names
from .ownership import Change, Node
from .pacing import Target
from .pods import Pod

Entries = list[dict[str, str]]
SPANS = ("cordon", "evict", "wait", "detach")


def _spans() -> dict[str, float]:
    return dict.fromkeys(SPANS, 0.0)


@dataclasses.dataclass
class NodeReport:
    """What became of one node. ``failure``: what failed there, empty where nothing did."""

    name: str
    sentences: list[str] = dataclasses.field(default_factory=list)
    failure: str = ""
    cordoned_by_us: bool = False
    unschedulable_before: bool = False
    before: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    after: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    durations: dict[str, float] = dataclasses.field(default_factory=_spans)

    def as_dict(self) -> dict[str, t.Any]:
        found = dataclasses.asdict(self)
        found["result"] = " ".join(found.pop("sentences"))
        found["durations"] = _rounded({**self.durations, "total": sum(self.durations.values())})
        return found


@dataclasses.dataclass
class Report:
    """Pods are named with their node; ``budgets`` and ``durations`` are of all nodes together."""

    nodes: list[NodeReport] = dataclasses.field(default_factory=list)
    changed: bool = False
    actions: list[str] = dataclasses.field(default_factory=list)
    evicted: Entries = dataclasses.field(default_factory=list)
    kept: Entries = dataclasses.field(default_factory=list)
    blocked: Entries = dataclasses.field(default_factory=list)
    remaining: Entries = dataclasses.field(default_factory=list)
    lost_data: Entries = dataclasses.field(default_factory=list)
    no_room: Entries = dataclasses.field(default_factory=list)
    newcomers: Entries = dataclasses.field(default_factory=list)
    volumes: Entries = dataclasses.field(default_factory=list)
    prediction: Prediction = Prediction(None, "")
    verdicts: dict[str, Verdict] = dataclasses.field(default_factory=dict)
    durations: dict[str, float] = dataclasses.field(default_factory=_spans)
    total: float = 0.0
    # For the user's eyes, not among the results.
    warnings: list[str] = dataclasses.field(default_factory=list)
    outlook: list[str] = dataclasses.field(default_factory=list)

    def as_dict(self) -> dict[str, t.Any]:
        nodes = [node.as_dict() for node in self.nodes]
        listed = ("evicted", "kept", "blocked", "remaining", "lost_data", "no_room", "newcomers", "volumes")
        cordon = sum(node.durations["cordon"] for node in self.nodes)
        return {
            "changed": self.changed,
            "result": " ".join([node["result"] for node in nodes] + self.outlook),
            "actions": self.actions,
            **{name: getattr(self, name) for name in listed},
            "budgets": [verdict.as_dict() for verdict in self.verdicts.values()],
            "predicted_seconds": self.prediction.seconds,
            **_true_of_all(self.nodes),
            "durations": _rounded({**self.durations, "cordon": cordon, "total": self.total}),
            "nodes": nodes,
        }

    def begin(self, name: str, node: Node) -> NodeReport:
        state = ownership.state(ownership.is_unschedulable(node), ownership.work_of(node))
        self.nodes.append(NodeReport(name, before=state, after=state))
        return self.nodes[-1]

    def absent(self, name: str, failure: str) -> None:
        """The cluster does not know the node."""
        nothing = ownership.state(False, None)
        self.nodes.append(NodeReport(name, failure=failure, before=nothing, after=nothing))

    def settled(self, node: NodeReport, change: Change, check_mode: bool) -> None:
        """The node was cordoned or given back, or would be."""
        foretold = check_mode and change.patch and "already" not in change.result
        # The sentence itself is the one of kubernetes.core, which playbooks look for, also in check mode.
        node.sentences.append(f"Would be: {change.result}" if foretold else change.result)
        if change.patch:
            self.changed = True
            self.actions.append(change.action)
            node.after = change.state()
        if change.mine and change.work:
            node.unschedulable_before = change.work.unschedulable_before
        node.cordoned_by_us = change.mine and change.unschedulable and not node.unschedulable_before

    def forecast(self, nodes: t.Container[str], plan: Forecast) -> None:
        """It replaces what was foretold of these nodes before."""
        for told, fresh in (
            (self.kept, plan.kept()),
            (self.blocked, plan.blocked()),
            (self.lost_data, plan.lost_data()),
        ):
            told[:] = [entry for entry in told if entry["node"] not in nodes] + fresh
        for verdict in plan.verdicts:
            # Of several turns, the one that is the hardest for the budget.
            known = self.verdicts.get(verdict.key, verdict)
            self.verdicts[verdict.key] = max(known, verdict, key=Verdict.severity)

    def foretold(self, plans: t.Sequence[Forecast], verb: str) -> None:
        """Check mode ends here."""
        for plan in plans:
            verdicts = {verdict.key: verdict for verdict in plan.verdicts}
            for decision in plan.with_action(filters.EVICT):
                uid = pods.uid(decision.pod)
                over = [verdicts[name] for name in plan.budgets_of.get(uid, ()) if name in verdicts]
                said = "".join(f", budget {verdict.key} is {verdict.verdict}" for verdict in over)
                self.evicted.append(pods.entry(decision.pod, f"would be {plan.ways[uid].past}{said}"))
                self.actions.append(f"{plan.ways[uid].verb} {pods.full_name(decision.pod)}")
                self.changed = True
            self.evicted += [pods.entry(wait.pod, wait.reason) for wait in plan.with_action(filters.WAIT)]
            self.evicted += [pods.entry(wait.pod, wait.reason) for wait in plan.with_action(filters.FINISH)]
        going = collections.Counter(
            pods.node_of(decision.pod) for plan in plans for decision in plan.with_action(filters.EVICT)
        )
        for node in self.nodes:
            stay = _count(self.kept, node)
            node.sentences.append(f"{going[node.name]} Pod(s) would be {past(verb)}, {stay} would stay.")
        self.outlook = [f"{v.sentence()}." for v in self.verdicts.values() if v.verdict != budgets.FREE]
        self.outlook += filter(None, [self.lack_of_room("would be"), self.prediction.sentence])

    def lack_of_room(self, are: str) -> str:
        """One sentence for each reason, as pods of a kind share it."""
        found: dict[str, list[str]] = collections.defaultdict(list)
        for pod in self.no_room:
            found[pod["reason"]].append(f"{pod['namespace']}/{pod['name']}")
        return " ".join(
            f"{len(all_names)} Pod(s) {are} Pending for lack of room elsewhere, {names(all_names)}: {reason}."
            for reason, all_names in found.items()
        )

    def emptied(self, node: NodeReport, targets: t.Sequence[Target], verb: str) -> None:
        """What became of the pods that had to go from the node."""
        for target in targets:
            if target.asked and (target.admitted or target.gone_after is not None):
                self.changed = True
                self.actions.append(f"{target.way.verb} {pods.full_name(target.pod)}")
            if target.gone_after is not None:
                how = target.way.past if target.asked else target.reason or "left before it was asked to"
                if target.finished:
                    how = "finished by itself"
                self.evicted.append(pods.entry(target.pod, f"{how}, gone after {target.gone_after:.1f} s"))
        left = [target for target in targets if target.left]
        if left:
            self.kept += [pods.entry(target.pod, target.left) for target in left]
            self.warnings.append(late.advice(node.name, names([pods.full_name(target.pod) for target in left])))
        gone, stay = _count(self.evicted, node), _count(self.kept, node)
        node.sentences.append(f"{gone} Pod(s) {past(verb)} from node, {stay} stay.")

    def remained(
        self, nodes: t.Container[str], keeps: t.Sequence[tuple[Pod, str]], verdicts: t.Iterable[Verdict]
    ) -> None:
        """Pods that had to go from these nodes and did not, each with what keeps it."""
        self.remaining += [pods.entry(pod, reason) for pod, reason in keeps]
        still = [pods.entry(pod, "") for pod, _reason in keeps if not pods.terminating(pod)]
        self.lost_data = [entry for entry in self.lost_data if {**entry, "reason": ""} not in still]
        # What was foretold of these nodes is over.
        self.blocked = [entry for entry in self.blocked if entry["node"] not in nodes]
        self.blocked += [pods.entry(pod, reason) for pod, reason in keeps if not pods.terminating(pod)]
        self.verdicts.update({verdict.key: verdict for verdict in verdicts})

    def came(self, found: t.Sequence[Pod]) -> None:
        self.newcomers += [pods.entry(pod, "came after the drain began") for pod in found]
        by_node = collections.defaultdict(list)
        for pod in found:
            by_node[pods.node_of(pod)].append(pods.full_name(pod))
        for node, came in by_node.items():
            self.warnings.append(
                f"pods came to node {node} after the drain began, they tolerate a cordoned node or were on their way:"
                f" {names(came)}"
            )


def past(verb: str) -> str:
    return verb.rstrip("e") + "ed"


def _true_of_all(nodes: t.Sequence[NodeReport]) -> dict[str, t.Any]:
    """What is said of one node is said of several only where it is so of all of them."""
    return {
        "cordoned_by_us": bool(nodes) and all(node.cordoned_by_us for node in nodes),
        "unschedulable_before": bool(nodes) and all(node.unschedulable_before for node in nodes),
        "before": _common([node.before for node in nodes]),
        "after": _common([node.after for node in nodes]),
    }


def _common(states: t.Sequence[dict[str, t.Any]]) -> dict[str, t.Any]:
    if not states:
        return {}
    same = all(state["work"] == states[0]["work"] for state in states)
    work = states[0]["work"] if same else None
    return {"unschedulable": all(state["unschedulable"] for state in states), "work": work}


def _count(entries: Entries, node: NodeReport) -> int:
    return sum(entry["node"] == node.name for entry in entries)


def _rounded(seconds: t.Mapping[str, float]) -> dict[str, float]:
    return {name: round(spent, 2) for name, spent in seconds.items()}
