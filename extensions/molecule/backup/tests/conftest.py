# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""backup.yml and snapshots.yml as tests start them, on a backup directory of the test file's own."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import backups
from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab


@pytest.fixture(scope="module")
def folder(lab: Lab, request: pytest.FixtureRequest) -> t.Iterator[Folder]:
    made = Folder(lab, f"/var/backups/kubeops/{request.module.__name__.rpartition('.')[2]}")
    yield made
    made.remove()


@pytest.fixture(scope="session")
def ballast(lab: Lab) -> t.Iterator[None]:
    """A database so large that a save can be met in its middle."""
    with backups.namespace(lab, "ballast") as client:
        backups.fill(client, "ballast", megabytes=60)
        yield


def starter(play: t.Callable[..., Run], folder: Folder, playbook: str) -> t.Callable[..., Run]:
    def work(*arguments: str, **variables: t.Any) -> Run:
        return play(playbook, f"--extra-vars={json.dumps({'etcd_backup_dir': folder.path, **variables})}", *arguments)

    return work


@pytest.fixture(scope="module")
def backup(play: t.Callable[..., Run], folder: Folder) -> t.Callable[..., Run]:
    return starter(play, folder, "backup")


@pytest.fixture(scope="module")
def snapshots(play: t.Callable[..., Run], folder: Folder) -> t.Callable[..., Run]:
    return starter(play, folder, "snapshots")
