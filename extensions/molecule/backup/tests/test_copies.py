# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a real control plane's snapshot, and what becomes of it where one of the places is gone."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import snapshot

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

Start = t.Callable[..., "Run"]

CONFIG = "/etc/rclone.conf"
# A folder that all nodes have in common plays the remote; at the other one's address nobody listens.
REMOTES = """
[shelf]
type = alias
remote = /srv/shared/shelf

[lost]
type = s3
provider = Other
endpoint = http://127.0.0.1:9
access_key_id = nobody
secret_access_key = nothing
"""


@pytest.fixture(scope="module", autouse=True)
def remotes(folder: Folder) -> t.Iterator[None]:
    folder.shell(f"umask 077; mkdir -p /srv/shared/shelf; cat > {CONFIG} <<'END'\n{REMOTES}END")
    yield
    folder.shell(f"rm -r {CONFIG} /srv/shared/shelf")


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("controller")


def copies(controller: Path, remote: str) -> dict[str, str]:
    return {"controller": str(controller), "remote": f"{remote}:snapshots", "remote_config": CONFIG}


def whole(folder: Folder, name: str, place: Path) -> None:
    """A copy that is described as the original is."""
    (copy,) = place.rglob(name)
    assert snapshot.verify(str(copy)).sha256 == folder.sidecar(name)["sha256"]
    assert Path(f"{copy}.json").is_file()


def test_to_the_controller_and_to_a_remote(lab: Lab, backup: Start, folder: Folder, controller: Path) -> None:
    run = backup(etcd_backup_copies=copies(controller, "shelf"))
    assert run.finish() == 0, run.output
    (name,) = folder.snapshots()
    whole(folder, name, controller)
    whole(folder, name, lab.shared / "shelf")
    assert {oct(file.stat().st_mode & 0o777) for file in controller.rglob("*.db*")} == {"0o600"}


def test_a_lost_remote_harms_nothing(backup: Start, folder: Folder, controller: Path) -> None:
    run = backup(etcd_backup_copies=copies(controller, "lost"))
    assert run.finish() != 0
    assert "lost:snapshots" in run.message
    last = folder.snapshots()[-1]
    assert len(folder.snapshots()) == 2
    whole(folder, last, controller)


def test_what_was_missed_is_made_good(lab: Lab, backup: Start, folder: Folder, controller: Path) -> None:
    run = backup(etcd_backup_copies=copies(controller, "shelf"))
    assert run.finish() == 0, run.output
    for name in folder.snapshots():
        whole(folder, name, lab.shared / "shelf")
