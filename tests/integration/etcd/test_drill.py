# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots restored into a throw-away member."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.drill import drill, drill_checks
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import snapshot, store
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot, etcd_snapshot_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release

KUBE_SYSTEM = b"/registry/namespaces/kube-system"
UID = "5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50"


def places(etcd: Etcd) -> dict[str, str]:
    return {"dir": str(etcd.backups), "manifest_dir": str(etcd.root)}


def hold(etcd: Etcd, **options: t.Any) -> dict[str, t.Any]:
    where = {"directory": str(etcd.backups), "manifests": str(etcd.root), "lock_path": str(etcd.root / "lock")}
    return drill.run(drill.Request(**{**where, **options}))


def refused(etcd: Etcd, **options: t.Any) -> MaintenanceError:
    """The refusal. What was there is there, and nothing else, and no process runs."""
    with pytest.raises(MaintenanceError) as caught:
        hold(etcd, **options)
    assert [path for path in etcd.backups.iterdir() if path.name.endswith(".part")] == []
    assert working_in(etcd.backups) == []
    return caught.value


def filled(etcd: Etcd) -> Etcd:
    client = Client(etcd.local)
    client.put(KUBE_SYSTEM, json.dumps({"metadata": {"uid": UID}}).encode())
    for number in range(40):
        client.put(b"/registry/pods/%d" % (number % 30), b"the value of a pod" * 100)
    client.delete(b"/registry/pods/7")
    return etcd


