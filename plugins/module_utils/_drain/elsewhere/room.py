# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether pods that leave a node find room on another.

They are placed one after the other, those with the fewest possible nodes first and then the largest, so that no room is
promised twice. It is an estimate: the scheduler may place them otherwise, or make room by sending others away.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .. import pods
from ..pods import Pod
from . import placement, requests
from .placement import Object
from .requests import Amounts, Ports

# What keeps a pod from a node: said of one node, and of several.
STATES = {placement.CORDONED["key"]: "is|are cordoned", placement.NOT_READY["key"]: "is|are not Ready"}
LABELS = "does|do not match its node selector or affinity"
COMPANY = "runs|run a pod that must not share a node with it"
PORT = "has|have its host port in use"
CROWDED = "runs as many pods as it may|run as many pods as they may"
SCARCE = "has|have too little "


def looks_for_room(pod: Pod) -> bool:
    """Whether something makes it anew, which then cannot stay: what tolerates a cordon comes straight back."""
    gone_for_good = pods.finished(pod) or not pods.controller(pod) or pods.daemonset(pod)
    return not gone_for_good and not placement.tolerates(pod, placement.CORDONED)


@dataclasses.dataclass(eq=False)
class Place:
    """A node, with what is left of it. ``unwelcome``: UIDs of guests that may not share it with who is there."""

    name: str
    node: Object
    taints: t.Sequence[Object]
    free: Amounts
    ports: Ports = dataclasses.field(default_factory=set)
    unwelcome: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(eq=False)
class Guest:
    """A pod that looks for a place. ``volumes``: claim -> what its volume asks of a node."""

    pod: Pod
    needs: Amounts
    ports: Ports
    volumes: t.Mapping[str, Object]

    def kind(self) -> str:
        """The same for all that may run on the same nodes as long as these are empty."""
        spec = self.pod.get("spec") or {}
        rules = [spec.get(name) for name in ("nodeSelector", "tolerations")]
        return repr([*rules, (spec.get("affinity") or {}).get("nodeAffinity"), self.needs, self.volumes])

    def obstacle(self, place: Place) -> str:
        """The first thing that keeps it away as things are, empty where there is none."""
        for taint in place.taints:
            if not placement.tolerates(self.pod, taint):
                return STATES.get(taint["key"]) or f"has|have taint {placement.text(taint)}"
        if not placement.wants(self.pod, place.node):
            return LABELS
        for claim, rule in self.volumes.items():
            if not placement.allows(rule, place.node):
                return f"cannot|cannot reach its volume {claim}"
        if requests.in_use(self.ports, place.ports):
            return PORT
        if pods.uid(self.pod) in place.unwelcome:
            return COMPANY
        for name, number in self.needs.items():
            if number > max(0, place.free.get(name, 0)):
                return CROWDED if name == requests.PODS else SCARCE + name
        return ""


