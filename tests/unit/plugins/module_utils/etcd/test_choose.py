# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import datetime
import random
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import SKIP
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import choose
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.cluster import Cluster, Seen
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.state import Alarm, Member, Status
from hypothesis import given
from hypothesis import strategies as st

STATUS = Status("c1", "a1", "3.6.16", "3.6.0", 42, 1 << 20, 1 << 20, "a1", 5000, 5000, False, ())


def seen(number: int, learner: bool = False, down: bool = False, name: str | None = None, **status: t.Any) -> Seen:
    title = f"cp{number}" if name is None else name
    member = Member(f"a{number}", title, (f"https://192.0.2.{number}:2380",), learner)
    said = dataclasses.replace(STATUS, **{"member_id": member.id, **status})
    return Seen(member, "https://x:2379", None if down else said, "connection refused" if down else "")


def of(*members: Seen, alarms: tuple[Alarm, ...] | None = ()) -> Cluster:
    return Cluster(members, alarms)


def test_followers_take_turns_and_the_leader_comes_last() -> None:
    cluster = of(seen(1), seen(2), seen(3))
    assert choose.members(cluster, 0) == choose.Choice(("cp2", "cp3", "cp1"), {})
    assert choose.members(cluster, 1).members == ("cp3", "cp2", "cp1")
    assert choose.members(cluster, 2) == choose.members(cluster, 0)


def test_one_member_takes_all_of_them() -> None:
    assert choose.members(of(seen(1)), 7) == choose.Choice(("cp1",), {})


@pytest.mark.parametrize(
    ("ill", "alarms", "why"),
    [
        (seen(2, down=True), (), "does not answer: connection refused"),
        (seen(2, learner=True), (), "is a learner, which may lag behind"),
        (seen(2, is_learner=True), (), "is a learner, which may lag behind"),
        (seen(2, leader=""), (), "knows no leader"),
        (seen(2), (Alarm("a2", "NOSPACE"), Alarm("a2", "CORRUPT")), "has raised CORRUPT, NOSPACE"),
        (seen(2, raft_applied_index=3999), (), "is 1001 entries behind, at most 1000 are normal"),
        (seen(2, raft_index=3000, raft_applied_index=3000), (), "is 2000 entries behind, at most 1000 are normal"),
    ],
)
def test_who_is_passed_over_and_why(ill: Seen, alarms: tuple[Alarm, ...], why: str) -> None:
    for turn in range(4):
        choice = choose.members(of(seen(1), ill, seen(3), alarms=alarms), turn)
        assert choice == choose.Choice(("cp3", "cp1"), {"cp2": why})
    (check,) = choice.checks()
    assert (check.name, check.status) == (choose.CHECK, SKIP)
    assert (check.object, check.evidence) == ("etcd/cp2", f"passed over: {why}")


def test_what_is_normal_leaves_nobody_out() -> None:
    cluster = of(seen(1, raft_applied_index=4990), seen(2, raft_applied_index=4000), alarms=None)
    assert choose.members(cluster, 0) == choose.Choice(("cp2", "cp1"), {})


def test_the_leader_where_no_follower_may() -> None:
    assert choose.members(of(seen(1), seen(2, down=True), seen(3, down=True)), 5).members == ("cp1",)


def test_nobody_where_nobody_leads() -> None:
    choice = choose.members(of(seen(1, leader=""), seen(2, leader=""), seen(3, down=True)), 0)
    assert choice.members == ()
    assert list(choice.left_out) == ["cp1", "cp2", "cp3"]


def test_a_learner_is_no_measure_of_how_far_the_others_are() -> None:
    assert choose.members(of(seen(1), seen(2, learner=True, raft_index=9000)), 0).members == ("cp1",)


def test_a_member_that_never_started_is_named_by_its_id() -> None:
    assert list(choose.members(of(seen(1), seen(2, down=True, name="")), 0).left_out) == ["a2"]


