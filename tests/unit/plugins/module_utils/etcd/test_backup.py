# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs against a fake member."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import archive
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import lock
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup, store
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd

KEYS = {"changed", "snapshot", "checks", "kept", "removed", "summary", "actions", "durations"}
LEFTOVER = "etcd-cp1-20261120T101112.345Z-manual.db.part"


@dataclasses.dataclass
class Node:
    """A node with a manifest that leads to a fake member."""

    root: pathlib.Path

    @property
    def backups(self) -> pathlib.Path:
        return self.root / "backups"

    def request(self, url: str, **options: t.Any) -> backup.Request:
        manifests = self.root / "manifests"
        manifests.mkdir(exist_ok=True)
        words = (f"--name=cp1\n- --data-dir=/var/lib/etcd\n- --listen-client-urls={url}\n",)
        (manifests / "etcd.yaml").write_text("command:\n- " + "".join(words) + "image: etcd:3.6.16-0\n")
        defaults = {"directory": str(self.backups), "label": Label("manual"), "manifests": str(manifests), "places": ()}
        return backup.Request(**{**defaults, "lock_path": str(self.root / "lock"), **options})

    def tree(self) -> list[str]:
        """All files but the lock and the manifests."""
        paths = (path.relative_to(self.root) for path in self.root.rglob("*"))
        return sorted(str(path) for path in paths if path.parts[0] not in ("lock", "manifests"))

    def refused(self, request: backup.Request) -> MaintenanceError:
        """The refusal, which has changed nothing and has all keys of a result."""
        before = self.tree()
        with pytest.raises(MaintenanceError) as caught:
            backup.run(request)
        assert set(caught.value.data) == KEYS
        assert caught.value.data["changed"] is False
        assert caught.value.data["actions"] == []
        assert set(caught.value.data["durations"]) == {"lock", "save", "verify", "total"}
        assert self.tree() == before
        return caught.value


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


def test_a_run(node: Node) -> None:
    with FakeEtcd() as etcd:
        result = backup.run(node.request(etcd.url))
    assert set(result) == KEYS
    assert result["changed"]
    statuses = {check["name"]: check["status"] for check in result["checks"]}
    assert list(statuses)[-2:] == ["tools for a restore", "room for the snapshot"]
    assert statuses.pop("tools for a restore") == "warn"  # a fake has none
    assert set(statuses.values()) == {"pass"}
    assert result["actions"] == [
        f"create directory {node.backups}",
        f"save a manual snapshot of etcd/cp1 to {node.backups} through gateway:"
        f" {len(etcd.database) - 32} bytes at revision 42",
    ]
    assert set(result["durations"]) == {"lock", "save", "verify", "total"}
    name = os.path.basename(result["snapshot"]["path"])
    assert node.tree() == ["backups", f"backups/{name}", f"backups/{name}.json"]


def test_check_mode_says_the_same_and_writes_nothing(node: Node) -> None:
    node.backups.mkdir()
    (node.backups / LEFTOVER).touch()
    before = node.tree()
    with FakeEtcd() as etcd:
        request = node.request(etcd.url)
        forecast = backup.run(dataclasses.replace(request, dry_run=True))
        assert node.tree() == before
        assert "maintenance/snapshot" not in etcd.asked
        result = backup.run(request)
    assert forecast["actions"] == result["actions"]
    assert forecast["checks"][:-1] == result["checks"][:-1]
    assert forecast["changed"]
    assert forecast["snapshot"] is None


