# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pruning and releasing on a disk, with a fake member that says which cluster this is."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import lock
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup, store, upkeep
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.retention import Policy
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.where import Where
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd

KEYS = {"changed", "snapshot", "checks", "kept", "removed", "summary", "actions", "durations"}
ONE = Policy(hourly=0, daily=0, weekly=0, monthly=0, at_least=1)
NOW = datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass
class Node:
    """A node with one real snapshot, of which older ones are made by changing its sidecar."""

    root: pathlib.Path
    etcd: FakeEtcd

    def __post_init__(self) -> None:
        self.url = self.etcd.url
        self.backups, manifests = self.root / "backups", self.root / "manifests"
        manifests.mkdir()
        words = f"--name=cp1\n- --data-dir=/var/lib/etcd\n- --listen-client-urls={self.url}\n"
        (manifests / "etcd.yaml").write_text(f"command:\n- {words}image: etcd:3.6.16-0\n")
        places = {"directory": str(self.backups), "manifests": str(manifests), "lock_path": str(self.root / "lock")}
        self.request = Where(**places)
        taken = backup.run(backup.Request(label=Label("hourly"), **places))["snapshot"]
        self.newest = pathlib.Path(taken["path"])

    def older(self, days: int, tier: str = "hourly", member: str = "cp1", **changes: t.Any) -> str:
        when = NOW - datetime.timedelta(days=days)
        path = self.backups / store.name(member, when, tier, 7)
        path.write_bytes(self.newest.read_bytes())
        known = json.loads(pathlib.Path(store.sidecar(str(self.newest))).read_text())
        sidecar = {**known, "tier": tier, "member": member, "started": store.timestamp(when), **changes}
        pathlib.Path(store.sidecar(str(path))).write_text(json.dumps(sidecar))
        return path.name

    def prune(self, policy: Policy = ONE, **options: t.Any) -> dict[str, t.Any]:
        return upkeep.prune(dataclasses.replace(self.request, **options), policy)

    def files(self) -> set[str]:
        return {path.name for path in self.backups.iterdir()}

    def refused(self, work: t.Callable[[], t.Any]) -> str:
        before = self.files()
        with pytest.raises(MaintenanceError) as caught:
            work()
        assert self.files() == before
        assert set(caught.value.data) == KEYS
        assert not caught.value.data["changed"]
        return caught.value.msg


@pytest.fixture
def node(tmp_path: pathlib.Path) -> t.Iterator[Node]:
    with FakeEtcd() as etcd:
        yield Node(tmp_path, etcd)


def test_what_nothing_keeps_is_deleted_with_its_companions(node: Node) -> None:
    old, copy = node.older(3), node.older(5, member="cp2")
    (node.backups / f"{old}.files.age").touch()
    (node.backups / f"{old}.control-plane.files.cms").touch()
    foretold = node.prune(dry_run=True)
    assert old in node.files()
    result = node.prune()
    assert node.files() == {node.newest.name, f"{node.newest.name}.json"}
    assert set(result) == KEYS
    assert result["changed"]
    assert [one["name"] for one in result["removed"]] == [old, copy]
    assert result["kept"] == [{"name": node.newest.name, "reason": "one of the 1 newest"}]
    assert {**foretold, "durations": {}} == {**result, "durations": {}}
    again = node.prune()
    assert (again["changed"], again["actions"], again["removed"]) == (False, [], [])


def test_what_is_not_ours_stays(node: Node) -> None:
    others = [
        node.older(500, tier="manual"),
        node.older(501, tier="pre-upgrade"),
        node.older(502, kube_system_uid="another"),
        node.older(503, size=1),
        node.older(504, started="yesterday"),
        node.older(505, started="2026-01-01T00:00:00"),
        node.older(508, schema=2),
        node.older(506, tier="daily", kube_system_uid="", cluster_id="another"),
    ]
    moved = node.older(507)
    (node.backups / moved).unlink()
    (node.backups / moved).symlink_to("/nowhere")
    (node.backups / "etcd-cp1-20200101T000000.000Z-hourly-rev7.db").write_text("no sidecar")
    (node.backups / "notes.txt").write_text("mine")
    before = node.files()
    assert node.prune()["removed"] == []
    assert node.files() == before >= set(others)


def test_a_cluster_that_was_restored_is_the_same_cluster(node: Node) -> None:
    """Its etcd has a new id, and its snapshots from before are as much its own."""
    old = node.older(3, cluster_id="before")
    assert [one["name"] for one in node.prune()["removed"]] == [old]


def test_before_the_first_snapshot_after_a_restore(node: Node) -> None:
    """All are from before it, and the member tells whose they are."""
    known = json.loads(pathlib.Path(store.sidecar(str(node.newest))).read_text())
    namespace = base64.b64encode(json.dumps({"metadata": {"uid": known["kube_system_uid"]}}).encode()).decode()
    node.etcd.answers["kv/range"] = (200, json.dumps({"kvs": [{"value": namespace}]}).encode())
    store.note(str(node.newest), known, cluster_id="before")
    old, other = node.older(3, cluster_id="before"), node.older(4, kube_system_uid="another")
    assert [one["name"] for one in node.prune()["removed"]] == [old]
    assert other in node.files()


