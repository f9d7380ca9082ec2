# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clusters of real members brought back to a snapshot, and back again: by the steps that the playbook takes."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import state
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import ids, order, plan
from ansible_collections.kubeops.maintenance.tests.integration.etcd import restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.kubelet import Hosts, bring, clean
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release, agreed, text
from ansible_collections.kubeops.maintenance.tests.integration.etcd.restoring import ID, fill, prepared, save

NAMES = ("cp1", "cp2", "cp3")
SECOND = "20261122T183000Z-4f2a91"
BEFORE, AFTER = b"/registry/configmaps/default/before", b"/registry/configmaps/default/after"
STEPS = ("stopped", "swapped", "started", "verified", "committed", "finished")
Plan = dict[str, t.Any]


def said(hosts: Hosts) -> list[state.Status]:
    return [one.gateway.status() for one in hosts.members]


def pids(hosts: Hosts) -> list[int]:
    return [one.process.pid for one in hosts.kubelets if one.process]


def made(hosts: Hosts, identity: str = ID, **changes: t.Any) -> Plan:
    """Something in it, a snapshot of that on all hosts, something else since, and a restore that is prepared."""
    members = hosts.members
    client = fill(members[0])
    client.put(BEFORE, b"x")
    taken = save(members)
    client.delete(BEFORE)
    client.put(AFTER, b"x")
    wanted = restoring.order(members, taken, id=identity, **changes)
    for one in members:
        prepared(one, wanted)
    return wanted


def holds(hosts: Hosts) -> list[tuple[bytes, bytes]]:
    """Of each member, what it has of before and of after the snapshot."""
    return [(one.gateway.value(BEFORE), one.gateway.value(AFTER)) for one in hosts.members]


OLD, NEW = (b"", b"x"), (b"x", b"")


@pytest.mark.parametrize("count", [1, 3])
def test_a_cluster_brought_back_to_a_snapshot(releases: list[Release], tmp_path: pathlib.Path, count: int) -> None:
    for release in releases:
        root = tmp_path / release.version
        root.mkdir()
        with Hosts(release, root, NAMES[:count]).running() as hosts:
            before = said(hosts)
            wanted = made(hosts)
            last = hosts.members[0].gateway.status().revision
            assert holds(hosts) == [OLD] * count
            for step in STEPS:
                results = hosts.bring(step, ID)
                assert {result["phase"] for result in results} == {step}
                assert {check["status"] for result in results for check in result["checks"]} <= {"pass"}
                assert not any(result["changed"] for result in hosts.bring(step, ID))
            after = said(hosts)
            assert holds(hosts) == [NEW] * count
            assert {one.cluster_id for one in after} == {ids.cluster(order.parse(wanted))}
            assert not {one.cluster_id for one in after} & {one.cluster_id for one in before}
            assert not {one.member_id for one in after} & {one.member_id for one in before}
            assert all(one.revision >= wanted["snapshot"]["revision"] + wanted["bump"] > last for one in after)
            Client(hosts.members[-1].local).put(b"/registry/configmaps/default/later", b"x")

            again(hosts)


def again(hosts: Hosts) -> None:
    """A second restore, of a cluster that was restored; its snapshot has a raised revision."""
    first = said(hosts)
    for one in hosts.members:
        shutil.rmtree(one.backups)
    made(hosts, SECOND)
    for step in STEPS:
        hosts.bring(step, SECOND)
    assert holds(hosts) == [NEW] * len(hosts.members)
    assert not {one.cluster_id for one in said(hosts)} & {one.cluster_id for one in first}
    for one in hosts.members:
        assert plan.folders(str(one.data)) == [ID, SECOND]
        assert clean(one, keep=1)["changed"]
        assert plan.folders(str(one.data)) == [SECOND]


