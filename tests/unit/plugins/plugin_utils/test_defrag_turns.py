# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._defrag_turns import turns
from hypothesis import given
from hypothesis import strategies as st

MEMBERS = ("m1", "m2", "m3")
FAILED = {"name": "etcd members vote", "status": "fail", "object": "etcd", "evidence": "learners: m4", "fix": "promote"}
PASSED = {"name": "etcd versions", "status": "pass", "object": "etcd", "evidence": "3.6.16", "fix": ""}


def look(member: str, leader: str = "m1", due: bool = True, **fields: t.Any) -> dict[str, t.Any]:
    said = {"member": member, "leader": leader, "due": due, "cluster_id": "c1", "members": list(MEMBERS), "alarms": []}
    return {**said, "checks": [PASSED], "summary": [f"etcd/{member}: would"], **fields}


def looks(**others: t.Any) -> dict[str, t.Any]:
    return {**{f"h{number}": look(name) for number, name in enumerate(MEMBERS, 1)}, **others}


def of(found: dict[str, t.Any]) -> dict[str, t.Any]:
    return turns(list(found), found)


def test_followers_in_the_order_of_the_inventory_and_the_leader_last() -> None:
    found = of(looks())
    assert found["hosts"] == ["h2", "h3", "h1"]
    assert found["lines"] == ["etcd/m2: would", "etcd/m3: would", "etcd/m1: would"]
    assert (found["refused"], found["nospace"]) == ([], False)


def test_only_who_is_due() -> None:
    assert of(looks(h2=look("m2", due=False)))["hosts"] == ["h3", "h1"]
    assert of({host: {**one, "due": False} for host, one in looks().items()})["hosts"] == []


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"unreachable": True, "msg": "no route"}, "h3 does not answer: no route"),
        ({"msg": "no etcd member found on this node"}, "h3: no etcd member found on this node"),
        ({}, "h3: its member was not looked at. Run it without --limit"),
        (look("m3", msg="held", checks=[PASSED]), "h3: held"),
        (look("m3", msg="x", checks=[PASSED, FAILED]), "etcd members vote: etcd: learners: m4. Fix: promote"),
        (
            look("m3", cluster_id="c2"),
            "h2 and h3 have members of different clusters: name one with -e cluster=NAME",
        ),
    ],
)
def test_one_that_may_not_stops_all(other: dict[str, t.Any], reason: str) -> None:
    found = of(looks(h3=other))
    assert (found["hosts"], found["refused"]) == ([], [reason])


def test_a_reason_that_several_hosts_have_is_told_once() -> None:
    ill = {host: {**one, "msg": f"etcd/{host}: ...", "checks": [FAILED]} for host, one in looks().items()}
    assert len(of(ill)["refused"]) == 1


def test_two_hosts_of_one_member_and_a_member_of_no_host() -> None:
    found = of({"a": look("m2"), "b": look("m2"), "c": look("m1")})
    assert found["hosts"] == ["a", "c"]
    assert found["lines"][2:] == [
        "b: has the same member as a",
        "etcd/m3: no host of this run has it, so it is left as it is",
    ]


def test_the_alarm() -> None:
    alarmed = look("m2", alarms=[{"member": "m1", "kind": "NOSPACE"}])
    found = of(looks(h2=alarmed))
    assert found["nospace"]
    first, *others, last = found["lines"]
    assert first.endswith("would compact to the current revision, which makes every watch begin anew")
    assert others == ["etcd/m2: would", "etcd/m3: would", "etcd/m1: would"]
    assert last.startswith("after the last of them: would disarm NOSPACE")
    assert of(looks(h2=alarmed, h3={}))["lines"][:2] == ["etcd/m2: would", "etcd/m1: would"]


@given(st.permutations(["h1", "h2", "h3"]), st.sampled_from(MEMBERS), st.sets(st.sampled_from(MEMBERS)))
def test_everybody_who_is_due_has_one_turn_and_the_leader_the_last(
    hosts: list[str], leader: str, due: set[str]
) -> None:
    found = {host: look(f"m{host[1]}", leader, f"m{host[1]}" in due) for host in hosts}
    order = [f"m{host[1]}" for host in turns(hosts, found)["hosts"]]
    assert sorted(order) == sorted(due)
    assert leader not in order[:-1]
    followers = [f"m{host[1]}" for host in hosts if f"m{host[1]}" != leader]
    assert [name for name in order if name != leader] == [name for name in followers if name in due]
