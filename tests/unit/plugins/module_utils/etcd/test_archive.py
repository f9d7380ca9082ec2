# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import stat
import tarfile
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import PASS, SKIP, WARN
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import archive
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive.archive import Archive, Request
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.etcdfile import field
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_configmaps import KUBEADM, stored
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_control_plane import Node
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_encryption_config import (
    DOCUMENTED,
)

NAME = "etcd-cp1-20261120T101112.345Z-manual-rev77.db"
NEEDED = [
    {"provider": "aesgcm", "key": "key1", "resources": ["secrets"]},
    {"provider": "aescbc", "key": "key0", "resources": ["configmaps", "secrets"]},
]


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    found = Node(tmp_path)
    found.pod("kube-apiserver", f"--encryption-provider-config={found.write('kubernetes/enc.yaml', DOCUMENTED)}")
    return found


def plain(node: Node) -> Archive:
    found = archive.prepare(Request("plain"), str(node.manifests), "")
    assert found
    return found


def written(
    found: Archive, tmp_path: pathlib.Path, rows: dict[bytes, bytes]
) -> tuple[dict[str, t.Any], dict[str, tarfile.TarInfo], dict[str, bytes]]:
    told = found.write(str(tmp_path / NAME), rows)
    with tarfile.open(tmp_path / told["name"]) as tar:
        content = {one.name: (file.read() if (file := tar.extractfile(one)) else b"") for one in tar if one.isfile()}
        return told, {one.name: one for one in tar}, content


def test_what_is_in_it(node: Node, tmp_path: pathlib.Path) -> None:
    key = node.kubernetes / "pki" / "ca.key"
    key.chmod(0o640)
    (node.kubernetes / "pki" / "link").symlink_to("ca.key")
    found = plain(node)
    rows = {KUBEADM: field(1, KUBEADM) + field(5, stored(ClusterConfiguration=b"kind: x\n"))}
    told, members, contents = written(found, tmp_path, rows)
    assert list(members) == told["paths"]
    one = members[str(key).lstrip("/")]
    status = key.stat()
    assert (one.mode, one.uid, one.gid, one.mtime) == (0o640, status.st_uid, status.st_gid, int(status.st_mtime))
    assert members[f"{key.parent}/link".lstrip("/")].linkname == "ca.key"
    assert members[f"{key.parent}".lstrip("/")].isdir()
    configuration = members["from-snapshot/kube-system/configmaps/kubeadm-config/ClusterConfiguration"]
    assert contents[configuration.name] == b"kind: x\n"
    assert not any(name.startswith(("/", "..")) for name in members)


