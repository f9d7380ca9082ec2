# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventories that users begin with, as Ansible reads them."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader

FOLDER = Path(__file__).parents[2] / "inventory"


def hosts(example: str) -> t.Callable[[str], list[str]]:
    """What a pattern means there, as in a play's hosts."""
    manager = InventoryManager(DataLoader(), sources=[str(FOLDER / example / "hosts.yml")])
    return lambda pattern: [host.name for host in manager.get_hosts(pattern)]


@pytest.mark.parametrize("example", sorted(folder.name for folder in FOLDER.iterdir()))
def test_every_host_is_one_that_the_collection_knows(example: str) -> None:
    found = hosts(example)
    assert found("kube_control_plane")
    assert found("all:!kube_control_plane:!kube_node:!etcd") == []


def test_etcd_on_machines_of_its_own() -> None:
    found = hosts("external_etcd")
    assert found("etcd") == ["e1", "e2", "e3"]
    assert found("etcd:&kube_control_plane") == []


def test_every_host_is_of_one_cluster() -> None:
    found = hosts("many_clusters")
    assert found("all:!production:!staging") == []
    assert found("production:&staging") == []
    assert found("kube_control_plane:&staging") == ["stage-cp1"]
    assert found("etcd:&production") == ["prod-cp1", "prod-cp2", "prod-cp3"]
