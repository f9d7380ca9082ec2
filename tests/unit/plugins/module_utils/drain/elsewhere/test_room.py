# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import pods
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.elsewhere import requests
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.elsewhere.room import Room, looks_for_room
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    daemon_pod,
    make_node,
    make_pod,
)
from hypothesis import given
from hypothesis import strategies as st


def pod(name, node="w1", memory=None, cpu=None, labels=None, **spec):
    made = make_pod(name, node=node, labels=labels)
    wanted = {key: value for key, value in (("memory", memory), ("cpu", cpu)) if value}
    made["spec"].update({"containers": [{"name": "main", "resources": {"requests": wanted}}], **spec})
    return made


def node(name, memory="4Gi", cpu="4", pods="110", **more):
    return make_node(name, allocatable={"memory": memory, "cpu": cpu, "pods": pods}, **more)


def search(leaving, others, running=(), volumes=lambda _pod: {}):
    """Reasons of those that find no room, by name."""
    room = Room(leaving, others, volumes)
    while name := room.next():
        room.fill(name, [there for there in running if there["spec"]["nodeName"] == name])
    return {found["metadata"]["name"]: reason for found, reason in room.reasons()}


def port(number):
    return {"containers": [{"ports": [{"hostPort": number}]}]}


ALONE = {
    "affinity": {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"app": "web"}}}
            ]
        }
    }
}


@pytest.mark.parametrize(
    ("leaving", "others", "running", "reason"),
    [
        (pod("a"), [node("w2")], [], None),
        (pod("a"), [], [], "there is no other node"),
        (pod("a", memory="4Gi"), [node("w2")], [], None),
        (pod("a", memory="4Gi"), [node("w2")], [pod("b", "w2", cpu="1")], None),
        (
            pod("a", memory="2Gi"),
            [node("w2"), node("w3", memory="1Gi"), node("w4", unschedulable=True)],
            [pod("b", "w2", memory="2868Mi")],
            "0 of 3 other nodes: 2 have too little memory (largest free 1.2Gi of 2Gi asked), 1 is cordoned",
        ),
        (
            pod("a", cpu="2"),
            [node("w2")],
            [pod("b", "w2", cpu="2500m")],
            "0 of 1 other node: 1 has too little cpu (largest free 1.5 of 2 asked)",
        ),
        # More than there is, as when a node was made smaller.
        (
            pod("a", cpu="2"),
            [node("w2")],
            [pod("b", "w2", cpu="9")],
            "0 of 1 other node: 1 has too little cpu (largest free 0 of 2 asked)",
        ),
        # Who asks for nothing is not kept away by what is scarce.
        (pod("a"), [node("w2")], [pod("b", "w2", cpu="9")], None),
        (pod("a", cpu="0"), [node("w2")], [pod("b", "w2", cpu="9")], None),
        (pod("a"), [node("w2", pods="1")], [pod("b", "w2")], "0 of 1 other node: 1 runs as many pods as it may"),
        (
            pod("a"),
            [node("w2", pods="0"), node("w3", pods="0")],
            [],
            "0 of 2 other nodes: 2 run as many pods as they may",
        ),
        # What has finished needs nothing any more.
        (pod("a", cpu="4"), [node("w2")], [{**pod("b", "w2", cpu="1"), "status": {"phase": "Failed"}}], None),
        (
            pod("a", cpu="4"),
            [node("w2")],
            [{**pod("b", "w2", cpu="1"), "status": {"phase": "Pending"}}],
            "0 of 1 other node: 1 has too little cpu (largest free 3 of 4 asked)",
        ),
        (
            pod("a"),
            [node("w2", ready=False), node("w3", ready=False), node("w4", unschedulable=True)],
            [],
            "0 of 3 other nodes: 2 are not Ready, 1 is cordoned",
        ),
        (
            pod("a"),
            [node("w2", taints=[{"key": "team", "value": "b", "effect": "NoSchedule"}])],
            [],
            "0 of 1 other node: 1 has taint team=b:NoSchedule",
        ),
        (
            pod("a"),
            [node("w2", taints=[{"key": "gone", "effect": "NoExecute"}]) for _name in "x"],
            [],
            "0 of 1 other node: 1 has taint gone:NoExecute",
        ),
        (pod("a"), [node("w2", taints=[{"key": "x", "effect": "PreferNoSchedule"}])], [], None),
        (
            pod("a", nodeSelector={"disk": "ssd"}),
            [node("w2"), node("w3", labels={"disk": "hdd"})],
            [],
            "0 of 2 other nodes: 2 do not match its node selector or affinity",
        ),
        (
            pod("a", nodeSelector={"disk": "ssd"}),
            [node("w2")],
            [],
            "0 of 1 other node: 1 does not match its node selector or affinity",
        ),
        (
            pod("a", **port(80)),
            [node("w2")],
            [pod("b", "w2", **port(80))],
            "0 of 1 other node: 1 has its host port in use",
        ),
        (pod("a", **port(80)), [node("w2")], [pod("b", "w2", **port(81))], None),
        (
            pod("a", **ALONE),
            [node("w2")],
            [pod("b", "w2")],
            "0 of 1 other node: 1 runs a pod that must not share a node with it",
        ),
        (
            pod("a"),
            [node("w2"), node("w3")],
            [pod("b", "w2", **ALONE), pod("c", "w3", **ALONE)],
            "0 of 2 other nodes: 2 run a pod that must not share a node with it",
        ),
        (pod("a", **ALONE), [node("w2")], [pod("b", "w2", labels={"app": "db"})], None),
        (pod("a", **ALONE), [node("w2"), node("w3")], [pod("b", "w2")], None),
    ],
)
def test_reasons(leaving, others, running, reason):
    assert search([leaving], others, running).get("a") == reason


