# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies to a real S3 server, through the real rclone."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.copies import remote
from ansible_collections.kubeops.maintenance.tests.integration.etcd import snapshots
from ansible_collections.kubeops.maintenance.tests.integration.etcd.servers import BUCKET, S3, SECRET, sftp

KEYS = {"changed", "to", "copied", "present", "gone", "checks", "actions", "durations"}
ETCD = f"s3:{BUCKET}/etcd"


class Node:
    """A directory of snapshots, and what would be said of its copies."""

    def __init__(self, root: pathlib.Path, s3: S3) -> None:
        self.root, self.s3 = root, s3
        self.backups = root / "backups"

    def put(self, hour: int, **options: t.Any) -> pathlib.Path:
        return snapshots.put(self.backups, hour, **options)

    def upload(self, to: str = ETCD, **options: t.Any) -> dict[str, t.Any]:
        wanted: dict[str, t.Any] = {
            "directory": str(self.backups),
            "remote": to,
            "config": str(self.s3.config),
            "timeout": 600,
            "lock_path": str(self.root / "copies.lock"),
            "member_lock_path": str(self.root / "member.lock"),
        }
        return remote.run(remote.Request(**{**wanted, **options}))

    def refused(self, to: str = ETCD, **options: t.Any) -> str:
        """Why it failed; the snapshots here are as they were."""
        before = self.content()
        with pytest.raises(MaintenanceError) as caught:
            self.upload(to, **options)
        assert set(caught.value.data) == KEYS
        assert SECRET not in str((caught.value.msg, caught.value.data))
        assert self.content() == before
        return caught.value.msg

    def content(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.backups.iterdir()}


@pytest.fixture
def node(tmp_path: pathlib.Path, s3: S3) -> Node:
    return Node(tmp_path, s3)


def test_every_file_of_a_snapshot_is_there_and_a_second_run_has_nothing_to_do(node: Node, s3: S3) -> None:
    path = node.put(8, archive=b"encrypted")
    foretold = node.upload(dry_run=True)
    assert s3.files() == []
    result = node.upload()
    assert set(result) == KEYS
    assert (result["changed"], result["copied"]) == (True, [path.name])
    assert {**foretold, "durations": 0} == {**result, "durations": 0}
    assert s3.files() == [path.name, f"{path.name}.files.age", f"{path.name}.json"]
    assert (s3.data / BUCKET / "etcd" / path.name).read_bytes() == path.read_bytes()
    (copy,) = snapshots.sidecar(path)["copies"]
    assert copy["to"] == ETCD

    again = node.upload()
    assert (again["changed"], again["copied"], again["present"], again["actions"]) == (False, [], [path.name], [])


def test_what_was_missed_is_made_good_newest_first(node: Node) -> None:
    old, new = node.put(8), node.put(9)
    node.put(7, kube_system_uid="of another cluster")
    assert node.upload()["copied"] == [new.name, old.name]
    newest = node.put(10)
    result = node.upload()
    assert (result["copied"], result["present"]) == ([newest.name], [new.name, old.name])


def test_only_what_is_asked_for(node: Node, s3: S3) -> None:
    old, _new = node.put(8), node.put(9)
    assert node.upload(names=[old.name])["copied"] == [old.name]
    assert s3.files() == [old.name, f"{old.name}.json"]
    message = node.refused(names=["etcd-x.db"])
    assert "there is no snapshot etcd-x.db with a sidecar, so nothing was copied" in message


def test_what_the_remote_has_let_go_is_not_brought_there_again(node: Node, s3: S3) -> None:
    old, new = node.put(8), node.put(9)
    node.upload()
    for suffix in ("", ".json"):
        (s3.data / BUCKET / "etcd" / f"{old.name}{suffix}").unlink()
    result = node.upload()
    assert (result["changed"], result["present"], result["gone"]) == (False, [new.name], [old.name])
    assert node.upload(names=[old.name])["copied"] == [old.name]


