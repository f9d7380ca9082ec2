# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk


def test_prepare_makes_directories_for_the_owner_alone(tmp_path: pathlib.Path) -> None:
    directory = tmp_path / "a" / "b"
    assert disk.prepare(str(directory))
    assert [oct(path.stat().st_mode & 0o777) for path in (directory, directory.parent)] == ["0o700", "0o700"]
    assert not disk.prepare(str(directory))


def test_files_are_for_the_owner_alone_and_never_overwritten(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "a")
    disk.write_whole(path, b"one")
    assert os.listdir(tmp_path) == ["a"]
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"
    with pytest.raises(MaintenanceError, match="is there already"):
        disk.write_whole(path, b"two")
    assert pathlib.Path(path).read_bytes() == b"one"


@pytest.mark.parametrize(("trouble", "named"), [(errno.EIO, "a.part"), (errno.EINVAL, "a"), (errno.ENOTSUP, "a")])
def test_a_directory_that_is_not_synced(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, trouble: int, named: str
) -> None:
    """Some shares do not sync any: nobody could have backups there. Where it fails, nothing looks whole that is not."""
    (tmp_path / "a.part").touch()

    def fsync(_handle: int) -> None:
        raise OSError(trouble, os.strerror(trouble))

    monkeypatch.setattr(os, "fsync", fsync)
    with contextlib.suppress(OSError):
        disk.publish(str(tmp_path / "a.part"), str(tmp_path / "a"))
    assert os.listdir(tmp_path) == [named]


def test_create_follows_no_link_and_takes_no_file_that_is_there(tmp_path: pathlib.Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(FileExistsError):
            disk.create(str(tmp_path / name))
    assert not (tmp_path / "target").exists()


def test_free_bytes_of_what_is_not_there_yet(tmp_path: pathlib.Path) -> None:
    found = os.statvfs(tmp_path)
    assert abs(disk.free_bytes(str(tmp_path / "a" / "b")) - found.f_bavail * found.f_frsize) < 1 << 30


def test_digest_is_size_and_checksum(tmp_path: pathlib.Path) -> None:
    content = b"some" * 300_000
    (tmp_path / "a").write_bytes(content)
    assert disk.digest(str(tmp_path / "a")) == (len(content), hashlib.sha256(content).hexdigest())