def test_a_control_plane_whose_etcd_is_elsewhere_asks_there(node: Node) -> None:
    """It has copies, and they would never go."""
    manifests = pathlib.Path(node.request.manifests)
    (manifests / "etcd.yaml").unlink()
    assert "no etcd member found on this node" in node.refused(node.prune)
    old = node.older(3)
    silent = "http://127.0.0.1:1"

    def servers(*urls: str) -> None:
        words = f"kube-apiserver\n- --etcd-servers={','.join(urls)}"
        (manifests / "kube-apiserver.yaml").write_text(f"command:\n- {words}\nimage: kube-apiserver:v1.36.4\n")

    servers(silent, silent)
    assert silent in node.refused(node.prune)
    servers(silent, node.url, silent)
    assert [one["name"] for one in node.prune()["removed"]] == [old]


def test_nothing_goes_where_the_newest_is_damaged(node: Node) -> None:
    node.older(3)
    content = bytearray(node.newest.read_bytes())
    content[5000] ^= 1
    node.newest.write_bytes(content)
    assert "The snapshot is damaged" in node.refused(node.prune)


def test_one_from_the_future_does_not_stand_for_the_newest(node: Node) -> None:
    node.older(3)
    node.older(-300)
    content = bytearray(node.newest.read_bytes())
    content[5000] ^= 1
    node.newest.write_bytes(content)
    assert node.newest.name in node.refused(node.prune)


def test_nothing_goes_where_a_drill_could_not_restore_the_newest(node: Node) -> None:
    for days in (3, 4):
        node.older(days)
    path = str(node.newest)
    damaged = {"at": "2026-11-20T10:11:12.345Z", "reason": "it does not start"}
    store.note(path, json.loads(pathlib.Path(store.sidecar(path)).read_text()), damaged=damaged)
    assert "could not be restored in a drill" in node.refused(node.prune)


def test_one_that_a_drill_could_not_restore_does_not_count_and_does_not_go(node: Node) -> None:
    damaged = node.older(2, damaged={"at": "2026-11-20T10:11:12.345Z", "reason": "it does not start"})
    node.older(3)
    result = node.prune(Policy(0, 0, 0, 0, at_least=2))
    assert result["removed"] == []
    assert damaged in node.files()


def test_nothing_goes_where_the_newest_is_another_file(node: Node) -> None:
    node.older(3)
    sidecar = pathlib.Path(store.sidecar(str(node.newest)))
    sidecar.write_text(sidecar.read_text().replace('"sha256": "', '"sha256": "0'))
    assert "is not the file that its sidecar describes. Nothing was deleted" in node.refused(node.prune)


def test_nothing_goes_before_there_is_one_of_this_cluster(node: Node) -> None:
    node.older(3, cluster_id="before")
    for path in (store.sidecar(str(node.newest)), node.newest):
        os.unlink(path)
    assert "that etcd/cp1 is in, so nothing was deleted. Take one first" in node.refused(node.prune)


def test_nothing_goes_where_the_member_does_not_answer(node: Node, tmp_path: pathlib.Path) -> None:
    node.older(3)
    manifest = tmp_path / "manifests" / "etcd.yaml"
    manifest.write_text(manifest.read_text().replace(node.url, "http://127.0.0.1:1"))
    assert "does not answer" in node.refused(node.prune)


def test_nothing_goes_while_the_member_is_worked_on(node: Node) -> None:
    node.older(3)
    with lock.member_lock("restore", 1, node.request.lock_path):
        assert "(restore) after 0 s" in node.refused(lambda: node.prune(lock_timeout=0))


def test_a_run_that_was_killed_between_file_and_sidecar_is_finished(node: Node) -> None:
    old = node.older(3)
    os.unlink(node.backups / old)
    # Where nodes share the directory, another one may be about to name its snapshot so.
    assert node.prune()["actions"] == []
    os.utime(node.backups / f"{old}.json", (0, 0))
    result = node.prune()
    assert result["actions"] == [f"delete {node.backups / old}.json, whose snapshot a killed run has deleted"]
    assert node.files() == {node.newest.name, f"{node.newest.name}.json"}


def test_release(node: Node) -> None:
    name = node.older(400, tier="pre-upgrade")
    assert node.prune()["removed"] == []
    checked = upkeep.release(dataclasses.replace(node.request, dry_run=True), name)
    assert node.prune()["removed"] == []
    released = upkeep.release(node.request, name)
    assert set(released) == KEYS
    assert released["actions"] == checked["actions"] == [f"release {node.backups / name}"]
    assert not upkeep.release(node.request, name)["changed"]
    assert os.stat(node.backups / f"{name}.json").st_mode & 0o777 == 0o600
    assert [one["name"] for one in node.prune()["removed"]] == [name]


@pytest.mark.parametrize("name", ["nobody", "../x", ""])
def test_release_of_what_is_not_there(node: Node, name: str) -> None:
    there = node.older(1, tier="pre-upgrade")
    assert f"so nothing was released. There: {there}" in node.refused(lambda: upkeep.release(node.request, name))


def test_only_those_from_before_an_upgrade_are_released(node: Node) -> None:
    assert "There: none" in node.refused(lambda: upkeep.release(node.request, node.newest.name))