def test_what_another_node_has_uploaded_is_only_noted(node: Node, s3: S3) -> None:
    path = node.put(8)
    before = snapshots.sidecar(path)
    node.upload()
    (node.backups / f"{path.name}.json").write_text(json.dumps(before))
    result = node.upload()
    assert (result["copied"], result["present"]) == ([], [path.name])
    assert result["actions"] == [f"note that {ETCD} has {path.name}"]
    assert node.upload()["changed"] is False


def test_a_server_that_is_lost_in_the_middle(node: Node, s3: S3) -> None:
    old, new = node.put(8), node.put(9, size=40)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        work = pool.submit(node.refused)
        s3.receives()
        s3.kill()
        message = work.result()
    assert message.startswith(f"{ETCD}: it does not answer, or stopped to.")
    assert f"The remote has 0 of 2 snapshots. All of them are in {node.backups}, untouched" in message
    assert s3.files() == []
    s3.start()
    assert node.upload()["copied"] == [new.name, old.name]


def test_a_server_that_never_answers(node: Node, s3: S3) -> None:
    node.put(8)
    s3.stop()
    assert "it does not answer" in node.refused()


def test_an_upload_that_ended_early_is_begun_anew(node: Node, s3: S3) -> None:
    """S3 shows no such file; SFTP does."""
    path = node.put(8)
    place = s3.data / BUCKET / "etcd"
    place.mkdir()
    (place / path.name).write_bytes(path.read_bytes()[:5000])
    assert node.upload()["copied"] == [path.name]
    assert (place / path.name).read_bytes() == path.read_bytes()


def test_a_sidecar_that_ended_early_is_none(node: Node, s3: S3) -> None:
    path = node.put(8)
    place = s3.data / BUCKET / "etcd"
    place.mkdir()
    (place / path.name).write_bytes(path.read_bytes())
    (place / f"{path.name}.json").write_text('{"sha256": "')
    assert node.upload()["copied"] == [path.name]
    assert snapshots.sidecar(place / path.name)["sha256"] == snapshots.sidecar(path)["sha256"]


@pytest.mark.parametrize("size", ["same", "larger"])
def test_another_file_of_the_same_name_is_not_overwritten(node: Node, s3: S3, size: str) -> None:
    path = node.put(8)
    place = s3.data / BUCKET / "etcd"
    place.mkdir()
    other = b"x" * (path.stat().st_size + (size == "larger"))
    (place / path.name).write_bytes(other)
    message = node.refused()
    assert f"{ETCD}/{path.name}" in message
    assert (place / path.name).read_bytes() == other
    assert s3.files() == [path.name]


def test_a_bit_that_the_server_has_lost_is_noticed_by_the_reading_back(node: Node, s3: S3) -> None:
    """The sidecar is not there yet, so the upload is done again: its file is, and reads wrong."""
    good, bad = node.put(8), node.put(9)
    node.upload()
    place = s3.data / BUCKET / "etcd"
    snapshots.flip(place / bad.name)
    (place / f"{bad.name}.json").unlink()
    message = node.refused(names=[good.name, bad.name])
    assert f"FAIL  remote copy: {ETCD}/{bad.name}: {bad.name}: {bad.stat().st_size} bytes with sha256 " in message
    assert "The remote has 1 of 2 snapshots" in message
    assert not (place / f"{bad.name}.json").exists()


@pytest.mark.parametrize("what", ["snapshot", "files", "control-plane.files", "sidecar"])
def test_what_is_damaged_here_is_not_uploaded_and_the_others_are(node: Node, s3: S3, what: str) -> None:
    good = node.put(8)
    bad = node.put(9, archive=b"encrypted", control_plane=b"x", **({"sha256": "0" * 64} if what == "sidecar" else {}))
    if what != "sidecar":
        snapshots.flip(bad if what == "snapshot" else node.backups / f"{bad.name}.{what}.age", -1)
    with pytest.raises(MaintenanceError, match=f"{bad.name}.*The remote has 1 of 2 snapshots") as caught:
        node.upload()
    assert caught.value.data["copied"] == [good.name]
    assert s3.files() == [good.name, f"{good.name}.json"]


