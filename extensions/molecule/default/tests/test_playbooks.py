# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's own playbooks keep the rules that the small plays prove."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

PLAYBOOKS = Path(__file__).parents[4] / "playbooks"

Tasks = list[dict[str, t.Any]]


def read(file: Path) -> Tasks:
    return yaml.safe_load(file.read_text())


def tasks_of(play: dict[str, t.Any]) -> Tasks:
    """The tasks of a play, those of a file that it includes first put in its place."""
    tasks = play.get("tasks", [])
    included = tasks[0].get("ansible.builtin.include_tasks") if tasks else None
    return read(PLAYBOOKS / included["file"]) if included else tasks


def first_role(tasks: Tasks) -> str:
    return tasks[0]["ansible.builtin.include_role"]["name"]


PLAYS = [play for file in sorted(PLAYBOOKS.glob("*.yml")) for play in read(file)]
UPGRADE = [play for play in read(PLAYBOOKS / "upgrade.yml") if play.get("serial")]
BLOCKS = [task for play in UPGRADE for task in tasks_of(play) if "block" in task]


def test_upgrades_roll() -> None:
    assert len(UPGRADE) == 3


@pytest.mark.parametrize("play", [play for play in PLAYS if play.get("serial")], ids=lambda play: play["name"])
def test_a_rolling_play_ends_with_its_first_failure(play: dict[str, t.Any]) -> None:
    assert play.get("max_fail_percentage") == 0
    assert "any_errors_fatal" not in play, "it would send healthy neighbours into their rescue"


@pytest.mark.parametrize("play", UPGRADE, ids=lambda play: play["name"])
def test_a_turn_opens_with_the_guard(play: dict[str, t.Any]) -> None:
    assert first_role(tasks_of(play)) == "kubeops.maintenance.turn"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block["name"])
def test_a_rescue_ends_by_failing_again(block: dict[str, t.Any]) -> None:
    assert block["rescue"][-1]["ansible.builtin.include_role"] == {
        "name": "kubeops.maintenance.report",
        "tasks_from": "failed",
    }


def stages(tasks: Tasks) -> list[str]:
    """Role, and the stage of a hook, of every task that includes one."""
    included = [(task.get("ansible.builtin.include_role"), task.get("vars", {})) for task in tasks]
    return [found.get("hooks_stage") or role["name"].rpartition(".")[2] for role, found in included if role]


def test_a_nodes_turn_has_its_hooks_and_its_gate_in_order() -> None:
    """Only after the gate and the last hook is the work on the node over: what fails before is done by the next run."""
    block = BLOCKS[-1]["block"]
    assert stages(block)[2:-1] == [
        *("healthy", "before_drain", "drained", "after_drain", "drained", "packages", "kubelet"),
        *("before_uncordon", "drained", "healthy", "after", "drained"),
    ]
    drained = [task["vars"] for task in block if task["ansible.builtin.include_role"]["name"].endswith(".drained")]
    assert drained[0] == drained[1], "it is proven to be as it was drained"
    released = [task for task in block if task["ansible.builtin.include_role"].get("tasks_from") == "release"]
    assert [task["vars"].get("drained_keep_work", False) for task in released] == [True, False]
