# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import hashlib
import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import Damaged
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import health
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway, GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import LocalMember
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import fetch, snapshot
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import boltfile, etcdfile
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd, member
from hypothesis import given
from hypothesis import strategies as st

SNAPSHOT = etcdfile.kubernetes()
LABEL = snapshot.Label("manual", "because", "a->b")


def verify(data: bytes) -> snapshot.Facts:
    """From a descriptor's path, which opens the same file."""
    handle = os.memfd_create("snapshot")
    try:
        os.write(handle, data)
        return snapshot.verify(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)


def test_a_whole_snapshot() -> None:
    facts = verify(SNAPSHOT)
    assert facts.size == len(SNAPSHOT)
    assert facts.sha256 == hashlib.sha256(SNAPSHOT).hexdigest()
    assert (facts.contents.revision, facts.contents.keys) == (42, 41)
    assert facts.contents.hash is None


@given(st.integers(0, len(SNAPSHOT) * 8 - 1))
def test_any_flipped_bit_is_caught(bit: int) -> None:
    data = bytearray(SNAPSHOT)
    data[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Damaged):
        verify(bytes(data))


@given(st.integers(0, len(SNAPSHOT) - 1))
def test_a_cut_file_is_caught(size: int) -> None:
    with pytest.raises(Damaged):
        verify(SNAPSHOT[:size])


@given(st.integers(0, len(SNAPSHOT) - 1), st.integers(1, 5000))
def test_zeros_are_caught(start: int, size: int) -> None:
    data = SNAPSHOT[:start] + b"\0" * min(size, len(SNAPSHOT) - start) + SNAPSHOT[start + size :]
    if data != SNAPSHOT:
        with pytest.raises(Damaged):
            verify(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes: a snapshot is"),
        (b"\0" * 32, "its content has the sha256"),
        (boltfile.with_trailer(b""), "0 bytes: a snapshot|beyond the end of the database"),
        (SNAPSHOT[:-32], "a snapshot is a database of whole pages and 32 bytes of checksum"),
        (SNAPSHOT + b"\0" * 512, "its content has the sha256"),
        (SNAPSHOT[:-4128] + SNAPSHOT[-32:], "its content has the sha256"),
        (boltfile.with_trailer(SNAPSHOT[:-4128]), "pages of 4096 bytes were expected"),
        (boltfile.with_trailer(SNAPSHOT[:-32] + b"\0" * 4096), "pages of 4096 bytes were expected"),
        (boltfile.with_trailer(b"\0" * len(SNAPSHOT[:-32])), "no bbolt magic"),
        (
            boltfile.with_trailer(SNAPSHOT[:8192] + SNAPSHOT[12288:-32] + SNAPSHOT[8192:12288]),
            "page 20: says that it is page 2",
        ),
    ],
)
def test_damage_is_named_with_the_file(tmp_path: pathlib.Path, data: bytes, message: str) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(data)
    with pytest.raises(Damaged, match=message) as caught:
        snapshot.verify(str(path))
    assert caught.value.msg.startswith(f"{path}: ")
    assert "do not restore it" in caught.value.msg


@given(st.binary(max_size=200), st.integers(0, len(SNAPSHOT) - 200))
def test_a_forged_checksum_still_ends_in_damaged_or_facts(content: bytes, start: int) -> None:
    data = SNAPSHOT[:start] + content + SNAPSHOT[start + len(content) : -32]
    try:
        facts = verify(boltfile.with_trailer(data))
    except Damaged:
        return
    assert facts.size == len(SNAPSHOT)


def test_no_file(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MaintenanceError, match=f"{tmp_path}/x.db: cannot be opened: No such file"):
        snapshot.verify(str(tmp_path / "x.db"))