def test_a_namespace_is_no_border_for_who_says_so():
    alone = copy.deepcopy(ALONE)
    alone["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]["namespaces"] = ["bank"]
    stranger = pod("b", "w2")
    stranger["metadata"]["namespace"] = "bank"
    assert search([pod("a", **alone)], [node("w2")], [stranger])
    outside = pod("b", "w2", **copy.deepcopy(alone))
    outside["metadata"]["namespace"] = "elsewhere"
    outside["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0][
        "namespaces"
    ] = ["shop"]
    assert search([pod("a")], [node("w2")], [outside])


def test_a_node_without_the_label_is_no_topology():
    bare = node("w2")
    bare["metadata"]["labels"] = {}
    assert not search([pod("a", **ALONE)], [bare], [pod("b", "w2")])


def test_pods_of_the_drain_share_nothing_that_they_must_not():
    assert set(search([pod("a", **ALONE), pod("b", **ALONE)], [node("w2")])) == {"b"}
    assert set(search([pod("a", **port(80)), pod("b", **port(80))], [node("w2")])) == {"b"}


def bound(*names):
    terms = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(names)}]}]
    return lambda _pod: {"data": {"nodeSelectorTerms": terms}}


def test_a_volume_returns_with_its_node():
    reason = search([pod("db-0")], [node("w2"), node("w3")], volumes=bound("w1"))["db-0"]
    assert reason == "its volume data is bound to this node: it returns with the node"


def test_a_volume_that_others_reach_is_one_cause_of_many():
    others = [node("w2", unschedulable=True), node("w3"), node("w4")]
    reason = search([pod("db-0")], others, volumes=bound("w1", "w2"))["db-0"]
    assert reason == "0 of 3 other nodes: 2 cannot reach its volume data, 1 is cordoned"
    assert not search([pod("db-0")], [node("w2")], volumes=bound("w1", "w2"))


def test_room_is_promised_once():
    leaving = [pod(name, memory="3Gi") for name in "abc"]
    lost = search(leaving, [node("w2"), node("w3")])
    assert lost == {"c": "0 of 2 other nodes: 2 have too little memory (largest free 1Gi of 3Gi asked)"}


def test_the_largest_come_first():
    leaving = [pod(name, memory=f"{size}Gi") for name, size in zip("abcd", (1, 2, 2, 3), strict=True)]
    assert not search(leaving, [node("w2"), node("w3")])


def test_who_has_no_choice_comes_first():
    free_to_go, bound_to_w2 = pod("a", memory="4Gi"), pod("b", memory="3Gi", nodeSelector={"disk": "ssd"})
    assert not search([free_to_go, bound_to_w2], [node("w2", labels={"disk": "ssd"}), node("w3")])


def test_only_nodes_that_could_take_somebody_are_looked_at():
    others = [node("w2"), node("w3", unschedulable=True), node("w4", memory="1Gi"), node("w5", labels={"disk": "ssd"})]
    leaving = [pod("a", memory="3Gi"), pod("b", memory="3Gi", nodeSelector={"disk": "ssd"}), pod("c", memory="9Gi")]
    room = Room(leaving, [*others, node("w6")], lambda _pod: {})
    # First where somebody has to go who has no choice.
    assert room.next() == "w5"
    room.fill("w5", [])
    assert room.next() == "w2"
    room.fill("w2", [])
    # The one that is left fits nowhere.
    assert room.next() == ""


