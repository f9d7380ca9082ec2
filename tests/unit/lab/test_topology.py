# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a lab's nodes are, and which network they get."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.kubeops.maintenance.tests.lab import topology
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
from hypothesis import given
from hypothesis import strategies as st


def test_single_is_one_control_plane_and_two_workers() -> None:
    nodes = topology.place(topology.load("single"), "10.89.3.0/24")
    assert [(node.name, node.address, node.control_plane) for node in nodes] == [
        ("cp1", "10.89.3.11", True),
        ("w1", "10.89.3.12", False),
        ("w2", "10.89.3.13", False),
    ]
    assert "etcd" in nodes[0].groups


def test_ha_is_three_control_planes_that_are_members_of_etcd() -> None:
    nodes = topology.place(topology.load("ha"), "10.89.3.0/24")
    assert [node.name for node in nodes if node.control_plane] == ["cp1", "cp2", "cp3"]
    assert [node.name for node in nodes if "etcd" in node.groups] == ["cp1", "cp2", "cp3"]
    assert [node.name for node in nodes if "kube_node" in node.groups] == ["w1", "w2"]


def test_a_machine_that_is_only_a_member_of_etcd_is_no_node_of_the_cluster() -> None:
    nodes = topology.place(topology.load("external_etcd"), "10.89.3.0/24")
    assert {node.name: node.kubernetes for node in nodes} == {
        "e1": False,
        "e2": False,
        "e3": False,
        "cp1": True,
        "w1": True,
    }


def test_nodes_tell_of_which_cluster_they_are() -> None:
    nodes = topology.place(topology.load("clusters"), "10.89.3.0/24")
    assert {node.name: node.cluster for node in nodes} == {"cp1": "cluster1", "cp2": "cluster2"}


@pytest.mark.parametrize("name", topology.names())
def test_every_topology_can_be_placed(name: str) -> None:
    nodes = topology.place(topology.load(name), "10.89.0.0/24")
    assert len({node.address for node in nodes}) == len(nodes)
    assert any(node.control_plane for node in nodes)


def test_an_unknown_topology_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(LabError, match="`double`.*single"):
        topology.load("double")


def test_an_unknown_group_is_refused_by_node_and_name() -> None:
    with pytest.raises(LabError, match="node cp1: no group is called clusters, masters"):
        topology.place({"cp1": ["masters", "etcd", "cluster1", "clusters"]}, "10.89.0.0/24")


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        ([], "10.89.0.0/24"),
        (["10.89.0.0/24"], "10.89.1.0/24"),
        (["10.89.0.128/25", "10.89.1.7/32"], "10.89.2.0/24"),
        (["10.89.0.0/22", "fd00::/64"], "10.89.4.0/24"),
        (["0.0.0.0/0", "10.88.0.0/16", "192.168.0.0/16"], "10.89.0.0/24"),
        (["10.89.1.5/24"], "10.89.0.0/24"),  # an address in its network, as some tools write it
    ],
)
def test_free_subnet(taken: list[str], free: str) -> None:
    assert topology.free_subnet(taken) == free


def test_a_room_that_is_full_is_an_error() -> None:
    with pytest.raises(LabError, match="no free /24"):
        topology.free_subnet(["10.0.0.0/8"])


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(20, 32)), max_size=8))
def test_a_free_subnet_overlaps_with_nothing(networks: list[tuple[int, int, int]]) -> None:
    taken = [f"10.89.{third}.{fourth}/{length}" for third, fourth, length in networks]
    free = ipaddress.ip_network(topology.free_subnet(taken))
    assert not any(free.overlaps(ipaddress.ip_network(network, strict=False)) for network in taken)
