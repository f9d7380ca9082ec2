# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups of pods that leave a node one after the other.

A group whose pods do not leave holds the next one for some time only: an order that nothing can break lets one stuck
pod keep all others on a node that has to be empty.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._errors import MaintenanceError
from . import budgets, late, selectors
from .pacing import Target, by_node
from .pods import Pod


@dataclasses.dataclass(frozen=True)
class Group:
    """``name`` for people. ``hold``: seconds without a move after which the next group begins all the same."""

    name: str
    hold: float = 120
    selector: t.Mapping[str, t.Any] | None = None
    min_priority: int | None = None
    max_priority: int | None = None
    rest: bool = False

    def takes(self, pod: Pod) -> bool:
        if self.selector is not None and not budgets.selects(self.selector, pod["metadata"].get("labels") or {}):
            return False
        priority = int((pod.get("spec") or {}).get("priority") or 0)
        if self.min_priority is not None and priority < self.min_priority:
            return False
        return not (self.rest or (self.max_priority is not None and priority > self.max_priority))


def groups(asked: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[Group, ...]:
    """What the user wrote, judged. Where the rest is not named, it goes first."""
    made = tuple(_group(number, one) for number, one in enumerate(asked, 1))
    rests = sum(group.rest for group in made)
    if rests > 1:
        raise MaintenanceError("order has more than one group with rest=true")
    return made if rests or not made else (Group("the rest", rest=True), *made)


def _group(number: int, asked: t.Mapping[str, t.Any]) -> Group:
    selector, low, high = asked.get("selector"), asked.get("min_priority"), asked.get("max_priority")
    said = [
        selector,
        f"priority from {low}" if low is not None else None,
        f"priority up to {high}" if high is not None else None,
    ]
    rules = ", ".join(filter(None, said))
    if bool(asked.get("rest")) == bool(rules):
        raise MaintenanceError(
            f"group {number} of order wants either rest=true or one or more of selector, min_priority, max_priority"
        )
    if low is not None and high is not None and low > high:
        raise MaintenanceError(f"group {number} of order takes no pod: its min_priority {low} is above {high}")
    return Group(
        name=f"group {number} ({rules or 'the rest'})",
        hold=asked["hold"],
        selector=selectors.parse(selector) if selector else None,
        min_priority=low,
        max_priority=high,
        rest=bool(asked.get("rest")),
    )


def place(pod: Pod, order: t.Sequence[Group]) -> int:
    """The number of the first group that takes it, else that of the rest."""
    rest = next((number for number, group in enumerate(order) if group.rest), 0)
    return next((number for number, group in enumerate(order) if group.takes(pod)), rest)


class Order:
    """Of each node by itself: one that is stuck does not hold the others."""

    def __init__(self, order: t.Sequence[Group], say: t.Callable[[str, str], None]) -> None:
        """``say`` is told of a node what goes on there."""
        self.overrun: list[str] = []
        self._order = order
        self._say = say
        self._open: dict[str, int] = {}
        self._since: dict[str, float] = {}

    def turn(self, targets: t.Sequence[Target], elapsed: float, now: datetime.datetime) -> None:
        """Hold the pods whose group has not begun. ``elapsed``: seconds since the loop began."""
        if len(self._order) < 2:
            return
        for node, mine in by_node(targets).items():
            self._advance(node, mine, elapsed, now)
            current = self._open[node]
            for target in mine:
                late = target.group > current
                target.held = f"its turn had not come, {self._order[current].name} had to leave first" if late else ""

    def _advance(self, node: str, targets: t.Sequence[Target], elapsed: float, now: datetime.datetime) -> None:
        numbers = sorted({target.group for target in targets})
        current = self._open.setdefault(node, numbers[0])
        for following in (number for number in numbers if number > current):
            there = [target for target in targets if target.group == current]
            left = [target for target in there if not target.done]
            if left and not self._is_over(node, current, there, elapsed, now):
                return
            if left:
                group = self._order[current]
                sentence = (
                    f"{group.name} did not move for {group.hold:g} s and {len(left)} of its pods are still there:"
                    f" {self._order[following].name} begins all the same"
                )
                self.overrun.append(f"node {node}: {sentence}")
                self._say(node, sentence)
            else:
                self._say(node, f"{self._order[following].name} begins")
            self._open[node] = current = following
            self._since[node] = elapsed

    def _is_over(
        self, node: str, group: int, targets: t.Sequence[Target], elapsed: float, now: datetime.datetime
    ) -> bool:
        """Whether the group had its time. What is within its grace period is on its way."""
        if any(_on_its_way(target, now) for target in targets):
            self._since[node] = elapsed
        moved = [target.gone_after or target.admitted_after for target in targets]
        return elapsed - max(self._since.get(node, 0.0), *moved) >= self._order[group].hold


def _on_its_way(target: Target, now: datetime.datetime) -> bool:
    return not target.done and float("-inf") < late.seconds(target, now) < 0
