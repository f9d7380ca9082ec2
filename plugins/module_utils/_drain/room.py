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

from . import placement, pods, requests
from .placement import Object
from .pods import Pod
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

    node: Object
    taints: t.Sequence[Object]
    free: Amounts
    ports: Ports = dataclasses.field(default_factory=set)
    unwelcome: set[str] = dataclasses.field(default_factory=set)
    closed: bool = False

    @property
    def name(self) -> str:
        return str(self.node["metadata"]["name"])


@dataclasses.dataclass(eq=False)
class Guest:
    """A pod that looks for a place. ``volumes``: claim -> what its volume asks of a node."""

    pod: Pod
    needs: Amounts
    ports: Ports
    volumes: t.Mapping[str, Object]
    options: list[Place] = dataclasses.field(default_factory=list)

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
    """``ask``: the nodes that could take one of the pods if they were empty, the most wanted first.

    What runs on a node is counted with ``add``; then ``fill`` lets in who fits.
    """

    def __init__(
        self, leaving: t.Iterable[Pod], others: t.Iterable[Object], volumes: t.Callable[[Pod], t.Mapping[str, Object]]
    ) -> None:
        """``others``: the nodes that nothing is taken from."""
        self._places = {
            place.name: place
            for place in (Place(node, placement.taints(node), requests.offered(node)) for node in others)
        }
        self._guests = [
            Guest(pod, requests.asked(pod), requests.host_ports(pod), volumes(pod))
            for pod in sorted(leaving, key=lambda pod: (pods.full_name(pod), pods.uid(pod)))
        ]
        rank: dict[str, int] = {}
        for guest in self._guests:
            guest.options = [place for place in self._places.values() if not guest.obstacle(place)]
            for place in guest.options:
                rank[place.name] = min(rank.get(place.name, len(guest.options)), len(guest.options))
        most: Amounts = {}
        for place in self._places.values():
            requests.at_least(most, place.free)
        self.homeless = sorted(self._guests, key=lambda guest: (len(guest.options), -_share(guest.needs, most)))
        self.ask = sorted(rank, key=lambda name: (rank[name], -_share(self._places[name].free, most), name))
        self._near: dict[str, list[Guest]] = collections.defaultdict(list)
        for guest in self._guests:
            self._near[pods.namespace(guest.pod)].append(guest)
        self._far = [guest for guest in self._guests if placement.looks_far(guest.pod)]

    def add(self, pod: Pod) -> None:
        """A pod that is somewhere, if it is on a node that was not filled yet."""
        place = self._places.get((pod.get("spec") or {}).get("nodeName") or "")
        if place and not place.closed and not pods.finished(pod):
            self._take_in(place, pod, requests.asked(pod), requests.host_ports(pod))

    def fill(self, name: str) -> None:
        place = self._places[name]
        homeless = []
        for guest in self.homeless:
            if guest.obstacle(place):
                homeless.append(guest)
            else:
                self._take_in(place, guest.pod, guest.needs, guest.ports)
        self.homeless = homeless
        place.closed = True

    def reasons(self) -> list[tuple[Pod, str]]:
        """Who found no room, and why: counted over all nodes, so every node of ``ask`` has to be filled before."""
        return [
            (guest.pod, self._reason(guest))
            for guest in sorted(self.homeless, key=lambda guest: pods.full_name(guest.pod))
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
        causes = [_cause(guest, obstacle, places) for obstacle, places in sorted(kept.items(), key=_most_first)]
        number = len(self._places)
        if not causes:
            return "there is no other node"
        return f"0 of {number} other node{'s' if number > 1 else ''}: {', '.join(causes)}"


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
