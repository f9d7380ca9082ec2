# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a task may say of how its module is run counts for one that tells of itself, too."""

from __future__ import annotations

import shlex
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.integration.progress.conftest import DRAIN, Held, drain
from ansible_collections.kubeops.maintenance.tests.integration.progress.playbook import Playbook


@pytest.mark.parametrize("on", ["task", "play"])
def test_the_way_to_the_api_comes_from_the_environment(
    api_cluster: ApiCluster, corner: t.Any, tmp_path: Path, on: str
) -> None:
    corner.deployment("web", 1)
    given = {"environment": {"K8S_AUTH_KUBECONFIG": str(api_cluster.kubeconfig())}}
    task = {DRAIN: drain(corner.nodes[0])}
    where = ({**task, **given}, {}) if on == "task" else (task, given)
    with Playbook(tmp_path, where[0], **where[1]) as playbook:
        playbook.hears(f"{corner.nodes[0]}: cordoned")
        assert playbook.ends() == 0, playbook.said


def test_the_way_to_the_api_comes_from_the_defaults_of_the_group(
    api_cluster: ApiCluster, corner: t.Any, tmp_path: Path
) -> None:
    defaults = {"group/kubeops.maintenance.api": {"kubeconfig": str(api_cluster.kubeconfig())}}
    health = {"kubeops.maintenance.k8s_health_info": {"checks": ["nodes"]}}
    with Playbook(tmp_path, {DRAIN: drain(corner.nodes[0])}, health, module_defaults=defaults) as playbook:
        playbook.hears(f"{corner.nodes[0]}: cordoned")
        assert playbook.ends() == 0, playbook.said


def test_a_delegated_task_runs_under_the_interpreter_of_that_host(
    api_cluster: ApiCluster, corner: t.Any, tmp_path: Path
) -> None:
    trace, interpreter = tmp_path / "trace", tmp_path / "python"
    interpreter.write_text(f'#!/bin/sh\necho used >>{trace}\nexec {shlex.quote(sys.executable)} "$@"\n')
    interpreter.chmod(0o755)
    elsewhere = {"ansible_connection": "local", "ansible_python_interpreter": str(interpreter)}
    host = {"ansible.builtin.add_host": {"name": "elsewhere", **elsewhere}}
    task = {DRAIN: drain(corner.nodes[0], kubeconfig=str(api_cluster.kubeconfig())), "delegate_to": "elsewhere"}
    with Playbook(tmp_path, host, task) as playbook:
        playbook.hears(f"{corner.nodes[0]}: cordoned")
        assert playbook.ends() == 0, playbook.said
    assert trace.read_text() == "used\n"


def test_a_task_that_is_not_waited_for_drains_without_words(
    api_cluster: ApiCluster, held: Held, tmp_path: Path
) -> None:
    task = {DRAIN: drain(held.node, kubeconfig=str(api_cluster.kubeconfig())), "async": 900, "poll": 1}
    with Playbook(tmp_path, task) as playbook:
        # Longer than Ansible needs to let the module go its own way.
        for _each in range(5):
            playbook.hears("ASYNC POLL")
        held.lift()
        assert playbook.ends() == 0, playbook.said
    assert not [line for line in playbook.lines if line.startswith(held.node)]


def test_a_failure_is_that_of_the_module(api_cluster: ApiCluster, corner: t.Any, tmp_path: Path) -> None:
    corner.pod("bare")
    refused = {DRAIN: drain(corner.nodes[0], kubeconfig=str(api_cluster.kubeconfig())), "register": "drained"}
    wrong = {DRAIN: {"name": "w1", "owne": "me"}, "register": "wrong"}
    expected = {
        "ansible.builtin.assert": {
            "that": [
                "drained.failed",
                "drained.blocked[0].name == 'bare'",
                "drained.remaining == []",
                "wrong.msg.startswith('Unsupported parameters for (kubeops.maintenance.k8s_drain) module: owne')",
            ]
        }
    }
    tasks = [{**task, "ignore_errors": True} for task in (refused, wrong)]
    with Playbook(tmp_path, *tasks, expected) as playbook:
        assert playbook.ends() == 0, playbook.said


def test_a_loop_tells_of_every_item(api_cluster: ApiCluster, corner: t.Any, tmp_path: Path) -> None:
    task = {
        DRAIN: drain("{{ item }}", kubeconfig=str(api_cluster.kubeconfig())),
        "loop": corner.nodes,
        "environment": {"KUBEOPS_TEST": "{{ item }}"},
    }
    with Playbook(tmp_path, task, options=["-vvv"]) as playbook:
        for node in corner.nodes:
            assert "KUBEOPS_MAINTENANCE_TELL=" in playbook.hears(f"KUBEOPS_TEST={node} ")
            playbook.hears(f"{node}: cordoned")
        assert playbook.ends() == 0, playbook.said
    assert list(tmp_path.glob("*/kubeops-*")) == []
