# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two clusters, and restores of the second one as tests start them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import Start, Story

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab


@pytest.fixture(scope="session")
def cluster1(lab: Lab) -> Lab:
    return lab.clusters[0]


@pytest.fixture(scope="session")
def cluster2(lab: Lab) -> Lab:
    return lab.clusters[1]


@pytest.fixture(scope="session")
def story(cluster2: Lab) -> Story:
    made = Story(cluster2)
    made.begin()
    return made


@pytest.fixture(scope="session")
def snapshot(play: Start, cluster2: Lab, story: Story) -> str:
    """Of cluster2, taken in the middle of its story."""
    taken = play("backup", "--extra-vars=cluster=cluster2")
    assert taken.finish() == 0, taken.output
    story.go_on()
    (name,) = restores.snapshots(cluster2, "cp2")
    return name


@pytest.fixture(scope="session")
def restore(play: Start) -> Start:
    return restores.starter(play, "restore", cluster="cluster2", restore_confirmed=True, restore_timeout=300)