def test_members_that_were_restored_from_different_files(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """To etcd they look healthy."""
    with Hosts(releases[-1], tmp_path, NAMES).running() as hosts:
        before, wanted = said(hosts), made(hosts)
        other = hosts.members[-1]
        substitute(other, wanted)
        for step in STEPS[:3]:
            hosts.bring(step, ID)
        for one in hosts.members:
            with pytest.raises(
                MaintenanceError, match=r"etcd data equal: etcd: hashes at revision \d+ differ: "
            ) as caught:
                bring(one, "verified", ID)
            assert caught.value.data["phase"] == "started"
            assert {check["status"] for check in caught.value.data["checks"]} == {"pass", "fail"}
            with pytest.raises(MaintenanceError, match="is started on this member and has to be verified"):
                bring(one, "committed", ID)
        hosts.bring("rolled_back", ID)
        hosts.wait()
        assert holds(hosts) == [OLD] * 3
        assert [one.member_id for one in said(hosts)] == [one.member_id for one in before]
        assert not any(result["changed"] for result in hosts.bring("rolled_back", ID))
        Client(other.local).put(AFTER, b"y")


def substitute(etcd: Etcd, wanted: Plan) -> None:
    """Prepare it from another snapshot, with as many keys in it."""
    client = Client(etcd.local)
    client.put(b"/registry/configmaps/default/another", b"x")
    client.delete(AFTER)
    taken = etcd.backup()["snapshot"]
    found = order.parse(wanted)
    target = etcd.data / plan.FOLDER / ID / "prepared"
    shutil.rmtree(target)
    etcd.release.snapshot_restore(
        taken["path"],
        target,
        f"--name={etcd.name}",
        f"--initial-cluster={found.initial_cluster}",
        f"--initial-cluster-token={found.token}",
        f"--initial-advertise-peer-urls={etcd.peer_url}",
        f"--bump-revision={found.revision - taken['revision']}",
        "--mark-compacted",
    )
    client.put(AFTER, b"x")


def test_a_bump_that_is_too_small_by_now(releases: list[Release], tmp_path: pathlib.Path) -> None:
    with Hosts(releases[-1], tmp_path, NAMES).running() as hosts:
        wanted = made(hosts, bump=20)
        client = Client(hosts.members[0].local)
        reached = wanted["snapshot"]["revision"] + 20
        while client.put(AFTER, b"x") < reached:
            pass
        for one in hosts.members:
            one.caught_up(reached)
        running, trees = pids(hosts), [restoring.tree(one) for one in hosts.members]
        for one in hosts.members:
            match = (
                f"etcd/{one.name}: is at revision {reached}, and what was restored goes on from {reached} .*Nothing was"
            )
            with pytest.raises(MaintenanceError, match=match) as caught:
                bring(one, "stopped", ID)
            assert caught.value.data["changed"] is False
        assert (pids(hosts), [restoring.tree(one) for one in hosts.members]) == (running, trees)
        assert holds(hosts) == [OLD] * 3


def test_a_bump_that_is_too_small_where_the_member_is_down(releases: list[Release], tmp_path: pathlib.Path) -> None:
    with Hosts(releases[-1], tmp_path, NAMES[:1]).running() as hosts:
        wanted, (one,) = made(hosts, bump=20), hosts.members
        client = Client(one.local)
        while client.put(AFTER, b"x") < wanted["snapshot"]["revision"] + 25:
            pass
        hosts.kubelets[0].lose()
        hosts.kubelets[0]._end()
        with pytest.raises(MaintenanceError, match="and what was restored goes on from"):
            bring(one, "stopped", ID)
        assert (one.root / "etcd.yaml").exists()


def test_a_host_that_is_lost_after_the_stop(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """The others have a quorum, and no member of three is enough for a restore."""
    with Hosts(releases[-1], tmp_path, NAMES).running() as hosts:
        made(hosts)
        there, (lost,) = hosts.members[:2], hosts.members[2:]
        hosts.bring("stopped", ID)
        for step in STEPS[1:3]:
            hosts.bring(step, ID, *there)
        for one in there:
            one.wait()
        for one in there:
            with pytest.raises(MaintenanceError, match="etcd member answers: etcd/cp3: it has not started") as caught:
                bring(one, "verified", ID, timeout=3)
            assert "restore 20261121T183000Z-4f2a90: the restored cluster is not what it has to be" in caught.value.msg
        assert {result["phase"] for result in hosts.bring("rolled_back", ID, *there)} == {"rolled_back"}
        for one in there:
            one.wait()
            assert one.gateway.value(AFTER) == b"x"
        # It comes back later, by itself or by the next run.
        bring(lost, "rolled_back", ID)
        hosts.wait()
        assert holds(hosts) == [OLD] * 3


def test_a_member_whose_disk_was_lost(releases: list[Release], tmp_path: pathlib.Path) -> None:
    with Hosts(releases[-1], tmp_path, NAMES).running() as hosts:
        members = hosts.members
        fill(members[0]).put(BEFORE, b"x")
        taken = save(members)
        hosts.kubelets[2].lose()
        hosts.kubelets[2]._end()
        shutil.rmtree(members[2].data / "member")
        agreed(members[:2])
        Client(members[0].local).delete(BEFORE)
        wanted = restoring.order(members, taken)
        for one in members:
            prepared(one, wanted, places=[str(one.release.directory)])
        hosts.bring("stopped", ID)
        hosts.kubelets[2].lost = False
        for step in STEPS[1:]:
            hosts.bring(step, ID)
        assert holds(hosts) == [NEW] * 3


def test_back_to_data_that_etcd_does_not_start_from(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """Restores are for that. Where the first comes to nothing, the second has to be possible."""
    with Hosts(releases[-1], tmp_path, NAMES[:1]).running() as hosts:
        (one,), (kubelet,) = hosts.members, hosts.kubelets
        fill(one).put(BEFORE, b"x")
        taken = save([one])
        kubelet.lost = True
        kubelet._end()
        database = one.data / "member" / "snap" / "db"
        database.unlink()
        database.mkdir()
        kubelet.lost = False
        places = [str(one.release.directory)]
        prepared(one, restoring.order([one], taken), places=places)
        for step in STEPS[:3]:
            bring(one, step, ID)
        result = bring(one, "rolled_back", ID, timeout=3)
        assert result["phase"] == "rolled_back"
        (check,) = result["checks"]
        assert (check["status"], check["name"]) == ("warn", "etcd member started")
        assert "after 3 s no process has" in check["evidence"]
        prepared(one, restoring.order([one], taken, id=SECOND), places=places)
        for step in STEPS:
            bring(one, step, SECOND)
        assert one.gateway.value(BEFORE) == b"x"


def test_nothing_of_the_old_cluster_is_served_and_old_watches_end(
    releases: list[Release], tmp_path: pathlib.Path
) -> None:
    for release in releases:
        root = tmp_path / release.version
        root.mkdir()
        with Hosts(release, root, NAMES[:1]).running() as hosts:
            made(hosts)
            (one,) = hosts.members
            old = one.gateway.status().revision
            for step in STEPS:
                hosts.bring(step, ID)
            gone = watched(one, old)
            assert int(gone["compact_revision"]) > old
            assert gone["canceled"]
            fresh = Client(one.local).put(AFTER, b"x")
            assert fresh > int(gone["compact_revision"])
            event = watched(one, fresh)["events"][0]
            assert int(event["kv"]["mod_revision"]) == fresh


def watched(etcd: Etcd, revision: int) -> dict[str, t.Any]:
    """The first that a watch from a revision tells, after that it is one."""
    client = Client(etcd.local)
    body = {"create_request": {"key": text(AFTER), "start_revision": str(revision)}}
    client._connection.request("POST", "/v3/watch", json.dumps(body))
    response = client._connection.getresponse()
    try:
        while True:
            answer = dict(json.loads(response.readline())["result"])
            if answer.get("events") or answer.get("canceled"):
                return answer
    finally:
        client._connection.close()


def test_the_files_belong_to_whom_they_did(releases: list[Release], tmp_path: pathlib.Path) -> None:
    with Hosts(releases[-1], tmp_path, NAMES[:1]).running() as hosts:
        (one,) = hosts.members
        before = os.stat(one.data / "member")
        made(hosts)
        for step in STEPS[:4]:
            hosts.bring(step, ID)
        after = os.stat(one.data / "member")
        assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
        assert after.st_ino != before.st_ino
        assert os.stat(one.data / plan.FOLDER / ID / "previous" / "member").st_ino == before.st_ino
