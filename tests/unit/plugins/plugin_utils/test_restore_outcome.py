# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.back import LEADER
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.outcome import (
    failure,
    may_serve,
    nodes,
    result,
)

MEMBERS = ["cp1", "cp2", "cp3"]
GOOD: dict[str, t.Any] = {"changed": True}
LOST: dict[str, t.Any] = {"unreachable": True, "msg": "no route to host"}
ID = "20261121T183000Z-4f2a90"


def left(**others: dict[str, t.Any]) -> dict[str, dict[str, t.Any]]:
    return {host: {"__restore_back": GOOD, "__restore_serving": GOOD} | others.get(host, {}) for host in MEMBERS}


def test_all_went_back() -> None:
    why = {"__restore_failure": {"task": "Prove it", "msg": "2 hashes at revision 7."}}
    other = {"__restore_failure": {"task": "Prove it", "msg": "it was not there"}}
    said = failure(left(cp1=why, cp2=other, cp3=why), MEMBERS, MEMBERS)
    told = "cp1, cp3: Prove it: 2 hashes at revision 7. cp2: Prove it: it was not there. All members were rolled back"
    assert said.startswith(told)
    assert "cp1, cp2, cp3 serve the data from before, and nothing is lost" in said


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"cp3": {"__restore_back": LOST}}, "Rolled back: cp1, cp2. cp3: not rolled back: the host was lost."),
        ({"cp3": {"__restore_back": {"msg": "disk full."}}}, "Rolled back: cp1, cp2. cp3: not rolled back: disk full."),
        (
            {"cp1": {"__restore_serving": {"msg": "kubelet is not active"}}},
            "Rolled back: cp2, cp3. cp1: its control plane was not started: kubelet is not active.",
        ),
    ],
)
def test_not_all_went_back(others: dict[str, t.Any], told: str) -> None:
    said = failure(
        left(cp2={"__restore_failure": {"task": "Start etcd", "msg": "it did not"}}, **others), MEMBERS, MEMBERS
    )
    assert told in said
    assert "run the same command again: it finishes going back first" in said


def test_a_member_that_went_back_and_does_not_serve() -> None:
    """As before the restore, which may have been for that."""
    warned = {"name": "etcd member started", "status": "warn", "evidence": "no process has it open", "fix": "mend it."}
    checks = [warned, {"name": "another", "status": "pass"}]
    said = failure(left(cp2={"__restore_back": {"checks": checks}}), MEMBERS, MEMBERS)
    assert (
        "cp1, cp2, cp3 have the data from before, and nothing is lost. But cp2: no process has it open. mend it."
        in said
    )
    said = failure(left(cp2={"__restore_back": {"checks": checks}}, cp3={"__restore_back": LOST}), MEMBERS, MEMBERS)
    assert "cp3: not rolled back: the host was lost. cp2: no process has it open. mend it. No data" in said


def test_members_that_went_back_one_after_the_other() -> None:
    """As with one fork. The first of them knew no leader then."""
    alone = {"name": LEADER, "status": "warn", "evidence": "it knows no leader yet", "fix": "bring back the others"}
    backs = {"cp1": {"__restore_back": {"checks": [alone]}}, "cp2": {"__restore_back": {"checks": [alone]}}}
    assert "But cp1: it knows no leader yet. bring back the others. cp2: " in failure(left(**backs), MEMBERS, MEMBERS)
    backs["cp2"] = {"__restore_back": {"checks": [{**alone, "status": "pass", "fix": ""}]}}
    assert "But" not in failure(left(**backs), MEMBERS, MEMBERS)


def test_a_host_that_was_lost_before_has_left_nothing() -> None:
    hosts = left() | {"cp3": {}}
    said = failure(hosts, MEMBERS, MEMBERS)
    assert said.startswith("cp3 was lost. Rolled back: cp1, cp2. cp3: not rolled back: the host was lost")