def test_what_the_sidecar_says(node: Node, tmp_path: pathlib.Path) -> None:
    os.mkfifo(node.kubernetes / "pki" / "pipe")
    found = plain(node)
    rows = {KUBEADM: field(1, KUBEADM) + field(5, b"k8s:enc:aescbc:v1:key1:x")}
    told, _members, _contents = written(found, tmp_path, rows)
    path = tmp_path / f"{NAME}.files.tar"
    content = path.read_bytes()
    assert (told["name"], told["encryption"], told["recipients"]) == (path.name, "none", [])
    assert (told["size"], told["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert told["size"] <= found.size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one["path"] for one in told["left_out"]] == [
        f"{node.kubernetes}/pki/pipe",
        "from-snapshot/kube-system/configmaps/kubeadm-config",
    ]


def test_the_same_files_make_the_same_archive(node: Node) -> None:
    first, second = (archive.packed(plain(node)._collected.entries.values()) for _time in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("request_", "status", "evidence", "fix"),
    [
        (Request("none"), SKIP, "files=none", ""),
        (Request(), WARN, "nobody is named who may decrypt them", "etcd_backup_recipients"),
    ],
)
def test_no_archive(node: Node, request_: Request, status: str, evidence: str, fix: str) -> None:
    assert archive.prepare(request_, str(node.manifests), "") is None
    (check,) = archive.checks(request_, str(node.manifests), None)
    assert (check.name, check.status) == ("control plane files", status)
    assert evidence in check.evidence
    assert fix in check.fix


def test_nothing_is_said_where_nothing_was_asked_for(node: Node) -> None:
    assert archive.prepare(None, str(node.manifests), "") is None
    assert archive.checks(None, str(node.manifests), None) == []


def test_what_excludes_each_other(node: Node) -> None:
    with pytest.raises(MaintenanceError, match="exclude each other. Nothing was written"):
        archive.prepare(Request("plain", ("age1x",)), str(node.manifests), "")
    with pytest.raises(MaintenanceError, match="number 1 is neither .* Nothing was written"):
        archive.prepare(Request("encrypted", ("age1",)), str(node.manifests), "")


def test_checks_before(node: Node) -> None:
    os.mkfifo(node.kubernetes / "pki" / "pipe")
    first, second = archive.checks(Request("plain"), str(node.manifests), plain(node))
    assert first.status == PASS
    assert first.evidence.endswith(" files, not encrypted")
    assert (second.status, second.object) == (WARN, f"{node.kubernetes}/pki/pipe")
    (node.manifests / "kube-apiserver.yaml").unlink()
    checks = archive.checks(Request("plain"), str(node.manifests), plain(node))
    assert "this node is no control plane" in checks[1].evidence
    assert "run backup.yml" in checks[1].fix


def sidecar(found: Archive | None, needed: t.Any) -> dict[str, t.Any]:
    encryption = found.has_keys(needed) if found else [{**one, "archived": False} for one in needed]
    return {"encryption": encryption, "archive": {"left_out": []} if found else None}


def test_keys_that_are_saved_and_keys_that_are_not(node: Node) -> None:
    told = sidecar(plain(node), NEEDED)
    assert [one["archived"] for one in told["encryption"]] == [True, False]
    (check,) = archive.checks_of(told, str(node.manifests))
    assert (check.name, check.status, check.object) == ("encryption keys", WARN, f"{node.kubernetes}/enc.yaml")
    assert check.evidence == "configmaps, secrets encrypted with aescbc, key key0, which is not saved with the snapshot"
    (check,) = archive.checks_of(sidecar(plain(node), NEEDED[:1]), str(node.manifests))
    assert check.status == PASS


def test_keys_in_a_file_that_cannot_be_read(node: Node) -> None:
    node.write("kubernetes/enc.yaml", "resources: [{providers: *anchor}]")
    told = sidecar(plain(node), NEEDED[:1])
    assert [one["archived"] for one in told["encryption"]] == [None]
    (check,) = archive.checks_of(told, str(node.manifests))
    assert (check.status, check.evidence[-40:]) == (WARN, "whether it is in the file could not be read"[-40:])


def test_nothing_is_gathered_where_there_is_no_control_plane(node: Node) -> None:
    assert archive.gathered(Request("none"), str(node.manifests), "", "cp1") is None
    assert archive.gathered(Request(), str(node.manifests), "", "cp1") is None
    (node.manifests / "kube-apiserver.yaml").unlink()
    with pytest.raises(MaintenanceError, match="^e1: is no control plane, .* Nothing was written"):
        archive.gathered(Request("plain"), str(node.manifests), "", "e1")


@pytest.fixture
def brought(node: Node, tmp_path: pathlib.Path) -> Archive:
    """What is saved on a machine of etcd, with what was gathered on a control plane."""
    os.mkfifo(node.kubernetes / "pki" / "pipe")
    found = archive.gathered(Request("plain"), str(node.manifests), "", "cp1")
    assert found
    (tmp_path / "arrived").write_bytes(found[0])
    sent = json.loads(json.dumps({**found[1], "src": str(tmp_path / "arrived")}))
    here = archive.prepare(Request("plain", control_plane=sent), str(tmp_path / "none"), "")
    assert here
    return here


def test_what_was_gathered_on_a_control_plane(brought: Archive, node: Node, tmp_path: pathlib.Path) -> None:
    found = brought.brought
    assert found
    told = found.write(str(tmp_path / NAME))
    path = tmp_path / f"{NAME}.control-plane.files.tar"
    assert (told["name"], told["node"], told["size"]) == (path.name, "cp1", path.stat().st_size)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == told["sha256"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with tarfile.open(path) as tar:
        assert tar.getnames() == told["paths"]
    assert f"{node.kubernetes}/pki/ca.key".lstrip("/") in told["paths"]
    assert brought.size > told["size"]
    checks = [(one.status, one.object, one.evidence) for one in archive.checks(Request("plain"), "/none", brought)]
    assert checks[1:] == [
        (PASS, "cp1", "files of the control plane cp1, not encrypted"),
        (WARN, f"cp1:{node.kubernetes}/pki/pipe", "not saved: is no file but a socket, a pipe or a device"),
    ]


def test_keys_that_are_saved_with_the_files_of_a_control_plane(brought: Archive) -> None:
    told = {**sidecar(brought, NEEDED), "control_plane_archive": {"node": "cp1"}}
    assert [one["archived"] for one in told["encryption"]] == [True, False]
    (check,) = archive.checks_of(told, "/none")
    assert (check.status, check.object) == (WARN, "EncryptionConfiguration of cp1")
    (check,) = archive.checks_of({**told, "encryption": brought.has_keys(NEEDED[:1])}, "/none")
    assert (check.status, check.object) == (PASS, "EncryptionConfiguration of cp1")


def test_keys_of_a_control_plane_that_cannot_be_read(node: Node, tmp_path: pathlib.Path) -> None:
    node.write("kubernetes/enc.yaml", "resources: [{providers: *anchor}]")
    found = archive.gathered(Request("plain"), str(node.manifests), "", "cp1")
    assert found
    here = archive.prepare(Request("plain", control_plane=found[1]), str(tmp_path / "none"), "")
    assert here
    assert [one["archived"] for one in here.has_keys(NEEDED)] == [None, None]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0"}, "has not arrived as cp1 has made it. Nothing was written"),
        ({"size": 1}, "has not arrived as cp1 has made it. Nothing was written"),
        ({"encryption": "../x"}, "is nothing that etcd_snapshot_files returns"),
        ({"left_out": ["x"]}, "is nothing that etcd_snapshot_files returns"),
        ({"recipients": 1}, "is nothing that etcd_snapshot_files returns"),
        ({"encryption_keys": ["x"]}, "is nothing that etcd_snapshot_files returns"),
        ({"encryption_keys": 1}, "is nothing that etcd_snapshot_files returns"),
    ],
)
def test_what_was_not_gathered(node: Node, tmp_path: pathlib.Path, changes: dict[str, t.Any], message: str) -> None:
    found = archive.gathered(Request("plain"), str(node.manifests), "", "cp1")
    assert found
    (tmp_path / "arrived").write_bytes(found[0])
    sent = {**found[1], "src": str(tmp_path / "arrived"), **changes}
    with pytest.raises(MaintenanceError, match=message):
        archive.prepare(Request("plain", control_plane=sent), str(tmp_path / "none"), "")
    with pytest.raises(MaintenanceError, match="is nothing that etcd_snapshot_files returns"):
        archive.prepare(Request("plain", control_plane={"src": "/x"}), str(tmp_path / "none"), "")


def test_keys_in_no_file(node: Node) -> None:
    node.pod("kube-apiserver")
    (check,) = archive.checks_of(sidecar(plain(node), NEEDED[:1]), str(node.manifests))
    assert (check.status, check.object) == (WARN, "EncryptionConfiguration")
    (check,) = archive.checks_of(sidecar(None, NEEDED[:1]), str(node.manifests))
    assert check.status == WARN


def test_nothing_is_encrypted(node: Node) -> None:
    assert archive.checks_of(sidecar(plain(node), []), str(node.manifests)) == []
