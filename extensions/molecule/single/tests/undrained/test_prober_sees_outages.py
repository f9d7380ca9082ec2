# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The negative control: without a drain the same prober does see failures, so its silence means something."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster
from ansible_collections.kubeops.maintenance.tests.lab import podman, traffic
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab


@pytest.fixture
def node_with_the_service(lab: Lab) -> str:
    """Both workers take pods again; a node that has one of the service's."""
    traffic.kubectl(lab, "uncordon", "w2")
    traffic.kubectl(lab, "--namespace=web", "rollout", "status", "deployment/web", "--timeout=300s")
    pods = cluster.objects(lab, "--namespace=web", "get", "pods")
    return pods[0]["spec"]["nodeName"]


def boot_id(lab: Lab, name: str) -> str:
    return cluster.node(lab, name)["status"]["nodeInfo"]["bootID"]


def test_a_node_killed_undrained_costs_requests(lab: Lab, node_with_the_service: str) -> None:
    container = lab.container(node_with_the_service)
    boot = boot_id(lab, node_with_the_service)
    traffic.start(lab, at_least=100, at_most=600)
    podman.podman("kill", "--signal=KILL", container)
    until("a request that fails", lambda: traffic.report(lab)["web"]["failures"])
    podman.podman("start", container)
    until("a new boot of the node", lambda: boot_id(lab, node_with_the_service) != boot)
    cluster.until_ready(lab, node_with_the_service, wanted=True)
    report = traffic.stop(lab)
    print(traffic.describe(report))
    assert report["web"]["failures"] > 0
