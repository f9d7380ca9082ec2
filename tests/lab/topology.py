# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which nodes a lab has, and where they are. Pure but for reading the topology's file."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import typing as t
from pathlib import Path

import yaml

from .process import LabError

FOLDER = Path(__file__).parent / "topologies"
GROUPS = ("kube_control_plane", "kube_node", "etcd")
MIRROR_HOST = 2
CLUSTER = re.compile(r"cluster[0-9]+")
BALANCER_HOST = 4
FIRST_NODE_HOST = 11
# Where labs put their networks: the first /24 that nobody uses.
ROOM = ipaddress.ip_network("10.89.0.0/16")


@dataclasses.dataclass(frozen=True)
class Node:
    name: str
    groups: tuple[str, ...]
    address: str

    @property
    def control_plane(self) -> bool:
        return "kube_control_plane" in self.groups

    @property
    def kubernetes(self) -> bool:
        """Whether it is a node of a cluster, and no machine that is only a member of etcd."""
        return self.control_plane or "kube_node" in self.groups

    @property
    def cluster(self) -> str:
        """The group of its cluster, where a lab has several."""
        return next((group for group in self.groups if CLUSTER.fullmatch(group)), "")


def names() -> list[str]:
    return sorted(file.stem for file in FOLDER.glob("*.yml"))


def load(topology: str) -> dict[str, list[str]]:
    if topology not in names():
        raise LabError(f"there is no topology `{topology}`; there are: {', '.join(names())}")
    nodes: dict[str, list[str]] = yaml.safe_load((FOLDER / f"{topology}.yml").read_text())["nodes"]
    return nodes


def place(nodes: t.Mapping[str, t.Sequence[str]], subnet: str) -> list[Node]:
    """Every node with its address."""
    for name, groups in nodes.items():
        if unknown := {group for group in groups if group not in GROUPS and not CLUSTER.fullmatch(group)}:
            known = ", ".join([*GROUPS, "cluster1", "cluster2, ..."])
            raise LabError(f"node {name}: no group is called {', '.join(sorted(unknown))}; groups are {known}")
    return [
        Node(name, tuple(groups), host(subnet, FIRST_NODE_HOST + index))
        for index, (name, groups) in enumerate(nodes.items())
    ]


def host(subnet: str, number: int) -> str:
    return str(ipaddress.ip_network(subnet)[number])


def free_subnet(taken: t.Iterable[str]) -> str:
    """The first /24 of the labs' room that overlaps with nothing that the machine has a route to."""
    others = [ipaddress.ip_network(network, strict=False) for network in taken]
    others = [network for network in others if network.version == ROOM.version and network.prefixlen]
    for subnet in ROOM.subnets(new_prefix=24):
        if not any(subnet.overlaps(network) for network in others):
            return str(subnet)
    raise LabError(f"no free /24 is left in {ROOM}: another network of this machine covers it")
