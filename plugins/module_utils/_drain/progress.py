# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells a person who waits what goes on: a line for what changes, and every now and then one with the numbers.

A line has names of objects and numbers in it, and sentences of our own. What the API said in words is left to the
result: a webhook may say anything.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import datetime
import typing as t

from .._tell import Counters, Tell, nobody, some
from . import budgets, filters, pods
from .clock import Clock
from .pacing import Target, by_node

Budgets = t.Mapping[str, budgets.Object]

# How often the state is looked at, in seconds, however often it changes.
LOOK = 1.0
# A budget holds, and a pod is late, when nothing happened for so long.
HELD = 10.0
LATE = 5.0
# Requests for one pod that may fail before that is told.
FAILURES = 3


class Progress:
    """Of one drain, of any number of nodes: those that the targets are on."""

    def __init__(self, tell: Tell = nobody, clock: Clock | None = None) -> None:
        self._tell = tell
        self._clock = clock or Clock()
        self._counters = Counters(tell, self._clock.now)
        self._next_look = 0.0
        self._begun: set[str] = set()
        self._empty: set[str] = set()
        self._answers = True
        self._holds: dict[str, tuple[int, float]] = {}
        self._said_of: dict[str, str] = {}
        self._stuck: set[tuple[str, str]] = set()
        self._next_stuck = 0.0

    def say(self, node: str, what: str) -> None:
        self._tell(f"{node}: {what}")

    def look(self, targets: t.Sequence[Target], known: t.Iterable[budgets.Object], answers: bool = True) -> None:
        """``known``: the budgets as they last were. ``answers``: whether the last look at the nodes succeeded."""
        on = by_node(targets)
        fresh = [node for node in on if node not in self._begun]
        emptied = [
            node for node in on if node not in self._empty and all(one.gone_after is not None for one in on[node])
        ]
        now = self._clock.now()
        if now < self._next_look and not fresh and not emptied and answers == self._answers:
            return
        self._next_look = now + LOOK
        by_key = {budgets.key(budget): budget for budget in known}
        for node in fresh:
            self.say(node, beginning(on[node]))
        self._tell_of_budgets(targets, by_key, now, at_once=bool(fresh))
        self._tell_of_stuck(targets, now)
        if answers != self._answers:
            self._answers = answers
            self._tell("the API answers again" if answers else "the API does not answer as it should; asked again")
        for node in emptied:
            self.say(node, f"empty after {max(one.gone_after or 0.0 for one in on[node]):.1f} s")
        self._begun.update(fresh)
        self._empty.update(emptied)
        left = [node for node in on if node not in self._empty]
        if fresh:
            self._counters.rest()
        else:
            self._counters.show(some([f"{node}: {numbers(on[node], by_key)}" for node in left], "; "))

    def _tell_of_budgets(self, targets: t.Sequence[Target], known: Budgets, now: float, at_once: bool) -> None:
        """At the beginning those that do not let all go, later those that let none go for a while."""
        covered = collections.defaultdict(list)
        done: collections.Counter[str] = collections.Counter()
        for target in targets:
            waits = waits_for(target, known)
            for name in waits:
                covered[name].append(target.pod)
            if not waits and not target.in_flight:
                done.update(target.budgets)
        lines = []
        for name in covered:
            if self._holds.get(name, (-1, 0.0))[0] != done[name]:
                self._holds[name] = (done[name], now)
            verdict = budgets.judge(known[name], covered[name])
            holds = verdict.verdict in (budgets.BLOCKED, budgets.DEADLOCKED)
            told = verdict.verdict != budgets.FREE if at_once else holds and now - self._holds[name][1] >= HELD
            if told and self._said_of.get(name) != verdict.sentence():
                self._said_of[name] = verdict.sentence()
                lines.append(f"{some(sorted({pods.node_of(pod) for pod in covered[name]}))}: {verdict.sentence()}")
        for line in lines[:3]:
            self._tell(line)
        if lines[3:]:
            self._tell(f"{len(lines) - 3} more budgets do not let all their pods go at once")

    def _tell_of_stuck(self, targets: t.Sequence[Target], now: float) -> None:
        """Each pod once for each reason, those with the same reason in one line."""
        if now < self._next_stuck:
            return
        found: dict[tuple[str, str], list[str]] = collections.defaultdict(list)
        for target in targets:
            reason = stuck(target, self._clock.utc())
            if reason and (target.uid, reason) not in self._stuck:
                self._stuck.add((target.uid, reason))
                found[target.node, reason].append(pods.full_name(target.pod))
        for (node, reason), names in found.items():
            self.say(node, f"{some(names)}: {reason}")
        if found:
            self._next_stuck = now + HELD


def waits_for(target: Target, known: Budgets) -> list[str]:
    """The budgets whose leave it needs."""
    over = [name for name in target.budgets if name in known] if target.waiting else []
    return [name for name in over if budgets.needs_leave(target.pod, known[name])]


def beginning(targets: t.Sequence[Target]) -> str:
    leaving = sum(target.admitted for target in targets)
    already = f", {leaving} of them on their way already" if leaving else ""
    return f"{counted(len(targets), 'pod has', 'pods have')} to go{already}"


def numbers(targets: t.Sequence[Target], known: Budgets) -> str:
    """How far it is. Every pod is in exactly one of the numbers."""
    states: collections.Counter[str] = collections.Counter()
    held: collections.Counter[str] = collections.Counter()
    for target in targets:
        waits_under = waits_for(target, known)
        if waits_under:
            held[waits_under[0]] += 1
        else:
            states[_state(target)] += 1
    holds = []
    for name, count in held.most_common():
        status = known[name].get("status") or {}
        healthy, needed = (int(status.get(key, 0)) for key in ("currentHealthy", "desiredHealthy"))
        expected = int(status.get("expectedPods", 0))
        waits = counted(count, "waits", "wait")
        holds.append(f"{waits} for budget {name} ({healthy} of {expected} healthy, {needed} needed)")
    parts = [f"{states['gone']} of {len(targets)} pods gone"]
    if holds:
        parts.append(some(holds))
    parts += [
        f"{states[state]} {state}"
        for state in ("terminating", "refused", "asked for", "whose turn is to come", "to finish by themselves")
        if states[state]
    ]
    return ", ".join(parts)


def _state(target: Target) -> str:
    if target.gone_after is not None:
        return "gone"
    if target.fatal:
        return "refused"
    if target.admitted or pods.terminating(target.pod):
        return "terminating"
    if target.finishes:
        return "to finish by themselves"
    return "whose turn is to come" if target.held else "asked for"


def stuck(target: Target, now: datetime.datetime) -> str:
    """Why the pod does not go, empty where that is not known yet. Without numbers that change with the time."""
    if target.gone_after is not None:
        return ""
    if target.fatal or (target.waiting and target.failures >= FAILURES):
        # What follows the colon are words of the server.
        return target.reason.partition(":")[0]
    when = pods.terminating(target.pod)
    if not when or filters.seconds_past(when, now) < LATE:
        return ""
    finalizers = target.pod["metadata"].get("finalizers")
    if finalizers:
        return f"past the grace period, kept by finalizers: {', '.join(finalizers)}"
    return "past the grace period: a container that does not stop, a volume in use, or a kubelet that is silent"


def counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
