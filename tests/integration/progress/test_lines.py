# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands on the terminal while a task runs.

A drain that a budget holds ends well only if somebody lifts the budget, which the tests do when they hear of it: a line
that came too late would be a drain that failed.
"""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.integration.progress.conftest import DRAIN, HEALTH, Held, drain
from ansible_collections.kubeops.maintenance.tests.integration.progress.playbook import Playbook


def test_lines_come_while_the_drain_runs(api_cluster: ApiCluster, held: Held, tmp_path: Path) -> None:
    with Playbook(tmp_path, {DRAIN: drain(held.node, kubeconfig=str(api_cluster.kubeconfig()))}) as playbook:
        playbook.hears(f"{held.node}: cordoned")
        playbook.hears(f"{held.node}: 2 pods have to go")
        assert "allows no eviction now" in playbook.hears(held.verdict)
        held.lift()
        playbook.hears(f"{held.node}: empty after")
        assert playbook.ends() == 0
    assert held.verdict not in playbook.said.partition("empty after")[2]


def test_lines_come_while_the_health_is_waited_for(api_cluster: ApiCluster, held: Held, tmp_path: Path) -> None:
    options = {"checks": ["budgets"], "wait_timeout": 600, "wait_sleep": 1, "kubeconfig": str(api_cluster.kubeconfig())}
    with Playbook(tmp_path, {HEALTH: options, "register": "health", "failed_when": "not health.ok"}) as playbook:
        budget = f"budgets {held.corner.namespace}/poddisruptionbudget/shop (allows 0 of 1 disruption"
        assert playbook.hears("health: 1 check fails").startswith(f"health: 1 check fails: {budget}")
        held.lift()
        playbook.hears("health: no check fails any more")
        assert playbook.ends() == 0


def test_a_task_without_log_says_nothing(api_cluster: ApiCluster, corner: t.Any, tmp_path: Path) -> None:
    corner.deployment("web", 1)
    config = str(api_cluster.kubeconfig())
    quiet = {DRAIN: drain(corner.nodes[0], kubeconfig=config), "no_log": True}
    in_a_loop = {
        DRAIN: drain("{{ item }}", kubeconfig=config),
        "loop": corner.nodes,
        "no_log": "{{ item != 'another' }}",
    }
    with Playbook(tmp_path, quiet, in_a_loop, options=["-vvv"]) as playbook:
        assert playbook.ends() == 0
    assert "censored" in playbook.said
    assert not [line for line in playbook.lines if line.startswith(f"{corner.nodes[0]}: ")]
    assert not [line for line in playbook.lines if line.startswith(f"{corner.nodes[1]}: ")]


def test_no_secret_of_a_kubeconfig_is_in_any_line(api_cluster: ApiCluster, corner: t.Any, tmp_path: Path) -> None:
    corner.deployment("web", 1)
    config = json.loads(api_cluster.kubeconfig().read_text())
    # One that is said all the time, to see that it is masked in lines, too.
    config["users"][0]["user"]["password"] = corner.nodes[0]
    with Playbook(tmp_path, {DRAIN: drain(corner.nodes[0], kubeconfig=config)}, options=["-vvv"]) as playbook:
        playbook.hears("********: cordoned")
        playbook.hears("********: empty after")
        assert playbook.ends() == 0
    assert api_cluster.tokens["admin"] not in playbook.said


def test_check_mode_says_nothing_while_it_runs(api_cluster: ApiCluster, corner: t.Any, tmp_path: Path) -> None:
    corner.deployment("web", 1)
    task = {DRAIN: drain(corner.nodes[0], kubeconfig=str(api_cluster.kubeconfig()))}
    with Playbook(tmp_path, task, options=["--check", "--diff"]) as playbook:
        playbook.hears("unschedulable")
        assert playbook.ends() == 0
    assert not [line for line in playbook.lines if line.startswith(f"{corner.nodes[0]}: ")]
    assert not corner.node()["spec"].get("unschedulable")