def test_the_files_of_the_control_plane_go_with_it(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeEtcd() as etcd:
        request = node.request(etcd.url, files=archive.Request("plain"))
        (node.root / "pki").mkdir()
        (node.root / "pki" / "ca.key").touch()
        forecast = backup.run(dataclasses.replace(request, dry_run=True))
        result = backup.run(request)
        name = os.path.basename(result["snapshot"]["path"])
        written = [f"backups/{name}", f"backups/{name}.files.tar", f"backups/{name}.json"]
        assert node.tree() == ["backups", *written, "pki", "pki/ca.key"]
        assert [check["name"] for check in forecast["checks"]] == [check["name"] for check in result["checks"]]
        (warning,) = result["summary"][-1:]
        assert warning.startswith(
            "WARN  control plane files: " + str(node.root / "manifests") + ": this node is no control plane, so only"
            " etcd's own are saved. Fix: no control plane can be reached from here: run backup.yml,"
        )
        # A snapshot alone would fit.
        monkeypatch.setattr(disk, "free_bytes", lambda _directory: (len(etcd.database) - 32) * 132 // 100 + 1)
        assert "room for the snapshot" in node.refused(request).msg
        assert backup.run(dataclasses.replace(request, files=None))["changed"]


def test_what_cannot_be_encrypted_is_refused_before_the_member_is_asked(node: Node) -> None:
    with FakeEtcd() as etcd:
        refused = node.refused(node.request(etcd.url, files=archive.Request("encrypted", ("mine",))))
        assert etcd.asked == []
    assert "recipients: number 1 is neither a public key" in refused.msg


def test_unfinished_files_of_a_killed_run_are_removed(node: Node) -> None:
    node.backups.mkdir()
    for name in (LEFTOVER, LEFTOVER.replace("cp1", "cp2"), "mine.db.part"):
        (node.backups / name).touch()
    with FakeEtcd() as etcd:
        result = backup.run(node.request(etcd.url))
    assert result["actions"][0] == f"remove {node.backups}/{LEFTOVER}, which a killed run has left"
    names = os.listdir(node.backups)
    assert LEFTOVER not in names
    assert {LEFTOVER.replace("cp1", "cp2"), "mine.db.part"} < set(names)


def test_unfinished_files_do_not_count_against_the_room(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda _directory: 0)
    with FakeEtcd() as etcd:
        needed = (len(etcd.database) - 32) * 132 // 100
        request = node.request(etcd.url)
        node.refused(request)
        node.backups.mkdir()
        (node.backups / LEFTOVER).write_bytes(b"x" * (needed - 1))
        assert "free 1 bytes there" in node.refused(request).msg
        (node.backups / LEFTOVER).write_bytes(b"x" * needed)
        assert backup.run(request)["changed"]


@pytest.mark.parametrize(
    ("etcd", "evidence"),
    [
        (FakeEtcd(status={"leader": "0", "errors": ["etcdserver: no leader"]}), "no leader"),
        (FakeEtcd(status={"isLearner": True}), "is a learner"),
        (FakeEtcd(alarms=[{"memberID": "1", "alarm": "CORRUPT"}]), "CORRUPT of 1"),
        (FakeEtcd(alarms=[{"memberID": "1", "alarm": "NOSPACE"}]), "NOSPACE of 1"),
        (FakeEtcd(status={"raftIndex": "5000"}), "4950 entries"),
        (FakeEtcd(members=[]), "is not among the members"),
        (FakeEtcd(answers={"maintenance/status": (503, b"{}")}), "HTTP 503"),
        (FakeEtcd(answers={"cluster/member/list": (504, b'{"message":"timed out"}')}), "timed out"),
        (FakeEtcd(status={"dbSize": str(1 << 60)}), "bytes free"),
    ],
)
def test_an_unhealthy_member_and_too_little_room_are_refused(node: Node, etcd: FakeEtcd, evidence: str) -> None:
    with etcd:
        error = node.refused(node.request(etcd.url))
    assert "etcd/cp1: no snapshot was taken, nothing was written" in error.msg
    assert evidence in error.msg
    assert "Fix: " in error.msg
    (failed,) = (check for check in error.data["checks"] if check["status"] == "fail")
    assert evidence in failed["evidence"]
    assert "maintenance/snapshot" not in etcd.asked


def test_check_mode_refuses_too(node: Node) -> None:
    with FakeEtcd(status={"isLearner": True}) as etcd:
        assert "is a learner" in node.refused(node.request(etcd.url, dry_run=True)).msg


def test_no_member_on_this_node(node: Node) -> None:
    request = node.request("http://127.0.0.1:1")
    (node.root / "manifests" / "etcd.yaml").unlink()
    assert "no etcd member found on this node" in node.refused(request).msg


def test_a_held_lock_is_refused(node: Node) -> None:
    with FakeEtcd() as etcd, lock.member_lock("defrag of etcd/cp1", 0, str(node.root / "lock")):
        error = node.refused(node.request(etcd.url, lock_timeout=0))
    assert "(defrag of etcd/cp1) after 0 s" in error.msg
    assert etcd.asked == []


@pytest.mark.parametrize("kind", ["file", "everybody's"])
def test_a_place_that_is_none(node: Node, kind: str) -> None:
    if kind == "file":
        node.backups.touch()
    else:
        node.backups.mkdir()
        node.backups.chmod(0o777)
    with FakeEtcd() as etcd:
        for dry_run in (True, False):
            assert str(node.backups) in node.refused(node.request(etcd.url, dry_run=dry_run)).msg
    assert etcd.asked == []


def test_a_disk_that_fills_up_meanwhile(node: Node) -> None:
    """RLIMIT_FSIZE stands for the full disk: the write fails in the middle."""
    code = (
        "import json, resource, signal, sys\n"
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup, snapshot\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "options = json.loads(sys.argv[1])\n"
        "try:\n"
        "    backup.run(backup.Request(**{**options, 'label': snapshot.Label('manual')}))\n"
        "except backup.MaintenanceError as error:\n"
        "    print(error.msg)\n"
    )
    with FakeEtcd() as etcd:
        said = run_python(code, node.request(etcd.url)).communicate(timeout=300)[0].decode()
    assert said.strip() == f"{node.backups}: File too large. Done before: create directory {node.backups}"
    assert os.listdir(node.backups) == []


def test_one_that_is_there_already_stays_with_all_that_belongs_to_it(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "etcd-cp1-20261120T101112.345Z-manual"
    monkeypatch.setattr(store, "name", lambda *words: f"{name}-rev7.db" if len(words) > 3 else f"{name}.db.part")
    node.backups.mkdir()
    there = [f"{name}-rev7.db", f"{name}-rev7.db.files.age", f"{name}-rev7.db.json"]
    for one in there:
        (node.backups / one).write_text("{}")
    with FakeEtcd() as etcd, pytest.raises(MaintenanceError, match="is there already; nothing is overwritten"):
        backup.run(node.request(etcd.url))
    assert sorted(os.listdir(node.backups)) == there


def run_python(code: str, request: backup.Request) -> subprocess.Popen[bytes]:
    options = json.dumps({name: value for name, value in vars(request).items() if name != "label"})
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", code, options], stdout=subprocess.PIPE, env=environment)


def test_a_killed_run_leaves_nothing_that_looks_whole(node: Node) -> None:
    code = (
        "import json, sys\n"
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup, snapshot\n"
        "backup.run(backup.Request(**{**json.loads(sys.argv[1]), 'label': snapshot.Label('manual')}))\n"
    )
    with FakeEtcd(stream="hang") as etcd:
        with run_python(code, node.request(etcd.url)) as process:
            assert etcd.streaming.wait(60)
            process.send_signal(signal.SIGKILL)
        (part,) = os.listdir(node.backups)
        assert part.endswith(".db.part")
        assert list(store.described(str(node.backups), "cp1")) == []
    with FakeEtcd() as etcd:
        result = backup.run(node.request(etcd.url))
    assert result["actions"][0] == f"remove {node.backups}/{part}, which a killed run has left"
    assert [path for path, _sidecar in store.described(str(node.backups), "cp1")] == [result["snapshot"]["path"]]
    assert len(os.listdir(node.backups)) == 2


class TestReuse:
    """The second run of one undertaking."""

    LABEL = Label("pre-upgrade", "first", "1.36.4->1.37.1")

    @pytest.fixture
    def first(self, node: Node) -> dict[str, t.Any]:
        with FakeEtcd() as etcd:
            return t.cast(dict[str, t.Any], backup.run(node.request(etcd.url, label=self.LABEL))["snapshot"])

    def again(self, node: Node, etcd: FakeEtcd | None = None, **options: t.Any) -> dict[str, t.Any]:
        with etcd or FakeEtcd() as fake:
            return backup.run(node.request(fake.url, **{"label": self.LABEL, "reuse_within": 600, **options}))

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_what_is_there_will_do(self, node: Node, first: dict[str, t.Any], dry_run: bool) -> None:
        before = node.tree()
        result = self.again(node, dry_run=dry_run)
        assert not result["changed"]
        assert result["actions"] == []
        assert result["snapshot"] == first
        assert node.tree() == before

    def test_what_was_not_saved_with_it_is_missing_now(self, node: Node, first: dict[str, t.Any]) -> None:
        result = self.again(node, files=archive.Request("plain"))
        assert result["snapshot"] == first
        assert [check["evidence"] for check in result["checks"] if check["name"] == archive.CHECK] == [
            "the snapshot from before was taken without them"
        ]
        taken = self.again(node, files=archive.Request("plain"), reuse_within=0)
        again = self.again(node, files=archive.Request("plain"))
        assert again["snapshot"] == taken["snapshot"]
        assert archive.CHECK not in [check["name"] for check in again["checks"]]

    def test_nor_what_has_come_from_a_control_plane(self, node: Node, first: dict[str, t.Any]) -> None:
        """A snapshot that has the files of etcd alone is no reason to say nothing."""
        told = {"node": "cp1", "size": 0, "sha256": "", "encryption": "none", "recipients": [], "paths": []}
        request = archive.Request("plain", control_plane={**told, "left_out": [], "encryption_keys": []})
        alone = self.again(node, files=archive.Request("plain"), reuse_within=0)
        result = self.again(node, files=request)
        assert result["snapshot"] == alone["snapshot"] != first
        assert [check["evidence"] for check in result["checks"] if check["name"] == archive.CHECK] == [
            "the snapshot from before was taken without them"
        ]

    def test_another_reason_is_the_same_undertaking(self, node: Node, first: dict[str, t.Any]) -> None:
        assert self.again(node, label=dataclasses.replace(self.LABEL, reason="second"))["snapshot"] == first

    @pytest.mark.parametrize(
        "options",
        [
            {"reuse_within": 0},
            {"label": Label("pre-upgrade", "", "1.37.1->1.38.0")},
            {"label": Label("manual", "", "1.36.4->1.37.1")},
        ],
    )
    def test_another_undertaking_takes_another(
        self, node: Node, first: dict[str, t.Any], options: dict[str, t.Any]
    ) -> None:
        result = self.again(node, **options)
        assert result["changed"]
        assert result["snapshot"]["path"] != first["path"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("started", (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=700)).isoformat()),
            ("started", (datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=700)).isoformat()),
            ("started", "2026-11-20T10:00:00"),
            ("started", "yesterday"),
            ("started", None),
            ("schema", 2),
            ("cluster_id", "1"),
        ],
        ids=["too old", "from the future", "no zone", "no time", "none", "schema", "cluster"],
    )
    def test_a_sidecar_that_does_not_fit(self, node: Node, first: dict[str, t.Any], name: str, value: t.Any) -> None:
        sidecar = pathlib.Path(store.sidecar(first["path"]))
        sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), name: value}))
        assert self.again(node)["changed"]

    def test_a_file_that_no_longer_verifies(self, node: Node, first: dict[str, t.Any]) -> None:
        data = bytearray(pathlib.Path(first["path"]).read_bytes())
        data[len(data) // 2] ^= 1
        pathlib.Path(first["path"]).write_bytes(data)
        result = self.again(node)
        assert result["changed"]
        warnings = (check for check in result["checks"] if check["status"] == "warn")
        (warning,) = (check for check in warnings if check["name"] == "earlier snapshot")
        assert warning["object"] == first["path"]
        assert "its content has the sha256" in warning["evidence"]
        assert os.path.exists(first["path"])

    def test_a_file_that_is_another(self, node: Node, first: dict[str, t.Any]) -> None:
        other = self.again(node, reuse_within=0)["snapshot"]
        sidecar = pathlib.Path(store.sidecar(first["path"]))
        sidecar.write_text(json.dumps({**json.loads(sidecar.read_text()), "sha256": "0" * 64}))
        assert self.again(node)["snapshot"] == other

    @pytest.mark.parametrize(
        "etcd", [FakeEtcd(status={"isLearner": True}), FakeEtcd(answers={"maintenance/status": (503, b"{}")})]
    )
    def test_it_will_do_for_a_member_that_has_become_unhealthy(
        self, node: Node, first: dict[str, t.Any], etcd: FakeEtcd
    ) -> None:
        result = self.again(node, etcd)
        assert result["snapshot"] == first
        assert "fail" in {check["status"] for check in result["checks"]}

    def test_the_newest_is_taken(self, node: Node, first: dict[str, t.Any]) -> None:
        second = self.again(node, reuse_within=0)["snapshot"]
        assert second["started"] > first["started"]
        assert self.again(node)["snapshot"] == second


def test_two_in_a_row_have_two_names(node: Node) -> None:
    with FakeEtcd() as etcd:
        started = time.monotonic()
        paths = {backup.run(node.request(etcd.url))["snapshot"]["path"] for _run in range(5)}
        assert time.monotonic() - started < 120
    assert len(paths) == 5
