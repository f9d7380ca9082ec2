# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import socket
import stat

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import files
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive.files import Collection


@pytest.fixture
def pki(tmp_path: pathlib.Path) -> pathlib.Path:
    place = tmp_path / "pki"
    (place / "etcd").mkdir(parents=True)
    (place / "ca.key").write_text("private")
    (place / "ca.key").chmod(0o600)
    os.utime(place / "ca.key", (1700000000, 1700000000))
    (place / "etcd" / "ca.crt").write_text("public")
    return place


def collected(*paths: pathlib.Path, named_by: str = "") -> Collection:
    found = Collection()
    for path in paths:
        found.add(str(path), named_by)
    found.mark_links()
    return found


def test_a_directory_with_all_that_is_in_it(pki: pathlib.Path) -> None:
    found = collected(pki)
    assert list(found.entries) == [str(pki), f"{pki}/ca.key", f"{pki}/etcd", f"{pki}/etcd/ca.crt"]
    key = found.entries[f"{pki}/ca.key"]
    assert (key.content, stat.S_IMODE(key.mode), key.mtime) == (b"private", 0o600, 1700000000)
    assert (key.uid, key.gid) == (os.getuid(), os.getgid())
    assert "private" not in repr(key)
    assert [entry.path for entry in found.files] == [f"{pki}/ca.key", f"{pki}/etcd/ca.crt"]
    assert found.left_out == {}


def test_a_link_stays_one(pki: pathlib.Path) -> None:
    (pki / "inside").symlink_to("ca.key")
    (pki / "outside").symlink_to("/proc/self/environ")
    (pki / "nowhere").symlink_to("gone")
    found = collected(pki)
    assert found.entries[f"{pki}/inside"].target == "ca.key"
    assert "/proc/self/environ" not in found.entries
    assert found.left_out == {
        f"{pki}/nowhere": "is a link to gone, which is not followed",
        f"{pki}/outside": "is a link to /proc/self/environ, which is not followed",
    }


def test_a_place_that_is_a_link_itself(pki: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """As where /etc/kubernetes/pki leads to /etc/kubernetes/ssl."""
    place = tmp_path / "kubernetes"
    place.symlink_to(pki)
    found = collected(place)
    assert found.entries[str(place)].target == str(pki)
    assert f"{pki}/etcd/ca.crt" in found.entries
    assert found.text(f"{place}/ca.key") == found.text(f"{pki}/ca.key") == "private"
    assert found.left_out == {}


def test_what_is_no_file(pki: pathlib.Path) -> None:
    os.mkfifo(pki / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(pki / "kms.sock"))
        found = collected(pki)
    assert list(found.left_out) == [f"{pki}/kms.sock", f"{pki}/pipe"]
    assert "is no file but a socket" in found.left_out[f"{pki}/kms.sock"]


def test_what_is_too_large(pki: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (pki / "whole").write_bytes(b"x" * files.LARGEST)
    (pki / "larger").write_bytes(b"x" * (files.LARGEST + 1))
    found = collected(pki)
    assert len(found.entries[f"{pki}/whole"].content) == files.LARGEST
    assert found.left_out == {f"{pki}/larger": f"has more than {files.LARGEST} bytes"}
    monkeypatch.setattr(files, "LARGEST_SUM", files.LARGEST)
    assert list(collected(pki).left_out) == [f"{pki}/larger", f"{pki}/whole"]


def test_too_many(pki: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (pki / f"x{number:02}").touch()
    monkeypatch.setattr(files, "MOST", 10)
    found = collected(pki)
    assert len(found.entries) == 10
    assert len(found.left_out) == 10
    assert "is one too many: 10 files" in found.left_out[f"{pki}/x06"]


def test_what_is_not_there(tmp_path: pathlib.Path) -> None:
    missing = tmp_path / "missing"
    assert collected(missing).left_out == {}
    assert "--x of y names it, and it is not there" in collected(missing, named_by="--x of y").left_out[str(missing)]


def test_what_is_named_twice_is_read_once(pki: pathlib.Path) -> None:
    found = collected(pki / "ca.key", pki, pki / "etcd" / ".." / "ca.key")
    assert len(found.entries) == 4


def test_what_cannot_be_read(pki: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when it goes away between the listing and the look."""
    real = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: [*real(path), "gone"])
    found = collected(pki)
    assert found.left_out == dict.fromkeys(
        (f"{pki}/etcd/gone", f"{pki}/gone"), "cannot be read: No such file or directory"
    )
