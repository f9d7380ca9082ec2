# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible makes of the rolling plays' guards, seen in small plays on local connections."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

SCENARIO = Path(__file__).parents[1]
ROOT = SCENARIO.parents[2]


def play(name: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        ["ansible-playbook", "-i", SCENARIO / "inventory", SCENARIO / "plays" / f"{name}.yml", *arguments],
        env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "ANSIBLE_FORCE_COLOR": "0"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout


def touched(output: str) -> list[str]:
    """The hosts that got to the task behind the guard."""
    sections = [text for text in re.split(r"^(?:TASK|PLAY) ", output, flags=re.MULTILINE) if text.startswith("[Touch")]
    return sorted(host for text in sections for host in re.findall(r"^ok: \[(\w+)\]", text, flags=re.MULTILINE))


def test_a_lost_host_stops_the_play_before_the_next_host_is_touched() -> None:
    code, output = play("lost_host")
    assert code != 0
    assert "Lost on the way: lost" in output
    assert "before third is touched" in output
    assert touched(output) == ["first"]


def test_without_the_guard_it_would_go_on() -> None:
    _, output = play("lost_host", "--extra-vars", "guarded=false")
    assert touched(output) == ["first", "fourth", "third"]


def test_a_rescue_fails_again_and_says_what_failed() -> None:
    code, output = play("rescue")
    assert code != 0
    assert "first: Break something: the disk of first is full" in output
    assert "FAILED: the disk of first is full" in output, "the table is missing"
    assert "the disk of third" not in output


def test_a_host_with_nothing_to_do_ends_its_turn_and_the_next_one_begins() -> None:
    code, output = play("nothing_to_do")
    assert code == 0
    assert touched(output) == ["third"]


def test_check_mode_ends_every_turn() -> None:
    code, output = play("nothing_to_do", "--check")
    assert code == 0
    assert touched(output) == []