def test_an_old_leader_does_not_come_last_for_those_that_it_has_lost() -> None:
    cluster = of(seen(1), seen(2, leader="a3"), seen(3, leader="a3"))
    assert choose.members(cluster, 0).members == ("cp1", "cp2", "cp3")


@st.composite
def clusters(draw: st.DrawFn) -> Cluster:
    size = draw(st.integers(1, 5))
    members = [
        seen(
            number,
            learner=draw(st.booleans()) and draw(st.booleans()),
            down=draw(st.booleans()) and draw(st.booleans()),
            leader=draw(st.sampled_from(["a1", "a1", "a1", "a2", ""])),
            raft_applied_index=draw(st.sampled_from([5000, 5000, 4500, 3000])),
        )
        for number in range(1, size + 1)
    ]
    raised = draw(st.lists(st.integers(1, size), max_size=2))
    return Cluster(tuple(members), draw(st.sampled_from([None, tuple(Alarm(f"a{one}", "NOSPACE") for one in raised)])))


@given(clusters(), st.integers(0, 10**6), st.randoms())
def test_all_members_come_to_the_same_order(cluster: Cluster, turn: int, order: random.Random) -> None:
    """Whatever order they see the others in, and whatever only one of them knows."""
    members = [dataclasses.replace(one, endpoint="https://127.0.0.1:2379", quota=7) for one in cluster.members]
    order.shuffle(members)
    assert choose.members(dataclasses.replace(cluster, members=tuple(members)), turn) == choose.members(cluster, turn)


@given(clusters(), st.integers(0, 10**6))
def test_everybody_may_or_is_told_why_not(cluster: Cluster, turn: int) -> None:
    choice = choose.members(cluster, turn)
    assert sorted([*choice.members, *choice.left_out]) == sorted(one.name for one in cluster.members)
    assert all(choice.left_out.values())


@given(clusters(), st.integers(0, 10**6))
def test_each_follower_that_may_has_its_turn(cluster: Cluster, first: int) -> None:
    """Within as many turns as there are members, and the leader has one only where no follower may."""
    order = choose.members(cluster, first).members
    firsts = {choose.members(cluster, turn).members[:1] for turn in range(first, first + 60)}
    followers = {(name,) for name in order[:-1]}
    assert firsts >= followers
    assert len(firsts) <= max(len(followers) + 1, 1)
    assert firsts in (followers, followers | {order[-1:]})


@given(clusters(), st.integers(0, 10**6))
def test_a_quarrel_about_one_member_moves_nobody_elses_turn(cluster: Cluster, turn: int) -> None:
    """Where one of them is seen to be well by some and ill by others, all that moves is that one."""
    order = choose.members(cluster, turn).members
    for ill in order:
        without = tuple(
            dataclasses.replace(one, status=dataclasses.replace(one.status, raft_applied_index=0))
            if one.status and one.name == ill
            else one
            for one in cluster.members
        )
        rest = choose.members(dataclasses.replace(cluster, members=without), turn).members
        assert rest == tuple(name for name in order if name != ill)


def test_turns_go_round_by_the_hour_and_by_the_day() -> None:
    start = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)
    assert choose.turn(datetime.datetime(1970, 1, 2, 3, tzinfo=datetime.UTC)) == 4
    hours = [choose.turn(start + datetime.timedelta(hours=hour)) for hour in range(20)]
    days = [choose.turn(start + datetime.timedelta(days=day)) for day in range(20)]
    assert hours == list(range(hours[0], hours[0] + 20))
    assert days == list(range(hours[0], hours[0] + 20))


def test_the_turn_is_the_same_in_every_time_zone() -> None:
    there = datetime.timezone(datetime.timedelta(hours=-11))
    when = datetime.datetime(2026, 11, 20, 2, 30, tzinfo=datetime.UTC)
    assert choose.turn(when.astimezone(there)) == choose.turn(when)