@pytest.mark.parametrize(
    ("phases", "serves"),
    [
        ({}, True),
        ({"cp1": "verified"}, True),
        ({"cp1": "started", "cp3": "rolling_back"}, False),
        # Neither was in the way of the data.
        ({"cp1": "stopping", "cp2": "prepared", "cp3": ""}, True),
        # It went back, and could not note it.
        ({"cp1": "rolled_back", "cp2": "rolled_back"}, True),
    ],
)
def test_no_control_plane_finds_what_was_given_up(phases: dict[str, str], serves: bool) -> None:
    hosts = left(**{host: {"__restore_back": {"phase": phase, "msg": "no"}} for host, phase in phases.items()})
    assert may_serve(hosts, MEMBERS) is serves
    assert ("The control planes stay stopped" in failure(hosts, MEMBERS, MEMBERS)) is not serves


def test_one_member_that_did_not_go_back() -> None:
    assert not may_serve({"cp1": {"__restore_back": {"phase": "started", "msg": "no"}}}, ["cp1"])


def test_going_back_was_begun_by_an_earlier_run() -> None:
    said = failure(left(), MEMBERS, MEMBERS)
    assert said.startswith("an earlier run has begun to go back from this restore. All members were rolled back")


def test_nodes_that_follow_and_nodes_that_do_not() -> None:
    hosts = {"w1": {"restore_node": GOOD}, "w2": {"restore_node": LOST}, "w3": {"restore_node": {"msg": "not Ready"}}}
    found = nodes({**hosts, "w4": {}}, ["w1", "w2", "w3", "w4"])
    assert found["ill"] == {"w3": "not Ready"}
    assert found["lost"] == ["w2", "w4"]
    assert found["lines"] == [
        "w2: could not be reached: restart its kubelet when it is back",
        "w4: could not be reached: restart its kubelet when it is back",
        "w3: not Ready",
        "Ready, with a kubelet that knows the restored data: w1",
    ]


@pytest.mark.parametrize(
    ("times", "away"), [({"restore_began": "100.5", "restore_served": "142.75"}, 42.2), ({}, None)]
)
def test_what_a_restore_leaves(times: dict[str, t.Any], away: float | None) -> None:
    finished = {"restore_finished": {"plan": {"data_dir": "/var/lib/etcd"}}}
    plan = {"id": ID, "snapshot": {"name": "etcd-cp1.db"}}
    found = result({"cp1": finished | times}, plan, ["cp1"])
    told = {"id": ID, "snapshot": "etcd-cp1.db", "members": ["cp1"], "api_away_seconds": away}
    assert found["stats"] == {**told, "report": None}
    assert found["lines"][0] == "Restored etcd-cp1.db on cp1" + ("; the API was away for 42 s" if away else "")
    assert f"/var/lib/etcd/kubeops-restore/{ID}" in found["lines"][1]
    assert f"restore_undo={ID}" in found["lines"][2]


def test_any_member_that_had_data_tells_what_was_lost() -> None:
    report = {"lost": 3, "back": 1, "changed": 2, "names": {"pods": {}}, "lines": ["3 objects are lost"], "from": {}}
    blind = {"restore_compared": {"report": None, "report_trouble": "previous/member: is not there"}}
    first = blind | {"restore_finished": {"plan": {"data_dir": "/var/lib/etcd"}}}
    plan = {"id": ID, "snapshot": {"name": "etcd-cp1.db"}}
    found = result({"cp1": first, "cp2": {"restore_compared": {"report": report}}}, plan, ["cp1", "cp2"])
    assert found["lost"] == ["3 objects are lost"]
    assert found["stats"]["report"] == {"lost": 3, "back": 1, "changed": 2, "names": {"pods": {}}}
    found = result({"cp1": first}, plan, ["cp1"])
    assert found["lost"] == ["What the snapshot did not know cannot be told: previous/member: is not there"]
