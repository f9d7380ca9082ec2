# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's way to take and to read a snapshot against etcd's own tools."""

from __future__ import annotations

import json
import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import snapshot
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.pages import Damaged
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot, etcd_snapshot_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release, Writer

# So many of them take long enough for writes to come in between.
BIG = b"x" * 200_000


def expected(release: Release, taken: dict[str, object], contents: snapshot.contents.Contents) -> dict[str, object]:
    """What etcdutl of that release should say about a snapshot."""
    old = release.numbers < (3, 6)
    return {
        "hash": contents.hash,
        "revision": contents.revision,
        "totalKey": contents.rows if old else contents.keys,
        "totalSize": int(str(taken["size"])) - snapshot.TRAILER,
        **({} if old else {"version": contents.storage_version}),
    }


def test_a_snapshot_under_write_load_is_what_etcdutl_says(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            client = Client(etcd.local)
            for number in range(50):
                client.put(b"/registry/configmaps/%d" % number, BIG)
            with Writer(etcd) as writer:
                until(lambda: writer.written > 50 or None, Deadline(30), lambda: "nothing was written", interval=0.05)
                before, written = etcd.gateway.status().revision, writer.written
                taken = etcd.backup()["snapshot"]
                meanwhile = writer.written - written
                after = etcd.gateway.status().revision
            assert not writer.failed
            assert meanwhile > 0
            assert writer.longest < 10
            assert before <= taken["revision"] <= after
            assert taken["etcd_version"] == release.version
        contents = snapshot.verify(taken["path"], with_hash=True).contents
        for tool in releases:
            assert json.loads(tool.snapshot_status(taken["path"]).stdout) == expected(tool, taken, contents)
        release.snapshot_restore(taken["path"], etcd.root / "restored")


def test_damage_is_caught_where_etcdutl_sees_none(etcd: Etcd, tmp_path: pathlib.Path) -> None:
    client = Client(etcd.local)
    for number in range(20):
        client.put(b"/registry/secrets/%d" % number, b"secret" * 400)
    whole = pathlib.Path(etcd.backup()["snapshot"]["path"]).read_bytes()
    value, half = whole.rindex(b"secretsecret") + 50, len(whole) // 2
    damaged = {
        "flipped bit in a value": whole[:value] + bytes((whole[value] ^ 1,)) + whole[value + 1 :],
        "no trailer": whole[:-32],
        "grown": whole + b"\0" * 4096,
        "zeros": whole[:half] + b"\0" * (len(whole) - half),
        "truncated": whole[:half],
    }
    accepted = set()
    for name, content in damaged.items():
        path = tmp_path / f"{name}.db"
        path.write_bytes(content)
        with pytest.raises(Damaged):
            snapshot.verify(str(path))
        if etcd.release.snapshot_status(str(path)).returncode == 0:
            accepted.add(name)
    assert accepted == {"flipped bit in a value", "no trailer", "grown"}


def test_compacted_and_defragmented(etcd: Etcd) -> None:
    client = Client(etcd.local)
    for number in range(300):
        last = client.put(b"/registry/pods/%d" % (number % 40), b"p" * 3000)
    deleted = client.delete(b"/registry/pods/7")
    client.call("kv/compaction", revision=str(deleted), physical=True)
    etcd.ctl("defrag")
    taken = etcd.backup()["snapshot"]
    contents = snapshot.verify(taken["path"], with_hash=True).contents
    said = json.loads(etcd.release.snapshot_status(taken["path"]).stdout)
    assert said == expected(etcd.release, taken, contents)
    assert contents.keys == 39
    # Some releases compact away the deletion's row too, though it came last. etcd goes on from there all the same.
    assert contents.revision in (last, deleted)
    assert contents.head == deleted


def test_a_cluster_that_was_restored_with_a_bumped_revision(etcd: Etcd, tmp_path: pathlib.Path) -> None:
    Client(etcd.local).put(b"/registry/pods/1", b"p")
    first = etcd.backup()["snapshot"]
    again = Etcd(etcd.release, tmp_path / "again")
    peers = [f"--initial-cluster=cp1={again.peer_url}", f"--initial-advertise-peer-urls={again.peer_url}", "--name=cp1"]
    bump = ["--bump-revision=1000000000", "--mark-compacted", "--initial-cluster-token=again"]
    etcd.release.snapshot_restore(first["path"], again.data, *peers, *bump)
    with again.running():
        second = again.backup()["snapshot"]
    assert second["revision"] >= first["revision"] + 1000000000
    assert second["cluster_id"] != first["cluster_id"]
    contents = snapshot.verify(second["path"], with_hash=True).contents
    said = json.loads(etcd.release.snapshot_status(second["path"]).stdout)
    assert said == expected(etcd.release, second, contents)


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