def working_in(folder: pathlib.Path) -> list[str]:
    """The processes whose current directory is there or below."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.readlink(f"/proc/{entry}/cwd").startswith(str(folder)):
                found.append(entry)
        except OSError:
            continue
    return found


def sidecar(path: str) -> dict[str, t.Any]:
    return dict(json.loads(pathlib.Path(store.sidecar(path)).read_text()))


def forge(path: str, old: bytes, new: bytes) -> None:
    """Change what etcd wrote so that all checksums fit: they tell of bad disks, and not of a bad writer."""
    data = pathlib.Path(path).read_bytes()[:-32]
    assert old in data
    data = data.replace(old, new)
    whole = data + hashlib.sha256(data).digest()
    pathlib.Path(path).write_bytes(whole)
    described = {**sidecar(path), "sha256": hashlib.sha256(whole).hexdigest()}
    pathlib.Path(store.sidecar(path)).write_text(json.dumps(described))


def test_each_release_proves_its_own(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            filled(etcd)
            taken = etcd.backup()["snapshot"]
            before = etcd.gateway.status()
            result = hold(etcd)
            assert etcd.gateway.status().revision == before.revision
            assert etcd.gateway.members() == etcd.gateway.members()
        assert result["changed"]
        assert {check["status"] for check in result["checks"]} == {"pass"}
        assert taken["kube_system_uid"] == UID
        proven = result["snapshot"]["proven"]
        assert proven["etcd_version"] == release.version
        assert proven["seconds"] == result["durations"]["drill"] > 0
        assert {**taken, "proven": proven, "damaged": None} == result["snapshot"]
        assert sidecar(taken["path"])["proven"] == proven
        assert {path.suffix for path in etcd.backups.iterdir() if path.is_file()} == {".db", ".json"}
        assert working_in(etcd.backups) == []


def test_the_module_and_what_others_say_of_it(etcd: Etcd) -> None:
    filled(etcd).backup()
    name = pathlib.Path(etcd.backup()["snapshot"]["path"]).name
    before = {path: path.read_bytes() for path in etcd.backups.glob("*.json")}
    forecast = modules.call(etcd_snapshot, check=True, state="proven", **places(etcd))
    assert forecast["changed"]
    assert {path: path.read_bytes() for path in etcd.backups.glob("*.json")} == before
    result = modules.call(etcd_snapshot, state="proven", **places(etcd))
    assert [action.split(" into ")[0] for action in forecast["actions"]] == [
        action.split(" into ")[0] for action in result["actions"]
    ]
    assert pathlib.Path(result["snapshot"]["path"]).name == name
    listed = modules.call(etcd_snapshot_info, dir=str(etcd.backups))
    assert [bool(one.get("proven")) for one in listed["snapshots"]] == [True, False]
    older = listed["snapshots"][1]["name"]
    named = modules.call(etcd_snapshot, state="proven", name=older, **places(etcd))
    assert pathlib.Path(named["snapshot"]["path"]).name == older


def test_it_listens_on_no_port(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(etcd).backup()
    seen: list[str] = []
    compare = drill.throwaway.differences

    def look(*arguments: t.Any) -> list[str]:
        (pid,) = working_in(etcd.backups)
        seen.extend(os.readlink(f"/proc/{pid}/fd/{handle}") for handle in os.listdir(f"/proc/{pid}/fd"))
        sockets = {one[len("socket:[") : -1] for one in seen if one.startswith("socket:")}
        tcp = "".join(pathlib.Path("/proc/net", name).read_text() for name in ("tcp", "tcp6"))
        assert sockets
        assert not sockets & {line.split()[9] for line in tcp.splitlines()}
        assert os.stat(os.readlink(f"/proc/{pid}/cwd")).st_mode & 0o777 == 0o700
        assert os.getpriority(os.PRIO_PROCESS, int(pid)) > os.getpriority(os.PRIO_PROCESS, 0)
        return compare(*arguments)

    monkeypatch.setattr(drill.throwaway, "differences", look)
    hold(etcd)
    assert seen


def test_what_is_noted_meanwhile_stays(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(etcd).backup()["snapshot"]["path"]

    def copied(*_arguments: object) -> list[str]:
        store.note(path, sidecar(path), copies=[{"to": "remote:x", "at": "2026-11-20T10:00:00.000Z"}])
        return []

    monkeypatch.setattr(drill.throwaway, "differences", copied)
    hold(etcd)
    assert sidecar(path)["proven"]
    assert sidecar(path)["copies"]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        # The second field of a KeyValue, its create revision, gets a type that protobuf does not know.
        (b"/registry/pods/11\x10", b"/registry/pods/11\x17", "does not start from it"),
        # The release that has written the file is one that this etcd does not know.
        (b"storageVersion3.", b"storageVersion9.", "does not start from it"),
    ],
)
def test_damage_that_only_a_restore_shows(etcd: Etcd, old: bytes, new: bytes, reason: str) -> None:
    label = snapshot.Label("hourly", "test")
    path = filled(etcd).backup(label=label)["snapshot"]["path"]
    forge(path, old, new)
    assert snapshot.is_described(path, sidecar(path))
    error = refused(etcd)
    assert reason in error.msg
    assert "the drill failed, and the snapshot counts as damaged from now on" in error.msg
    assert error.data["changed"]
    assert reason in sidecar(path)["damaged"]["reason"]
    assert sidecar(path)["proven"] is None
    listed = modules.call(etcd_snapshot_info, dir=str(etcd.backups))
    assert not listed["ok"]
    assert "could not be restored in a drill" in listed["snapshots"][0]["trouble"]
    pruned = modules.call(etcd_snapshot, check=True, state="pruned", **places(etcd))
    assert "a drill could not restore it" in pruned["kept"][0]["reason"]
    assert etcd.backup(label=label, reuse_within=600)["changed"]


def test_a_flipped_bit(etcd: Etcd) -> None:
    path = filled(etcd).backup()["snapshot"]["path"]
    data = bytearray(pathlib.Path(path).read_bytes())
    data[data.rindex(b"the value of a pod") + 3] ^= 1
    pathlib.Path(path).write_bytes(data)
    before = sidecar(path)
    assert "the drill failed: " in refused(etcd, dry_run=True).msg
    assert sidecar(path) == before
    assert "its trailer says" in refused(etcd).msg
    assert "its trailer says" in sidecar(path)["damaged"]["reason"]


@pytest.mark.parametrize(
    ("name", "told"), [("revision", 1), ("live_keys", 1), ("kube_system_uid", "other"), ("sha256", "other")]
)
def test_a_sidecar_that_tells_of_another_file(etcd: Etcd, name: str, told: int | str) -> None:
    path = filled(etcd).backup()["snapshot"]["path"]
    pathlib.Path(store.sidecar(path)).write_text(json.dumps({**sidecar(path), name: told}))
    assert f"the one that its sidecar describes: {name} " in refused(etcd, name=pathlib.Path(path).name).msg
    assert sidecar(path)["damaged"]


@pytest.mark.parametrize("gone", ["keys", "revision", "uid", "members"])
def test_what_is_restored_is_compared(etcd: Etcd, gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A real member, and a file that is said to hold more than it does."""
    path = filled(etcd).backup()["snapshot"]["path"]
    verify = drill.snapshot.verify
    changes = {"keys": {"keys": 31}, "revision": {"head": 10**6}, "uid": {"kube_system_uid": "another"}, "members": {}}

    def more(path: str) -> snapshot.Facts:
        found = verify(path)
        contents = drill.dataclasses.replace(found.contents, **changes[gone])
        return drill.dataclasses.replace(found, contents=contents)

    if gone == "members":
        cluster = drill.throwaway._cluster
        monkeypatch.setattr(drill.throwaway, "_cluster", lambda _name: cluster("another"))
    monkeypatch.setattr(drill, "_undescribed", lambda *_both: "")
    monkeypatch.setattr(drill.snapshot, "verify", more)
    expected = {"keys": "it holds 30 keys, the snapshot 31", "revision": "the snapshot ends at 1000000"}
    expected.update(uid="the snapshot's another", members="and not itself alone")
    assert expected[gone] in refused(etcd).msg
    assert expected[gone] in sidecar(path)["damaged"]["reason"]


