# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ctypes
import os
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import lock
from ansible_collections.kubeops.maintenance.tests.integration.etcd import real_etcd, restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.servers import S3

# Of sched.h; Python has a name for it since 3.12.
CLONE_NEWNS = 0x00020000


@pytest.fixture(scope="session", autouse=True)
def _own_run() -> None:
    """Files of tests run side by side. This one, with all the playbooks and programs that it starts, meets no lock that
    another has in /run, and no systemd: it is a machine of its own there.
    """
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "no mounts of its own: run these tests as root")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)


@pytest.fixture(autouse=True)
def _own_lock(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a node of its own, too: one must not meet what another has left."""
    monkeypatch.setattr(lock, "PATH", str(tmp_path / "node.lock"))


@pytest.fixture(scope="session")
def releases() -> list[real_etcd.Release]:
    """The newest of each minor, oldest first, and all there are in `make test-all`. None is a failure."""
    found = real_etcd.releases()
    if not found:
        pytest.fail(
            f"no etcd programs in {real_etcd.CACHE} (make lab-up builds them) nor where {real_etcd.VARIABLE} says"
        )
    every = os.environ.get("KUBEOPS_TESTS") == "all"
    return found if every else list({release.numbers[:2]: release for release in found}.values())


@pytest.fixture
def etcd(releases: list[real_etcd.Release], tmp_path: pathlib.Path) -> t.Iterator[real_etcd.Etcd]:
    """The newest release, alone in its cluster."""
    with real_etcd.Etcd(releases[-1], tmp_path / "cp1").running() as server:
        yield server


@pytest.fixture
def saved(etcd: real_etcd.Etcd) -> dict[str, t.Any]:
    """What the plan of a restore says, of a member that has something in it and goes on."""
    client = restoring.fill(etcd)
    taken = restoring.save([etcd])
    client.put(b"/registry/pods/default/later", b"x")
    return restoring.order([etcd], taken)


@pytest.fixture(scope="module")
def _one_s3(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[S3]:
    with S3(tmp_path_factory.mktemp("s3") / "server").running() as server:
        yield server


@pytest.fixture
def s3(_one_s3: S3) -> S3:
    """Empty, and running."""
    _one_s3.clear()
    return _one_s3
