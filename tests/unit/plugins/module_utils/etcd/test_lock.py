# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import os
import pathlib
import subprocess
import sys

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import lock

HOLD = (
    "import fcntl, sys; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_EX); print('held', flush=True); input()"
)


def test_one_at_a_time(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "lock")
    with lock.member_lock("snapshot of etcd/cp1", 1, path):
        with pytest.raises(MaintenanceError) as caught, lock.member_lock("defrag", 0, path):
            pass
        assert f"{path}: still held by process {os.getpid()} (snapshot of etcd/cp1) after 0 s" in caught.value.msg
    with lock.member_lock("defrag", 0, path) as waited:
        assert waited < 1
    assert oct(os.stat(path).st_mode & 0o777) == "0o600"


def test_a_holder_that_is_killed_gives_it_back(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "lock")
    (tmp_path / "lock").touch()
    with subprocess.Popen([sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(MaintenanceError, match="still held by a process that did not say"),
            lock.member_lock("x", 0, path),
        ):
            pass
        holder.kill()
        with lock.member_lock("x", 30, path):
            pass


@pytest.mark.parametrize("signature", ["999999999 (snapshot of etcd/cp1)", "\0", ""])
def test_nobody_is_blamed_for_the_signature_of_another(tmp_path: pathlib.Path, signature: str) -> None:
    path = tmp_path / "lock"
    path.write_text(signature)
    with path.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(MaintenanceError, match="a process that did not say"), lock.member_lock("x", 0, str(path)):
            pass


def test_a_holder_takes_its_signature_away(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "lock"
    with lock.member_lock("defrag", 0, str(path)):
        assert "(defrag)" in path.read_text()
    assert path.read_text() == ""


def test_it_is_given_back_after_a_failure(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "lock")
    with pytest.raises(ValueError), lock.member_lock("x", 0, path):
        raise ValueError
    with lock.member_lock("x", 0, path):
        pass


def test_no_link_is_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "target")
    with pytest.raises(MaintenanceError, match="cannot be locked"), lock.member_lock("x", 0, str(tmp_path / "lock")):
        pass
    assert not (tmp_path / "target").exists()
