# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import lock
from ansible_collections.kubeops.maintenance.tests.integration.etcd import real_etcd, restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.servers import S3


@pytest.fixture(autouse=True)
def _own_lock(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests run side by side, and each is a node of its own: one must not meet what another does at that moment."""
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