class Room:
    """``next`` names a node worth looking at, and ``fill`` lets in who fits there beside what runs already."""

    def __init__(
        self, leaving: t.Iterable[Pod], others: t.Iterable[Object], volumes: t.Callable[[Pod], t.Mapping[str, Object]]
    ) -> None:
        """``others``: the nodes that nothing is taken from."""
        self._places = {
            str(node["metadata"]["name"]): Place(
                node["metadata"]["name"], node, placement.taints(node), requests.offered(node)
            )
            for node in others
        }
        self._guests = [
            Guest(pod, requests.asked(pod), requests.host_ports(pod), volumes(pod))
            for pod in sorted(leaving, key=lambda pod: (pods.full_name(pod), pods.uid(pod)))
        ]
        self._near: dict[str, list[Guest]] = collections.defaultdict(list)
        for guest in self._guests:
            self._near[pods.namespace(guest.pod)].append(guest)
        self._far = [guest for guest in self._guests if placement.looks_far(guest.pod)]
        choices: dict[str, list[str]] = {}
        for guest in self._guests:
            if guest.kind() not in choices:
                choices[guest.kind()] = [place.name for place in self._places.values() if not guest.obstacle(place)]
        most: Amounts = {}
        for place in self._places.values():
            requests.at_least(most, place.free)
        # Without a choice first, then the largest.
        self._homeless = sorted(
            self._guests, key=lambda guest: (len(choices[guest.kind()]), -_share(guest.needs, most))
        )
        rank: dict[str, int] = {}
        for names in sorted(choices.values(), key=len, reverse=True):
            rank.update(dict.fromkeys(names, len(names)))
        order = sorted(rank, key=lambda name: (rank[name], -_share(self._places[name].free, most), name))
        self._unseen = collections.deque(self._places[name] for name in order)

    def next(self) -> str:
        """The most wanted of those that nobody has looked at yet; empty where a look would help nobody."""
        while self._unseen:
            place = self._unseen.popleft()
            if any(not guest.obstacle(place) for guest in self._homeless):
                return place.name
        return ""

    def fill(self, name: str, running: t.Iterable[Pod]) -> None:
        place = self._places[name]
        for pod in running:
            if not pods.finished(pod):
                self._take_in(place, pod, requests.asked(pod), requests.host_ports(pod))
        homeless = []
        for guest in self._homeless:
            if guest.obstacle(place):
                homeless.append(guest)
            else:
                self._take_in(place, guest.pod, guest.needs, guest.ports)
        self._homeless = homeless

    def reasons(self) -> list[tuple[Pod, str]]:
        """Who found no room, and why."""
        return [
            (guest.pod, self._reason(guest))
            for guest in sorted(self._homeless, key=lambda guest: pods.full_name(guest.pod))
        ]

    def _take_in(self, place: Place, pod: Pod, needs: Amounts, ports: Ports) -> None:
        for name, number in needs.items():
            place.free[name] = place.free.get(name, 0) - number
        place.ports |= ports
        near = self._guests if placement.looks_far(pod) else [*self._near[pods.namespace(pod)], *self._far]
        if near and placement.HOSTNAME in (place.node["metadata"].get("labels") or {}):
            place.unwelcome |= {pods.uid(guest.pod) for guest in near if placement.keep_apart(guest.pod, pod)}

    def _reason(self, guest: Guest) -> str:
        for claim, rule in guest.volumes.items():
            if not any(placement.allows(rule, place.node) for place in self._places.values()):
                return f"its volume {claim} is bound to this node: it returns with the node"
        kept: dict[str, list[Place]] = collections.defaultdict(list)
        for place in self._places.values():
            kept[guest.obstacle(place)].append(place)
        # Where nothing keeps it away nobody has looked.
        unseen = len(kept.pop("", ()))
        number = len(self._places) - unseen
        if not self._places:
            return "there is no other node"
        causes = [_cause(guest, obstacle, places) for obstacle, places in sorted(kept.items(), key=_most_first)]
        more = f"; {unseen} more were not looked at" if unseen else ""
        return f"0 of {number} other node{'s' if number > 1 else ''}: {', '.join(causes)}{more}"


def _most_first(item: tuple[str, list[Place]]) -> tuple[int, str]:
    return -len(item[1]), item[0]


def _cause(guest: Guest, obstacle: str, places: t.Sequence[Place]) -> str:
    one, _bar, several = obstacle.partition("|")
    number = len(places)
    if number == 1 and " " not in one:
        # Only the verb differs.
        one = " ".join([one, *several.split(" ")[1:]])
    text = f"{number} {one if number == 1 else several}"
    if not obstacle.startswith(SCARCE):
        return text
    name = obstacle[len(SCARCE) :]
    largest = max(max(0, place.free.get(name, 0)) for place in places)
    return f"{text} (largest free {requests.shown(name, largest)} of {requests.shown(name, guest.needs[name])} asked)"


def _share(amounts: Amounts, most: Amounts) -> float:
    """How large it is: the part that it has of whatever it has most of."""
    return max((number / most[name] for name, number in amounts.items() if most.get(name)), default=0.0)