def test_nodes_that_were_not_looked_at_are_counted_apart():
    others = [node("w2", memory="1Gi"), *(node(f"w{number}") for number in range(3, 6))]
    room = Room([pod("a", memory="2Gi")], others, lambda _pod: {})
    room.fill("w3", [pod("b", "w3", memory="3Gi")])
    assert room.reasons()[0][1] == (
        "0 of 2 other nodes: 2 have too little memory (largest free 1Gi of 2Gi asked); 2 more were not looked at"
    )


@pytest.mark.parametrize(
    ("leaving", "looks"),
    [
        (pod("a"), True),
        (make_pod("done", phase="Succeeded"), False),
        (make_pod("bare", ownerReferences=[]), False),
        (daemon_pod("orphan"), False),
        (pod("back", tolerations=[{"operator": "Exists"}]), False),
    ],
)
def test_who_looks_for_room(leaving, looks):
    assert looks_for_room(leaving) is looks


SIZES = st.tuples(st.integers(0, 8), st.integers(0, 8))
DISKS = st.sampled_from([None, "ssd", "hdd"])


@st.composite
def clusters(draw):
    others = [
        node(f"w{n}", memory=f"{memory}Gi", cpu=cpu, pods=draw(st.integers(0, 6)), labels={"disk": draw(DISKS) or ""})
        for n, (memory, cpu) in enumerate(draw(st.lists(SIZES, max_size=4)), 2)
    ]
    names = [other["metadata"]["name"] for other in others] or ["w9"]
    running = [
        pod(f"r{n}", draw(st.sampled_from(names)), memory=f"{memory}Gi", cpu=cpu)
        for n, (memory, cpu) in enumerate(draw(st.lists(SIZES, max_size=4)))
    ]
    leaving = []
    for n, (memory, cpu) in enumerate(draw(st.lists(SIZES, max_size=6))):
        disk = draw(DISKS)
        leaving.append(
            pod(f"p{n}", memory=f"{memory}Gi", cpu=cpu, **({"nodeSelector": {"disk": disk}} if disk else {}))
        )
    return leaving, others, running


def total(found):
    sums = {}
    for one in found:
        for name, number in requests.asked(one).items():
            sums[name] = sums.get(name, 0) + number
    return sums


@given(clusters())
def test_never_more_is_promised_than_there_is(cluster):
    """Whoever found room is inside what all nodes have together, and whoever did not would fit nowhere."""
    leaving, others, running = cluster
    lost = search(leaving, others, running)
    placed = [one for one in leaving if one["metadata"]["name"] not in lost]
    for resource, number in total(placed).items():
        free = 0
        for other in others:
            used = total([one for one in running if one["spec"]["nodeName"] == other["metadata"]["name"]])
            free += max(0, requests.offered(other)[resource] - used.get(resource, 0))
        assert number <= free


@given(clusters(), st.randoms())
def test_the_order_in_which_things_are_read_does_not_matter(cluster, random):
    before = search(*cluster)
    for part in cluster:
        random.shuffle(part)
    assert search(*cluster) == before


@given(st.lists(SIZES, min_size=1, max_size=6))
def test_an_empty_node_of_the_same_size_takes_everybody(sizes):
    leaving = [pod(f"p{n}", memory=f"{memory}Gi", cpu=cpu) for n, (memory, cpu) in enumerate(sizes)]
    memory, cpu = (sum(size[column] for size in sizes) for column in (0, 1))
    assert not search(leaving, [node("w2", memory=f"{memory}Gi", cpu=cpu, pods=len(sizes))])


@given(clusters(), SIZES)
def test_one_pod_has_no_room_only_where_each_node_says_no(cluster, size):
    _leaving, others, running = cluster
    one = pod("one", memory=f"{size[0]}Gi", cpu=size[1])
    fits = False
    for other in others:
        used = total([there for there in running if there["spec"]["nodeName"] == other["metadata"]["name"]])
        offer = requests.offered(other)
        fits = fits or all(
            number == 0 or number + used.get(name, 0) <= offer[name] for name, number in requests.asked(one).items()
        )
    assert bool(search([one], others, running)) is not fits


def test_names_are_whole():
    room = Room([pod("b"), pod("a")], [], lambda _pod: {})
    assert [pods.full_name(found) for found, _reason in room.reasons()] == ["shop/a", "shop/b"]
