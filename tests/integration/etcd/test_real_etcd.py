# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's way to take and to read a snapshot against etcd's own tools."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import snapshot
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot, etcd_snapshot_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd import etcdutl
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release, Writer
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.restores import put

# So many of them take long enough for writes to come in between.
BIG = b"x" * 200_000


def test_a_snapshot_under_write_load_is_what_etcdutl_says(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            client = Client(etcd.local)
            for number in range(50):
                client.put(b"/registry/configmaps/%d" % number, BIG)
            with Writer(etcd) as writer:
                until(lambda: writer.written > 50 or None, Deadline(120), lambda: "nothing was written", interval=0.05)
                before, written = etcd.gateway.status().revision, writer.written
                taken = etcd.backup()["snapshot"]
                meanwhile = writer.written - written
                after = etcd.gateway.status().revision
            assert not writer.failed
            assert meanwhile > 0
            assert before <= taken["revision"] <= after
            assert taken["etcd_version"] == release.version
        etcdutl.agree(releases, taken["path"])
        release.snapshot_restore(taken["path"], etcd.root / "restored")


def test_a_learner_is_known_to_the_snapshot_and_gives_none(etcd: Etcd, tmp_path: pathlib.Path) -> None:
    with Etcd(etcd.release, tmp_path / "cp2", "cp2").running(join=etcd) as learner:
        taken = etcd.backup()["snapshot"]
        assert "is a learner and may lag behind" in learner.refused()
    assert {(member["name"], member["is_learner"]) for member in taken["members"]} == {("cp1", False), ("cp2", True)}


def test_a_member_that_was_added_and_has_not_started(etcd: Etcd) -> None:
    etcd.ctl("member", "add", "cp2", "--learner", "--peer-urls=http://127.0.0.1:1")
    assert {member["name"] for member in etcd.backup()["snapshot"]["members"]} == {"cp1", ""}


def test_without_a_quorum(etcd: Etcd) -> None:
    etcd.ctl("member", "add", "cp2", "--peer-urls=http://127.0.0.1:1")
    etcd.leaderless()
    assert "this member knows no leader" in etcd.refused()


@pytest.mark.parametrize("alarm", ["NOSPACE", "CORRUPT"])
def test_an_alarm(etcd: Etcd, alarm: str) -> None:
    member = int(etcd.gateway.status().member_id, 16)
    Client(etcd.local).call("maintenance/alarm", action="ACTIVATE", memberID=str(member), alarm=alarm)
    assert f"{alarm} of cp1" in etcd.refused()


def test_a_member_that_is_down(etcd: Etcd) -> None:
    etcd.end()
    assert "does not answer" in etcd.refused()


@pytest.mark.parametrize("phase", [*plan.FORWARD, *plan.BACK])
def test_what_was_restored_and_may_be_taken_back(etcd: Etcd, phase: str) -> None:
    """As the newest it would be what the next restore takes, of a time that nobody wanted."""
    put(etcd.data, phase)
    if plan.reached(phase, plan.SWAPPING) and not plan.reached(phase, plan.COMMITTED) or phase == plan.ROLLING_BACK:
        assert f"is {phase}, and may still be taken back" in etcd.refused()
    else:
        assert etcd.backup()["changed"]


def test_snapshots_are_listed_released_and_pruned(etcd: Etcd) -> None:
    for number in range(3):
        Client(etcd.local).put(b"/registry/pods/%d" % number, b"p")
        etcd.backup(label=snapshot.Label("hourly"))
    before = etcd.backup(label=snapshot.Label("pre-upgrade"))["snapshot"]["path"]
    places = {"dir": str(etcd.backups), "manifest_dir": str(etcd.root)}
    listed = modules.call(etcd_snapshot_info, dir=places["dir"], verify=True)
    assert listed["ok"]
    assert [one["tier"] for one in listed["snapshots"]] == ["pre-upgrade", "hourly", "hourly", "hourly"]
    keep = dict.fromkeys(("hourly", "daily", "weekly", "monthly"), 0)
    pruned = modules.call(etcd_snapshot, state="pruned", keep={**keep, "at_least": 1}, **places)
    assert [one["name"] for one in pruned["removed"]] == [one["name"] for one in listed["snapshots"][2:]]
    assert {one["reason"] for one in pruned["kept"]} == {
        "from before an upgrade: kept until it is released",
        "one of the 1 newest",
    }
    name = pathlib.Path(before).name
    assert modules.call(etcd_snapshot, state="released", name=name, **places)["changed"]
    again = modules.call(etcd_snapshot, check=True, state="pruned", keep={**keep, "at_least": 1}, **places)
    assert [one["name"] for one in again["removed"]] == [listed["snapshots"][1]["name"]]
    left = modules.call(etcd_snapshot_info, dir=places["dir"], verify=True)
    assert [one["name"] for one in left["snapshots"]] == [name, listed["snapshots"][1]["name"]]
    snapshot.verify(before)
