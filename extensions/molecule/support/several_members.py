# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What scenarios of a cluster with several members of etcd share: its story, its snapshot, and restores of it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import Start, Story

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab


@pytest.fixture(scope="session")
def story(lab: Lab) -> Story:
    made = Story(lab)
    made.begin()
    return made


@pytest.fixture(scope="session")
def snapshot(play: Start, lab: Lab, story: Story, members: list[str]) -> str:
    """Taken in the middle of the story, and copied to all members."""
    taken = play("backup")
    assert taken.finish() == 0, taken.output
    story.go_on()
    (name,) = {name for member in members for name in restores.snapshots(lab, member)}
    return name


@pytest.fixture(scope="session")
def members(lab: Lab) -> list[str]:
    return [node.name for node in lab.nodes if "etcd" in node.groups]


@pytest.fixture(scope="session")
def restore(play: Start) -> Start:
    return restores.starter(play, "restore", restore_confirmed=True, restore_timeout=300)
