# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, PASS, failures
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import health
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.state import Alarm, Member, Status

STATUS = Status("c1", "a1", "3.6.16", "3.6.0", 42, 1000, 900, "a1", 50, 50, False, ())
MEMBERS = (Member("a1", "cp1", ("https://192.0.2.11:2380",)), Member("a2", "cp2", ("https://192.0.2.12:2380",)))


def seen(alarms: tuple[Alarm, ...] = (), members: tuple[Member, ...] = MEMBERS, **status: t.Any) -> health.Observation:
    return health.Observation(dataclasses.replace(STATUS, **status), members, alarms)


def test_a_healthy_member() -> None:
    checks = health.checks("cp1", seen())
    assert [check.status for check in checks] == [PASS] * 5
    assert not any(check.fix for check in checks)
    assert {check.object for check in checks} == {"etcd/cp1"}


@pytest.mark.parametrize(
    ("observation", "name", "evidence", "fix"),
    [
        (seen(leader="", errors=("etcdserver: no leader",)), "etcd has a leader", "etcdserver: no leader", "quorum"),
        (seen(is_learner=True), "etcd member votes", "member a1 is a learner", "promote"),
        (seen(members=MEMBERS[1:]), "etcd member listed", "member a1 is not among the members: cp2 (a2", "add it"),
        (seen(raft_index=1051), "etcd member caught up", "1001 entries committed and not applied", "slow disk"),
        (seen((Alarm("a2", "NOSPACE"),)), "etcd has no alarm", "NOSPACE of cp2", "defragment"),
        (seen((Alarm("a1", "CORRUPT"),)), "etcd has no alarm", "CORRUPT of cp1", "hashkv"),
        (seen((Alarm("ff", "unknown alarm 7"),)), "etcd has no alarm", "unknown alarm 7 of ff", "log"),
    ],
)
def test_an_unhealthy_member(observation: health.Observation, name: str, evidence: str, fix: str) -> None:
    (check,) = failures(health.checks("cp1", observation))
    assert check.name == name
    assert evidence in check.evidence
    assert fix in check.fix


def test_being_a_few_entries_behind_is_normal() -> None:
    assert not failures(health.checks("cp1", seen(raft_index=1050)))


@pytest.mark.parametrize(("free", "status"), [(132_000, PASS), (131_999, FAIL)])
def test_room(free: int, status: str) -> None:
    check = health.room("/backups", free, 100_000)
    assert (check.status, check.object) == (status, "/backups")
    assert "132000 bytes needed" in check.evidence
    assert f"{free} bytes free" in check.evidence
    assert check.fix == ("" if status == PASS else "free 1 bytes there, or choose another directory")


def test_room_for_what_is_saved_with_it() -> None:
    assert "132500 bytes needed" in health.room("/backups", 0, 100_000, 500).evidence


class Answers:
    """A gateway that a member without a leader, or a learner, would not answer everything through."""

    def __init__(self, status: Status) -> None:
        self._status = status

    def status(self) -> Status:
        return self._status

    def members(self) -> tuple[Member, ...]:
        assert self._status.leader and not self._status.is_learner
        return MEMBERS

    def alarms(self) -> tuple[Alarm, ...]:
        assert self._status.leader and not self._status.is_learner
        return ()


@pytest.mark.parametrize(("change", "members"), [({}, MEMBERS), ({"leader": ""}, ()), ({"is_learner": True}, ())])
def test_a_member_is_asked_for_what_it_can_know(change: dict[str, t.Any], members: tuple[Member, ...]) -> None:
    status = dataclasses.replace(STATUS, **change)
    assert health.observe(t.cast(t.Any, Answers(status))) == health.Observation(status, members, ())