def test_what_is_no_file(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(Damaged, match=f"{path}: is no regular file"):
            snapshot.verify(str(path))


def save(etcd: FakeEtcd, directory: pathlib.Path, seen: health.Observation | None = None) -> dict[str, t.Any]:
    local = LocalMember(etcd.url, "", "", "", "cp1", "/var/lib/etcd", (), "etcd:3.6.16-0", "etcd.yaml")
    gateway = Gateway(local, timeout=0.5)
    way = fetch.Fetch(gateway, local, None)
    return snapshot.save(way, local, seen or health.observe(gateway), LABEL, str(directory), Deadline(120))


def test_a_saved_snapshot_is_whole_described_and_private(tmp_path: pathlib.Path) -> None:
    with FakeEtcd() as etcd:
        saved = save(etcd, tmp_path)
    path = pathlib.Path(saved["path"])
    assert path.parent == tmp_path
    assert path.name.endswith("-manual-rev42.db")
    assert path.read_bytes() == etcd.database
    assert sorted(os.listdir(tmp_path)) == [path.name, f"{path.name}.json"]
    assert {oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == {"0o600"}
    sidecar = json.loads((tmp_path / f"{path.name}.json").read_text())
    assert {"path": str(path), **sidecar} == saved
    assert sidecar["schema"] == 1
    assert sidecar["sha256"] == hashlib.sha256(etcd.database).hexdigest()
    assert (sidecar["size"], sidecar["revision"], sidecar["live_keys"]) == (len(etcd.database), 42, 41)
    assert (sidecar["cluster_id"], sidecar["kube_system_uid"]) == ("a7ef944b95711739", etcdfile.UID)
    assert (sidecar["member"], sidecar["member_id"]) == ("cp1", "ac7c97ef0ec193b0")
    assert (sidecar["tier"], sidecar["reason"], sidecar["run_key"]) == ("manual", "because", "a->b")
    assert sidecar["started"] <= sidecar["finished"]
    assert sidecar["encryption"] == []


def test_the_sidecar_says_which_keys_the_snapshot_needs(tmp_path: pathlib.Path) -> None:
    changes = [(b"/registry/secrets/a/%d" % number, b"k8s:enc:aescbc:v1:key1:x") for number in range(50)]
    with FakeEtcd(database=etcdfile.snapshot(changes)) as etcd:
        saved = save(etcd, tmp_path)
    assert saved["encryption"] == [{"provider": "aescbc", "key": "key1", "resources": ["secrets"], "archived": False}]


@pytest.mark.parametrize("stream", ["error", "cut", "early", "garbage", "long", "hang"])
def test_a_broken_stream_leaves_nothing(tmp_path: pathlib.Path, stream: str) -> None:
    with FakeEtcd(stream=stream) as etcd, pytest.raises(GatewayError):
        save(etcd, tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("etcd", "message"),
    [
        (FakeEtcd(database=SNAPSHOT[:9000] + b"\xff" + SNAPSHOT[9001:]), "its content has the sha256"),
        (FakeEtcd(database=etcdfile.snapshot([(b"a", b"b")])), "ends at revision 2, the member was at 42"),
        (FakeEtcd(members=[member(), member(ID="255", name="cp2")]), "the cluster has cp1 .*, cp2"),
        (FakeEtcd(members=[member(isLearner=True)]), "the cluster has cp1 .* learner"),
        (FakeEtcd(members=[member(peerURLs=["https://192.0.2.99:2380"])]), "the cluster has cp1 .*192.0.2.99"),
    ],
)
def test_a_snapshot_that_is_not_the_clusters_leaves_nothing(
    tmp_path: pathlib.Path, etcd: FakeEtcd, message: str
) -> None:
    with etcd, pytest.raises(Damaged, match=message):
        save(etcd, tmp_path)
    assert os.listdir(tmp_path) == []


def test_a_full_disk_leaves_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(snapshot.os, "fsync", full)
    with FakeEtcd() as etcd, pytest.raises(OSError, match="No space left"):
        save(etcd, tmp_path)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("step", ["write_whole", "publish"])
def test_a_failure_at_the_end_leaves_nothing(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    done = getattr(disk, step)

    def fail(*arguments: t.Any) -> None:
        if step == "publish" and not arguments[0].endswith(".db.part"):  # the sidecar comes through
            return done(*arguments)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk, step, fail)
    with FakeEtcd() as etcd, pytest.raises(OSError, match="Input/output"):
        save(etcd, tmp_path)
    assert os.listdir(tmp_path) == []


def test_the_snapshot_gets_its_name_after_its_sidecar(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    rename = os.rename

    def record(source: str, target: str) -> None:
        names.append(os.path.basename(target).rpartition(".")[2])
        rename(source, target)

    monkeypatch.setattr(disk.os, "rename", record)
    with FakeEtcd() as etcd:
        save(etcd, tmp_path)
    assert names == ["json", "db"]


def test_what_is_written_goes_to_the_disk_in_portions(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(fetch, "_SYNC_EVERY", 4096)
    monkeypatch.setattr(fetch.os, "fsync", lambda handle: (synced.append(os.fstat(handle).st_size), fsync(handle)))
    with FakeEtcd() as etcd:
        save(etcd, tmp_path)
    assert len(etcd.database) in synced
    assert len(set(synced)) > len(etcd.database) // 5000
