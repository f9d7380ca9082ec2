# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose turn it is to be evicted.

A budget is asked for as much as it says it allows: what is refused costs a request and tells nothing new, and several
requests at once to one budget only get into each other's way on the server.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import typing as t

from . import budgets, pods, replies, way
from .pods import Pod
from .replies import Reply
from .way import Way, Ways

# Back-off of what failed, in seconds, and the pause before a budget is tried against its own word.
FIRST_BACK_OFF = 0.5
LAST_BACK_OFF = 10.0
FIRST_PROBE = 5.0
LAST_PROBE = 60.0


Utc = t.Callable[[], datetime.datetime]


def _utc() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


@dataclasses.dataclass
class Target:
    """A pod on its way out. ``held``: why its turn has not come. ``left``: why nobody waits for it any more.
    ``finishes``: it is never asked to go, its end is waited for.
    ``way``: how it was asked to go, or is about to be.

    ``..._after``: seconds since the loop began; other times are those of the drain's clock.
    """

    pod: Pod
    budgets: tuple[str, ...] = ()
    way: Way = Way()
    group: int = 0
    held: str = ""
    asked: bool = False
    admitted: bool = False
    in_flight: bool = False
    fatal: bool = False
    stuck: bool = False
    left: str = ""
    finishes: bool = False
    admitted_after: float = 0.0
    gone_after: float | None = None
    not_before: float = 0.0
    failures: int = 0
    reason: str = ""

    @property
    def uid(self) -> str:
        return pods.uid(self.pod)

    @property
    def node(self) -> str:
        return pods.node_of(self.pod)

    @property
    def done(self) -> bool:
        return self.gone_after is not None or bool(self.left)

    @property
    def finished(self) -> bool:
        return self.finishes and pods.finished(self.pod)

    @property
    def hopeless(self) -> bool:
        """No use to wait for it."""
        return self.fatal or (self.stuck and not self.in_flight)

    @property
    def waiting(self) -> bool:
        return not (self.finishes or self.held or self.admitted or self.in_flight or self.fatal or self.done)


def spent(targets: t.Sequence[Target], seconds: float) -> dict[str, float]:
    """Until the last eviction was accepted, and from then until the pods were gone, or until nobody waited any more."""
    evict = max((target.admitted_after for target in targets), default=0.0)
    gone = [target.gone_after for target in targets]
    end = max((after for after in gone if after is not None), default=0.0) if None not in gone else seconds
    return {"evict": evict, "wait": max(0.0, end - evict)}


def by_node(targets: t.Iterable[Target]) -> dict[str, list[Target]]:
    found: dict[str, list[Target]] = collections.defaultdict(list)
    for target in targets:
        found[target.node].append(target)
    return found


class Pace:
    """Decides who is next, from what the budgets last said and from what came back."""

    def __init__(
        self, known: t.Iterable[t.Mapping[str, t.Any]], now: float, ways: Ways = way.EVICTIONS, utc: Utc = _utc
    ) -> None:
        self._ways = ways
        self._utc = utc
        self._budgets = {budgets.key(budget): budget for budget in known}
        # Evictions that the last known state of a budget does not count yet.
        self._spent: collections.Counter[str] = collections.Counter()
        # When the pods of a namespace were counted.
        self._counted: dict[str, float] = {}
        self._pause: dict[str, float] = collections.defaultdict(lambda: FIRST_PROBE)
        self._probe_at: dict[str, float] = collections.defaultdict(lambda: now + FIRST_PROBE)

    def learn(self, known: t.Iterable[t.Mapping[str, t.Any]], now: float) -> None:
        """``known``: budgets as they are; what is no newer than what was learned before is passed over."""
        for budget in known:
            name = budgets.key(budget)
            if name in self._budgets and not _is_newer(budget, self._budgets[name]):
                continue
            self._budgets[name] = budget
            self._spent[name] = 0
            # Somebody keeps it up to date, so there is no reason to doubt its word.
            self._pause[name] = FIRST_PROBE
            self._probe_at[name] = now + FIRST_PROBE

    def forget(self, budget: t.Mapping[str, t.Any]) -> None:
        """It was deleted, and holds nobody any more."""
        self._budgets.pop(budgets.key(budget), None)

    def known(self) -> list[t.Mapping[str, t.Any]]:
        return list(self._budgets.values())

    def to_count(self, targets: t.Iterable[Target], now: float) -> set[str]:
        """Namespaces whose pods have to be counted before each turn, because what their budgets say may be old."""
        waiting = (target for target in targets if target.waiting and now >= target.not_before)
        return {pods.namespace(target.pod) for target in waiting if self._has_to_be_counted(target)}

    def count(self, namespace: str, found: t.Sequence[Pod], now: float) -> None:
        for name, budget in self._budgets.items():
            if budget["metadata"]["namespace"] == namespace:
                self._budgets[name] = budgets.counted(budget, found)
                self._spent[name] = 0
        self._counted[namespace] = now

    def _has_to_be_counted(self, target: Target) -> bool:
        return self._ways.if_all_allow and way.is_never_evicted(target.pod, self._over(target))

    def _over(self, target: Target) -> list[t.Mapping[str, t.Any]]:
        return [self._budgets[name] for name in target.budgets if name in self._budgets]

    def turn(self, targets: t.Sequence[Target], now: float) -> list[Target]:
        flying = collections.Counter(name for target in targets if target.in_flight for name in target.budgets)
        room = {
            name: budgets.allowed(budget) - flying[name] - self._spent[name] for name, budget in self._budgets.items()
        }
        chosen = []
        utc = self._utc()
        for target in targets:
            if not target.waiting or now < target.not_before:
                continue
            target.way = way.choose(target.pod, self._over(target), self._ways, utc)
            if self._has_to_be_counted(target) and self._counted.get(pods.namespace(target.pod)) != now:
                continue
            asks = target.way.asks
            if all(room[name] > 0 for name in asks):
                for name in asks:
                    room[name] -= 1
                chosen.append(target)
            elif not target.way.deletes and not any(flying[name] or now < self._probe_at[name] for name in asks):
                # The word of a budget can be old, or its controller down: one pod is tried all the same.
                for name in asks:
                    self._probe_at[name] = now + self._pause[name]
                    self._pause[name] = min(LAST_PROBE, 2 * self._pause[name])
                chosen.append(target)
        return chosen

    def answered(self, target: Target, reply: Reply, now: float) -> None:
        target.in_flight = False
        target.reason = reply.reason
        if reply.meaning == replies.ADMITTED:
            for name in target.way.asks:
                self._spent[name] += 1
            target.admitted = True
            target.failures = 0
        elif reply.meaning == replies.FATAL:
            target.fatal = True
        else:
            pause = min(LAST_BACK_OFF, FIRST_BACK_OFF * 2**target.failures)
            if reply.meaning != replies.BUDGET or not any(name in self._budgets for name in target.budgets):
                target.failures += 1
            target.not_before = now + (reply.retry_after or pause)


def _is_newer(budget: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any]) -> bool:
    """A list and the news about the same budget overtake each other."""
    versions = [str(one["metadata"].get("resourceVersion", "")) for one in (budget, known)]
    if all(version.isdigit() for version in versions):
        return int(versions[0]) > int(versions[1])
    return budget != known
