# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, PASS, SKIP, WARN
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import cluster_health
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.cluster import Cluster, Seen
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.state import Alarm, Hash, Member, Status

MB = 1 << 20
STATUS = Status("c1", "a1", "3.6.16", "3.6.0", 42, 100 * MB, 90 * MB, "a1", 50, 50, False, (), 2048 * MB)


def seen(number: int, learner: bool = False, down: bool = False, **status: t.Any) -> Seen:
    member = Member(f"a{number}", f"cp{number}", (f"https://192.0.2.{number}:2380",), learner)
    said = dataclasses.replace(STATUS, **{"member_id": member.id, **status})
    return Seen(member, "https://x:2379", None if down else said, "it is down" if down else "", said.quota)


def cluster(*members: Seen, alarms: tuple[Alarm, ...] | None = (), hashes: tuple[Hash, ...] | None = None) -> Cluster:
    found = members or (seen(1), seen(2), seen(3))
    given = hashes if hashes is not None else (Hash(42, 7, 99),) * len(found)
    return Cluster(found, alarms, {one.member.id: each for one, each in zip(found, given, strict=False)})


def stored(found: Cluster) -> list[Member]:
    return [one.member for one in found.members]


def test_a_well_cluster() -> None:
    found = cluster()
    checks = cluster_health.checks(found, stored(found))
    assert {check.status for check in checks} == {PASS}
    assert not any(check.fix for check in checks)


@pytest.mark.parametrize(
    ("found", "name", "status", "evidence", "fix"),
    [
        (cluster(seen(1), seen(2), seen(3, down=True)), "etcd member answers", FAIL, "it is down", "crictl"),
        (cluster(seen(1), seen(2), seen(3, down=True)), "etcd quorum", WARN, "2 of 3 voting", "bring all members back"),
        (cluster(seen(1), seen(2)), "etcd quorum", WARN, "none may be lost", "no safer than one"),
        (cluster(seen(1), seen(2, down=True)), "etcd quorum", FAIL, "1 of 2 voting members answer, 2", "start"),
        (cluster(seen(1), seen(2, leader="a2"), seen(3)), "etcd has a leader", FAIL, "cp2: a2", "network"),
        (cluster(seen(1, leader="")), "etcd has a leader", FAIL, "cp1: none", "network"),
        (cluster(seen(1, down=True)), "etcd has a leader", FAIL, "nobody answers", "network"),
        (cluster(seen(1), seen(2, learner=True)), "etcd members vote", WARN, "learners: cp2", "promote"),
        (cluster(seen(1), seen(2, version="3.5.30")), "etcd versions", WARN, "3.5.30 on cp2, 3.6.16 on cp1", "finish"),
        (cluster(seen(1, raft_index=1051)), "etcd member caught up", FAIL, "1001 entries", "slow disk"),
        (cluster(seen(1, db_size_in_use=1639 * MB)), "etcd room", WARN, "80% of its quota", "quota-backend-bytes"),
        (cluster(seen(1, db_size_in_use=1844 * MB)), "etcd room", FAIL, "90% of its quota", "quota-backend-bytes"),
        (cluster(seen(1, quota=0, db_size_in_use=1900 * MB)), "etcd room", FAIL, "etcd's default", "quota"),
        (cluster(seen(1, db_size=500 * MB)), "etcd file compact", WARN, "82% of the file is free", "followers first"),
        (cluster(alarms=(Alarm("a2", "CORRUPT"),)), "etcd has no alarm", FAIL, "CORRUPT of cp2", "hashkv"),
        (cluster(alarms=None), "etcd has no alarm", SKIP, "needs a quorum", ""),
        (
            cluster(hashes=(Hash(42, 7, 1), Hash(42, 7, 1), Hash(42, 7, 2))),
            "etcd data equal",
            FAIL,
            "hashes at revision 42 differ: 1 on cp1, cp2, 2 on cp3",
            "snapshot of each side first",
        ),
        (cluster(hashes=(Hash(42, 7, 1), Hash(42, 8, 2))), "etcd data equal", SKIP, "compacted while", ""),
        (cluster(hashes=()), "etcd data equal", SKIP, "0 members have been compared", ""),
    ],
)
def test_an_ill_cluster(found: Cluster, name: str, status: str, evidence: str, fix: str) -> None:
    (check,) = [one for one in cluster_health.checks(found, stored(found)) if one.name == name and one.status == status]
    assert evidence in check.evidence
    assert fix in check.fix if fix else check.fix == ""


@pytest.mark.parametrize(
    ("kept", "evidence"),
    [
        ([1, 2, 3, 9], "removed, but stored: cp9 (a9, https://192.0.2.9:2380)"),
        ([1, 2], "not stored: cp3 (a3, https://192.0.2.3:2380)"),
        ([1, 2, -3], "stored with another role: cp3 (a3, https://192.0.2.3:2380, learner)"),
    ],
)
def test_members_that_the_database_names_and_the_cluster_does_not(kept: list[int], evidence: str) -> None:
    members = [seen(abs(number), learner=number < 0).member for number in kept]
    check = cluster_health.checks(cluster(), members)[-1]
    assert (check.name, check.status, check.evidence) == ("etcd member list", FAIL, evidence)
    assert "before any of them goes to 3.6" in check.fix


def test_a_database_that_could_not_be_read() -> None:
    assert cluster_health.checks(cluster(), None)[-1].status == SKIP


@pytest.mark.parametrize(("in_use", "status"), [(1638, PASS), (1639, WARN), (1843, WARN), (1844, FAIL)])
def test_room_by_what_is_in_use(in_use: int, status: str) -> None:
    found = cluster(seen(1, db_size_in_use=in_use * MB))
    assert next(check.status for check in cluster_health.checks(found) if check.name == "etcd room") == status


def test_a_little_that_is_free_is_no_reason_to_defragment() -> None:
    found = cluster(seen(1, db_size=200 * MB, db_size_in_use=1 * MB))
    assert next(check.status for check in cluster_health.checks(found) if check.name == "etcd file compact") == PASS
