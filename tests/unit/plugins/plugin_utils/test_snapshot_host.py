# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._snapshot_host import choice

NOW = datetime.datetime(2026, 11, 20, 12, tzinfo=datetime.UTC)
HOSTS = ["a", "b", "c"]
MEMBERS = {"a": "cp1", "b": "cp2", "c": "cp3"}
ANY = {"tier": "manual", "run_key": "", "within": 0}
UPGRADE = {"tier": "pre-upgrade", "run_key": "to 1.37.1", "within": 86400}
SILENT = {"unreachable": True, "msg": "no route"}
NO_ETCD = {"msg": "this node knows no etcd"}


def look(member: str, *order: str, ill: str = "") -> dict[str, t.Any]:
    checks = (
        [{"name": "etcd snapshot member", "object": f"etcd/{ill}", "evidence": "passed over: is ill"}] if ill else []
    )
    checks.append({"name": "etcd quorum", "object": "etcd", "evidence": "3 of 3"})
    return {"member": member, "cluster_id": "c1", "snapshot_members": list(order), "checks": checks}


def looks(*order: str, **others: t.Any) -> dict[str, t.Any]:
    return {**{host: look(member, *order) for host, member in MEMBERS.items()}, **others}


def snapshot(hours: float, **fields: t.Any) -> dict[str, t.Any]:
    started = (NOW - datetime.timedelta(hours=hours)).isoformat()
    label = {"tier": "pre-upgrade", "run_key": "to 1.37.1", "cluster_id": "c1", "trouble": ""}
    return {**label, "started": started, **fields}


def chosen(looks: t.Any, kept: t.Any = None, purpose: t.Any = None, hosts: t.Any = None) -> tuple[str, list[str]]:
    result = choice(hosts or HOSTS, looks, kept or {}, purpose or ANY, NOW.timestamp())
    return result["host"], result["lines"]


def test_the_host_whose_member_has_the_turn() -> None:
    assert chosen(looks("cp3", "cp2", "cp1")) == ("c", [])
    assert chosen(looks("cp2", "cp3", "cp1")) == ("b", [])


def test_hosts_of_several_clusters_are_refused() -> None:
    found = looks("cp1", "cp2", b={**look("cp1", "cp1"), "cluster_id": "c2"}, c=SILENT)
    refusal = choice(HOSTS, found, {}, ANY, NOW.timestamp())["refusal"]
    assert "2 clusters of etcd (c1: a; c2: b)" in refusal
    assert "-e cluster=GROUP" in refusal
    for alone in (looks("cp1", b=NO_ETCD, c=SILENT), {"a": {"skipped": True}}):
        assert choice(HOSTS, alone, {}, ANY, NOW.timestamp())["refusal"] == ""


def test_one_host_is_asked_without_a_look() -> None:
    assert chosen({"a": {"skipped": True}}, {"a": {"skipped": True}}, hosts=["a"]) == ("a", [])


def test_who_is_passed_over() -> None:
    assert chosen(
        looks("cp2", "cp1", a=SILENT, c=look("cp3", "cp2", "cp1", ill="cp3"), b=look("cp2", "cp2", ill="cp3"))
    ) == (
        "b",
        ["a: passed over: no route", "etcd/cp3: passed over: is ill"],
    )


def test_the_turn_of_a_member_that_no_host_of_the_play_has() -> None:
    assert chosen(looks("elsewhere", "cp2", "cp1"))[0] == "b"


def test_control_planes_whose_etcd_is_elsewhere() -> None:
    order = ("m2", "m1")
    found = {"cp1": look("", *order), "e1": look("m1", *order), "e2": look("m2", *order)}
    assert chosen(found, hosts=["cp1", "e1", "e2"]) == ("e2", [])


@pytest.mark.parametrize(
    ("found", "files_from"),
    [
        ({"e1": {"apiserver": False}, "cp1": SILENT, "cp2": {"apiserver": True}, "cp3": {"apiserver": True}}, "cp2"),
        ({"e1": {"apiserver": True}, "cp1": {"apiserver": True}}, ""),
        ({"e1": {"apiserver": False}, "cp1": SILENT}, ""),
        ({"e1": SILENT, "cp1": {"apiserver": True}}, ""),
        ({"e1": {"skipped": True}}, ""),
    ],
)
def test_whose_files_go_with_a_snapshot(found: dict[str, dict[str, t.Any]], files_from: str) -> None:
    """Those of a control plane that answers, where the host of the snapshot is none."""
    looked = {host: {**look, **({"member": "m1"} if host == "e1" else {})} for host, look in found.items()}
    chosen = choice(list(found), looked, {}, ANY, NOW.timestamp())
    assert (chosen["host"], chosen["files_from"]) == ("e1", files_from)


@pytest.mark.parametrize(
    ("found", "host"),
    [
        (looks(), "a"),
        (looks(a=SILENT), "b"),
        (looks(a=look("")), "b"),
        ({"a": SILENT, "b": NO_ETCD, "c": NO_ETCD}, "b"),
        ({"a": SILENT, "b": SILENT, "c": SILENT}, "a"),
    ],
)
def test_where_nobody_may_somebody_is_asked_to_say_why(found: t.Any, host: str) -> None:
    assert chosen(found)[0] == host


def test_a_host_with_a_snapshot_for_this_comes_first_and_the_newest_of_them() -> None:
    order = looks("cp3", "cp2", "cp1")
    kept = {"b": {"snapshots": [snapshot(1)]}, "c": {"msg": "cannot be read"}, "a": {"skipped": True}}
    host, lines = chosen(order, kept, UPGRADE)
    assert host == "b"
    assert lines == ["b: has the snapshot that an earlier run has taken for this"]
    kept = {"b": {"snapshots": [snapshot(3), snapshot(2)]}, "a": {"snapshots": [snapshot(1), snapshot(9)]}}
    assert chosen(order, kept, UPGRADE)[0] == "a"


def test_a_snapshot_for_this_where_the_member_is_ill_now() -> None:
    kept = {"b": {"snapshots": [snapshot(1)]}}
    assert chosen(looks("cp3", "cp1", b={"msg": "no member answers"}), kept, UPGRADE)[0] == "b"
    assert chosen(dict.fromkeys(HOSTS, NO_ETCD), kept, UPGRADE)[0] == "b"


@pytest.mark.parametrize(
    "other",
    [
        snapshot(25),
        snapshot(1, tier="manual"),
        snapshot(1, run_key="to 1.36.9"),
        snapshot(1, cluster_id="c2"),
        snapshot(1, trouble="3 bytes, 4 were taken"),
        snapshot(1, started="yesterday"),
        {"trouble": ""},
    ],
)
def test_snapshots_for_something_else(other: dict[str, t.Any]) -> None:
    assert chosen(looks("cp3", "cp2", "cp1"), {"b": {"snapshots": [other]}}, UPGRADE) == ("c", [])
