# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is saved with a snapshot, encrypted by the real programs and decrypted as the role's README says."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import archive
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_configmaps import KUBEADM, stored
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_control_plane import Node
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_encryption_config import (
    DOCUMENTED,
)

CONFIGURATION = b"apiServer: {}\nkind: ClusterConfiguration\n"
CONFIGMAP = "from-snapshot/kube-system/configmaps/kubeadm-config/ClusterConfiguration"


@dataclasses.dataclass(frozen=True)
class Keys:
    """Somebody's: ``public`` goes to the nodes, ``opens`` is the command that decrypts a file."""

    public: str
    opens: t.Callable[[pathlib.Path], list[str]]

    def open(self, path: pathlib.Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(self.opens(path), capture_output=True, timeout=120, check=False)


def age(place: pathlib.Path) -> Keys:
    subprocess.run(["age-keygen", "-o", place], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", place], check=True, capture_output=True, text=True).stdout
    return Keys(public.strip(), lambda path: ["age", "-d", "-i", str(place), str(path)])


def ssh(place: pathlib.Path, *kind: str) -> Keys:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", *kind, "-f", place], check=True, capture_output=True)
    public = place.with_name(f"{place.name}.pub").read_text()
    return Keys(public, lambda path: ["age", "-d", "-i", str(place), str(path)])


def certificate(place: pathlib.Path, *kind: str) -> Keys:
    public = place.with_name(f"{place.name}.pem")
    command = ["openssl", "req", "-x509", "-nodes", "-subj", f"/CN={place.name}", "-keyout", place, "-out", public]
    subprocess.run([*command, "-newkey", *kind], check=True, capture_output=True)
    decrypt = ["openssl", "cms", "-decrypt", "-inform", "DER", "-inkey", str(place), "-in"]
    return Keys(public.read_text(), lambda path: [*decrypt, str(path)])


KINDS: dict[str, tuple[str, t.Callable[[pathlib.Path], Keys]]] = {
    "age": ("age", age),
    "ssh-ed25519": ("age", lambda place: ssh(place, "ed25519")),
    "ssh-rsa": ("age", lambda place: ssh(place, "rsa", "-b", "2048")),
    "rsa": ("cms", lambda place: certificate(place, "rsa:2048")),
    "ec": ("cms", lambda place: certificate(place, "ec", "-pkeyopt", "ec_paramgen_curve:P-256")),
}


@pytest.fixture
def node(etcd: Etcd, tmp_path: pathlib.Path) -> Node:
    found = Node(tmp_path / "node")
    (found.kubernetes / "pki" / "ca.key").chmod(0o600)
    (found.kubernetes / "pki" / "old.crt").symlink_to("ca.crt")
    found.write("kubernetes/pki/ca.crt")
    found.pod("kube-apiserver", f"--encryption-provider-config={found.write('kubernetes/enc.yaml', DOCUMENTED)}")
    shutil.copy(etcd.root / "etcd.yaml", found.manifests)
    Client(etcd.local).put(KUBEADM, stored(ClusterConfiguration=CONFIGURATION))
    return found


def save(etcd: Etcd, node: Node, files: str = "encrypted", *recipients: str) -> dict[str, t.Any]:
    return etcd.backup(manifests=str(node.manifests), files=archive.Request(files, recipients))


def written(etcd: Etcd) -> list[str]:
    """How the files end. Etcd's programs, which are kept too, are in a directory of their own."""
    return sorted(path.suffix for path in etcd.backups.iterdir() if path.is_file())


def check_complete(content: bytes, told: dict[str, t.Any], place: pathlib.Path) -> None:
    """All that the sidecar names is there as it is on the disk."""
    place.mkdir()
    subprocess.run(["tar", "--extract", "--preserve-permissions", "--directory", place], input=content, check=True)
    for path in set(told["paths"]) - {CONFIGMAP}:
        there, here = pathlib.Path("/", path), place / path
        before, after = there.lstat(), here.lstat()
        assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid), path
        if stat.S_ISLNK(before.st_mode):
            assert here.readlink() == there.readlink()
        elif stat.S_ISREG(before.st_mode):
            assert (here.read_bytes(), int(after.st_mtime)) == (there.read_bytes(), int(before.st_mtime)), path
    assert (place / CONFIGMAP).read_bytes() == CONFIGURATION
    extracted = {str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir()}
    assert extracted <= set(told["paths"])


@pytest.mark.parametrize("kind", KINDS)
def test_an_archive_decrypted_is_complete_and_nobody_else_reads_it(
    etcd: Etcd, node: Node, tmp_path: pathlib.Path, kind: str
) -> None:
    program, make = KINDS[kind]
    ours, theirs, stranger = (make(tmp_path / name) for name in ("ours", "theirs", "stranger"))
    result = save(etcd, node, "encrypted", ours.public, theirs.public)
    told = result["snapshot"]["archive"]
    path = etcd.backups / told["name"]
    assert told["encryption"] == program
    assert len(told["recipients"]) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert hashlib.sha256(path.read_bytes()).hexdigest() == told["sha256"]
    assert path.stat().st_size == told["size"]
    assert b"etc/kubernetes" not in path.read_bytes()
    for number, keys in enumerate((ours, theirs)):
        opened = keys.open(path)
        assert opened.returncode == 0, opened.stderr
        check_complete(opened.stdout, told, tmp_path / f"restored-{number}")
    refused = stranger.open(path)
    assert refused.returncode
    assert b"kubernetes" not in refused.stdout
    assert {str(node.kubernetes / "pki" / "ca.key").lstrip("/"), CONFIGMAP} < set(told["paths"])
    assert [check["status"] for check in result["checks"] if check["name"] == "control plane files"] == ["pass"]


def test_an_archive_that_was_changed_is_not_decrypted(etcd: Etcd, node: Node, tmp_path: pathlib.Path) -> None:
    for name in ("age", "rsa"):
        keys = KINDS[name][1](tmp_path / name)
        path = etcd.backups / save(etcd, node, "encrypted", keys.public)["snapshot"]["archive"]["name"]
        content = bytearray(path.read_bytes())
        content[-5000] ^= 1
        path.write_bytes(content)
        assert keys.open(path).returncode


def test_plain(etcd: Etcd, node: Node, tmp_path: pathlib.Path) -> None:
    told = save(etcd, node, "plain")["snapshot"]["archive"]
    path = etcd.backups / told["name"]
    assert (told["encryption"], told["recipients"], path.suffix) == ("none", [], ".tar")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    check_complete(path.read_bytes(), told, tmp_path / "restored")


def test_none_and_nobody(etcd: Etcd, node: Node) -> None:
    for files, status in (("none", "skip"), ("encrypted", "warn")):
        result = save(etcd, node, files)
        assert result["snapshot"]["archive"] is None
        assert [check["status"] for check in result["checks"] if check["name"] == "control plane files"] == [status]
    assert set(written(etcd)) == {".db", ".json"}


@pytest.mark.parametrize(
    ("recipients", "message"),
    [
        (["age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"], "age: ended with status 1: .*malformed"),
        (["ssh-rsa AAAA"], "age: ended with status 1: "),
        (["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"], "openssl: ended with status 2: "),
    ],
)
def test_recipients_that_the_programs_refuse(etcd: Etcd, node: Node, recipients: list[str], message: str) -> None:
    with pytest.raises(MaintenanceError, match=message):
        save(etcd, node, "encrypted", *recipients)
    assert not etcd.backups.exists()


def test_the_keys_of_what_is_encrypted(etcd: Etcd, node: Node, tmp_path: pathlib.Path) -> None:
    keys = age(tmp_path / "keys")
    client = Client(etcd.local)
    client.put(b"/registry/secrets/default/a", b"k8s:enc:aesgcm:v1:key1:xxxx")
    result = save(etcd, node, "encrypted", keys.public)
    assert [one["archived"] for one in result["snapshot"]["encryption"]] == [True]
    assert [check["status"] for check in result["checks"] if check["name"] == "encryption keys"] == ["pass"]
    client.put(b"/registry/secrets/default/b", b"k8s:enc:aesgcm:v1:key0:xxxx")
    result = save(etcd, node, "encrypted", keys.public)
    (check,) = (check for check in result["checks"] if check["name"] == "encryption keys")
    assert (check["status"], check["object"]) == ("warn", f"{node.kubernetes}/enc.yaml")
    assert "secrets encrypted with aesgcm, key key0, which is not saved with the snapshot" in check["evidence"]


def stand_in(place: pathlib.Path, script: str) -> dict[str, str]:
    """An age of which only the first look at the recipients is real."""
    place.mkdir()
    program = place / "age"
    lines = (
        f"if [ -e {place}/looked ]; then {script}; fi",
        f"touch {place}/looked",
        f'exec {shutil.which("age")} "$@"',
    )
    program.write_text("\n".join(("#!/bin/sh", *lines)))
    program.chmod(0o755)
    return {"PATH": f"{place}:{os.environ['PATH']}"}


def test_a_program_that_dies_in_the_middle(
    etcd: Etcd, node: Node, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = age(tmp_path / "keys")
    monkeypatch.setenv("PATH", stand_in(tmp_path / "bin", "head -c 100; kill -9 $$")["PATH"])
    with pytest.raises(MaintenanceError, match="age: ended with status -9"):
        save(etcd, node, "encrypted", keys.public)
    assert written(etcd) == []


def test_a_run_that_is_killed_in_the_middle(etcd: Etcd, node: Node, tmp_path: pathlib.Path) -> None:
    keys = age(tmp_path / "keys")
    begun = tmp_path / "begun"
    environment = stand_in(tmp_path / "bin", f"echo $$ > {begun}.new; mv {begun}.new {begun}; exec sleep 60")
    request = {"directory": str(etcd.backups), "manifests": str(node.manifests), "lock_path": str(etcd.root / "lock")}
    program = (
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import archive\n"
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup, snapshot\n"
        f"files = archive.Request('encrypted', ({keys.public!r},))\n"
        f"backup.run(backup.Request(label=snapshot.Label('manual'), files=files, **{request!r}))\n"
    )
    environment = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, start_new_session=True) as run:
        until(lambda: begun.exists() or None, Deadline(120), lambda: "age was not called", interval=0.05)
        os.killpg(run.pid, 9)
    running = pathlib.Path("/proc", begun.read_text().strip(), "exe")
    until(lambda: not os.path.exists(running) or None, Deadline(120), lambda: "age outlives it", interval=0.05)
    assert written(etcd) == [".part"]
    result = save(etcd, node, "encrypted", keys.public)
    assert result["actions"][0].startswith("remove ")
    assert written(etcd) == [".age", ".db", ".json"]