def test_proven_after_all(etcd: Etcd) -> None:
    path = filled(etcd).backup()["snapshot"]["path"]
    store.note(path, sidecar(path), damaged={"at": "2026-11-20T10:00:00.000Z", "reason": "a bad cable"})
    hold(etcd)
    assert sidecar(path)["damaged"] is None
    assert modules.call(etcd_snapshot_info, dir=str(etcd.backups))["ok"]


def test_what_is_no_fault_of_the_file_marks_nothing(etcd: Etcd, monkeypatch: pytest.MonkeyPatch) -> None:
    path = filled(etcd).backup()["snapshot"]["path"]
    before = sidecar(path)
    with monkeypatch.context() as patch:
        patch.setattr(disk, "free_bytes", lambda _directory: 1000)
        assert "bytes there" in refused(etcd).msg
    with monkeypatch.context() as patch:
        patch.setattr(drill_checks, "available", lambda: 1000)
        assert "FAIL  memory for the drill" in refused(etcd).msg
    with monkeypatch.context() as patch:
        patch.setattr(drill.programs, "of_member", lambda *_where, **_places: {})
        shutil.move(etcd.backups / "tools", etcd.root / "tools")
        assert "no etcd and no etcdutl of etcd" in refused(etcd).msg
    assert "and killed" in refused(etcd, timeout=0).msg
    assert "there is no snapshot x.db" in refused(etcd, name="x.db").msg
    with monkeypatch.context() as patch:
        patch.setattr(drill.throwaway, "restore", full)
        assert "no space left on device" in refused(etcd).msg
    assert "lies below etcd's data directory" in refused_below(etcd)
    etcd.end()
    assert "does not answer" in refused(etcd).msg
    assert sidecar(path) == before


def full(_program: object, _snapshot: str, folder: str, _deadline: Deadline) -> None:
    """etcdutl on a disk that is full."""
    error = drill.throwaway.process.failure("etcdutl", 1, f"Error: write {folder}/data: no space left on device")
    raise drill.throwaway._judged(error, "etcdutl does not restore it")


def refused_below(etcd: Etcd) -> str:
    below = etcd.data / "backups"
    shutil.copytree(etcd.backups, below)
    try:
        with pytest.raises(MaintenanceError) as caught:
            hold(etcd, directory=str(below))
        return caught.value.msg
    finally:
        shutil.rmtree(below)


def test_a_snapshot_of_another_cluster_is_not_taken_for_the_newest(etcd: Etcd) -> None:
    path = filled(etcd).backup()["snapshot"]["path"]
    other = etcd.backup()["snapshot"]["path"]
    store.note(other, sidecar(other), cluster_id="1", kube_system_uid="another")
    assert hold(etcd)["snapshot"]["path"] == path


@pytest.mark.parametrize("step", ["restore", "differences"])
def test_a_killed_drill_leaves_no_process_and_the_next_one_tidies_up(etcd: Etcd, step: str) -> None:
    filled(etcd).backup()
    code = (
        "import sys, time\n"
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.drill import drill\n"
        "def hang(*_arguments):\n"
        "    print('here', flush=True)\n"
        "    time.sleep(600)\n"
        "setattr(drill.throwaway, sys.argv[1], hang)\n"
        "drill.run(drill.Request(sys.argv[2], manifests=sys.argv[3], lock_path=sys.argv[4]))\n"
    )
    words = [step, str(etcd.backups), str(etcd.root), str(etcd.root / "lock")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        assert len(working_in(etcd.backups)) == (0 if step == "restore" else 1)
        process.send_signal(signal.SIGKILL)
    until(lambda: None if working_in(etcd.backups) else True, Deadline(120), lambda: "etcd runs", interval=0.02)
    (left,) = (str(path) for path in etcd.backups.glob("drill-*.part"))
    if step == "restore":
        assert etcd.backup()["actions"][0] == f"remove {left}, which a killed drill has left"
    else:
        assert hold(etcd)["actions"][0] == f"remove {left}, which a killed drill has left"
    assert list(etcd.backups.glob("drill-*")) == []
