# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No member has a snapshot any more; the controller has."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster, restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import BACKUPS, Start, Story
from ansible_collections.kubeops.maintenance.tests.lab import podman

if t.TYPE_CHECKING:
    import pathlib

    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

pytestmark = pytest.mark.slow


def test_a_snapshot_that_only_the_controller_has(
    lab: Lab, restore: Start, story: Story, snapshot: str, members: list[str], tmp_path: pathlib.Path
) -> None:
    for name in (snapshot, f"{snapshot}.json"):
        podman.podman("cp", f"{lab.container('cp1')}:{BACKUPS}/{name}", str(tmp_path / name))
    for member in members:
        cluster.shell(lab, member, f"rm -rf {BACKUPS}")
    story.go_on()
    refused = restore(snapshot=snapshot)
    assert refused.finish() != 0
    assert restores.phases(lab, members) == ["finished"] * 3
    story.went_on()
    run = restore(snapshot=snapshot, restore_from=str(tmp_path))
    assert run.finish() == 0, run.output
    story.is_taken_back()
    assert restores.phases(lab, members) == ["finished"] * 3
