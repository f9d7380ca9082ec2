# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive that goes with a snapshot, opened where the private key is: all that a cluster is made of is in it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import archives
from ansible_collections.kubeops.maintenance.tests.lab.process import output, run

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run

Start = t.Callable[..., "Run"]


@pytest.fixture(autouse=True)
def empty(folder: Folder) -> None:
    folder.remove()


def missing(folder: Folder, restored: Path) -> list[str]:
    there = archives.on_the_node(folder)
    assert "/etc/kubernetes/pki/etcd/ca.key" in there
    return archives.missing(there, restored)


def saved(start: Start, folder: Folder, **variables: t.Any) -> tuple[str, Run]:
    """The archive of a run, and the run."""
    run = start(**variables)
    assert run.finish() == 0, run.output
    assert "PRIVATE KEY" not in run.output
    (name,) = folder.snapshots()
    (archive,) = [found for found in folder.files() if found not in (name, f"{name}.json")]
    assert folder.shell(f"stat -c '%U %a' {folder.path}/{archive}") == "root 600"
    assert folder.sidecar(name)["archive"]["name"] == archive
    return archive, run


def test_encrypted_with_age(backup: Start, folder: Folder, tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    run("age-keygen", "-o", key)
    archive, _run = saved(backup, folder, etcd_backup_recipients=[output("age-keygen", "-y", key)])
    assert archive.endswith(".db.files.age")
    sealed = folder.fetch(archive, tmp_path / "sealed")
    restored = archives.open_with_age(key, sealed, tmp_path / "restored")
    assert missing(folder, restored) == []
    assert list((restored / "from-snapshot").rglob("*kubeadm-config*"))


def test_encrypted_to_a_certificate(backup: Start, folder: Folder, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["-newkey", "rsa:2048", "-nodes", "-subj", "/CN=backup", "-keyout", key, "-out", certificate]
    run("openssl", "req", "-x509", *made)
    archive, _run = saved(backup, folder, etcd_backup_recipients=[certificate.read_text()])
    assert archive.endswith(".db.files.cms")
    sealed = folder.fetch(archive, tmp_path / "sealed")
    words = ["-in", sealed, "-recip", certificate, "-inkey", key, "-out", tmp_path / "opened"]
    run("openssl", "cms", "-decrypt", "-inform", "DER", *words)
    assert missing(folder, archives.unpack(tmp_path / "opened", tmp_path / "restored")) == []


def test_not_encrypted_where_the_user_says_so(backup: Start, folder: Folder, tmp_path: Path) -> None:
    archive, _run = saved(backup, folder, etcd_backup_files="plain")
    assert archive.endswith(".db.files.tar")
    plain = folder.fetch(archive, tmp_path / "plain")
    assert missing(folder, archives.unpack(plain, tmp_path / "restored")) == []


def test_without_recipients_nothing_is_written_and_a_warning_says_so(backup: Start, folder: Folder) -> None:
    run = backup()
    assert run.finish() == 0, run.output
    (name,) = folder.snapshots()
    assert folder.files() == [name, f"{name}.json"]
    assert folder.sidecar(name)["archive"] is None
    assert run.says("WARN control plane files")
    assert run.says("etcd_backup_recipients")
