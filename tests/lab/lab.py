# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One lab: its name, its folder and what is remembered of it there."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

from . import topology
from .process import LabError
from .topology import Node

PROJECT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Lab:
    name: str
    topology: str
    version: str  # the one that it began with
    versions: tuple[str, ...]  # those that its mirror holds
    subnet: str
    nodes: tuple[Node, ...]

    @property
    def folder(self) -> Path:
        return folder(self.name)

    @property
    def clusters(self) -> tuple[Lab, ...]:
        """The lab as each of its clusters sees it: only the machines of that one."""
        names = dict.fromkeys(node.cluster for node in self.nodes)
        return tuple(
            dataclasses.replace(self, nodes=tuple(node for node in self.nodes if node.cluster == name))
            for name in names
        )

    @property
    def cluster(self) -> str:
        """The group of its cluster, of the first where there are several; "" where that needs no name."""
        return self.nodes[0].cluster

    @property
    def kubeconfig(self) -> Path:
        return self.folder / (f"kubeconfig-{self.cluster}" if self.cluster else "kubeconfig")

    @property
    def inventory(self) -> Path:
        return self.folder / "inventory" / "hosts.yml"

    @property
    def ssh(self) -> Path:
        return self.folder / "ssh"

    @property
    def shared(self) -> Path:
        """What all nodes have at /srv/shared, as a file server would give it to them."""
        return self.folder / "shared"

    @property
    def network(self) -> str:
        return f"kubeops-lab-{self.name}"

    @property
    def mirror(self) -> str:
        return topology.host(self.subnet, topology.MIRROR_HOST)

    @property
    def control_planes(self) -> tuple[Node, ...]:
        return tuple(node for node in self.nodes if node.control_plane)

    @property
    def kubernetes(self) -> tuple[Node, ...]:
        """The nodes of clusters."""
        return tuple(node for node in self.nodes if node.kubernetes)

    @property
    def etcd(self) -> tuple[Node, ...]:
        """The machines that are only members of etcd."""
        return tuple(node for node in self.nodes if not node.kubernetes)

    @property
    def balancer(self) -> str | None:
        """The address in front of several control planes."""
        several = any(len(cluster.control_planes) > 1 for cluster in self.clusters)
        return topology.host(self.subnet, topology.BALANCER_HOST) if several else None

    @property
    def addresses(self) -> dict[str, str]:
        """All machines, those that are no nodes first."""
        balancer = {"lb": self.balancer} if self.balancer else {}
        return {"mirror": self.mirror, **balancer, **{node.name: node.address for node in self.nodes}}

    @property
    def containers(self) -> list[str]:
        return [self.container(name) for name in self.addresses]

    def container(self, node: str) -> str:
        return f"{self.name}-{node}"

    def node(self, name: str) -> Node:
        for node in self.nodes:
            if node.name == name:
                return node
        raise LabError(f"lab {self.name} has no node `{name}`; it has {', '.join(node.name for node in self.nodes)}")

    def remember(self) -> None:
        """Written when the lab is whole: a lab without this file is half made."""
        half = self.folder / "lab.json.part"
        half.write_text(json.dumps(dataclasses.asdict(self), indent=2) + "\n")
        half.rename(self.folder / "lab.json")


def folder(name: str) -> Path:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,30}", name):
        raise LabError(f"`{name}` is no name for a lab: use small letters, digits and dashes, 31 at most")
    return PROJECT / "build" / "lab" / name


def recall(name: str) -> Lab | None:
    """The lab of this name, if it is whole."""
    file = folder(name) / "lab.json"
    if not file.exists():
        return None
    facts = json.loads(file.read_text())
    nodes = tuple(Node(node["name"], tuple(node["groups"]), node["address"]) for node in facts.pop("nodes"))
    return Lab(nodes=nodes, versions=tuple(facts.pop("versions")), **facts)


def known(name: str) -> Lab:
    if lab := recall(name):
        return lab
    raise LabError(f"there is no lab `{name}`: `python tests/lab up --name {name}` makes it")