def test_encrypted_by_rclone(node: Node, s3: S3) -> None:
    path = node.put(8)
    assert node.upload("crypt:etcd")["copied"] == [path.name]
    assert node.upload("crypt:etcd")["present"] == [path.name]
    stored = [one for one in (s3.data / BUCKET / "crypt").rglob("*") if one.is_file()]
    assert len(stored) == 2
    assert not any(path.name in str(one) or b"kube-system" in one.read_bytes() for one in stored)

    (folder,) = {one.parent for one in stored}
    other = node.put(9)
    node.upload("crypt:etcd", names=[other.name])
    (new,) = [one for one in folder.iterdir() if one not in stored and one.stat().st_size > 10_000]
    snapshots.flip(new)
    for small in [one for one in folder.iterdir() if one not in stored and one != new]:
        small.unlink()
    assert "what is there cannot be decrypted" in node.refused("crypt:etcd", names=[other.name])


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        (f"wrong:{BUCKET}/etcd", "the credentials are wrong"),
        ("s3:no-such-bucket/etcd", "the bucket does not exist"),
        ("nobody:x", "its name is not in rclone's configuration"),
        (f":s3,access_key_id=x,secret_access_key={SECRET}:x", "is not NAME:PATH"),
        ("--config=/x:y", "is not NAME:PATH"),
        ("/tmp/x", "is not NAME:PATH"),
    ],
)
def test_refusals(node: Node, to: str, reason: str) -> None:
    node.put(8)
    assert reason in node.refused(to)


def test_a_configuration_that_others_can_read(node: Node, s3: S3, tmp_path: pathlib.Path) -> None:
    node.put(8)
    config = tmp_path / "rclone.conf"
    config.write_bytes(s3.config.read_bytes())
    config.chmod(0o640)
    assert "others than root can read or change rclone's configuration" in node.refused(config=str(config))
    assert "rclone's configuration cannot be read: No such file" in node.refused(config="/nowhere/rclone.conf")


def test_no_rclone(node: Node) -> None:
    node.put(8)
    message = node.refused(program="rclone-that-nobody-has")
    assert "there is no rclone on this node. Install it" in message


def test_the_deadline_ends_it(node: Node) -> None:
    node.put(8, size=40)
    assert "not done within 0.01 s" in node.refused(timeout=0.01)


def test_the_environment_does_not_count(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these alone makes rclone fail, or use something else."""
    path = node.put(8)
    for name, value in {
        "RCLONE_CONFIG_S3_ENDPOINT": "http://127.0.0.1:9",
        "RCLONE_DRY_RUN": "true",
        "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt",
    }.items():
        monkeypatch.setenv(name, value)
    assert node.upload()["copied"] == [path.name]


def test_sftp(node: Node, tmp_path: pathlib.Path) -> None:
    """Folders are made there, and a file is seen while it is still written."""
    path = node.put(8, archive=b"encrypted")
    place = tmp_path / "nas"
    with sftp(tmp_path, place) as config:
        assert node.upload("nas:backups/etcd", config=config)["copied"] == [path.name]
        assert node.upload("nas:backups/etcd", config=config)["changed"] is False
        copy = place / "backups" / "etcd" / path.name
        assert copy.read_bytes() == path.read_bytes()
        other = node.put(9)
        copy.with_name(other.name).write_bytes(other.read_bytes()[:5000])
        assert node.upload("nas:backups/etcd", config=config)["copied"] == [other.name]
        assert "the credentials are wrong" in node.refused("wrong:backups/etcd", config=config)
    assert "it does not answer" in node.refused("nas:backups/etcd", config=config)
