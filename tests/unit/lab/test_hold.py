# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A lab that one run has is not taken away by another one."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.tests.lab import access, hold
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError

TESTS = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from lab import access, hold
access.SOCKETS = Path(sys.argv[2])
hold.become("try", sys.argv[3:])
"""

Holder = t.Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def sockets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(access, "SOCKETS", tmp_path / "run")
    monkeypatch.setenv(hold.MARK, "")
    monkeypatch.delenv(hold.MARK)  # whoever runs these tests may hold a lab
    return tmp_path / "run"


@pytest.fixture
def holder(sockets: Path) -> t.Iterator[Holder]:
    """Another run that holds the lab `try`: a shell script that says when it has begun, and ends with its input."""
    started = []

    def start(script: str = "echo begun; read -r end") -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLDER, str(TESTS), str(sockets), "sh", "-c", script]
        run = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(run)
        assert run.stdout
        assert run.stdout.readline() == "begun\n"
        return run

    yield start
    for run in started:
        run.kill()
        run.communicate()


def test_another_run_is_refused_and_told_whose_it_is(holder: Holder) -> None:
    other = holder()
    with pytest.raises(LabError, match=rf"lab try is in the hands of process {other.pid} \(sh -c .*\): .*LAB=other"):
        hold.take("try")
    with hold.held("another"):
        pass


def test_a_killed_run_holds_nothing(holder: Holder) -> None:
    other = holder()
    other.kill()
    other.wait()
    with hold.held("try"):
        pass


def test_what_a_killed_run_has_started_holds_on(holder: Holder) -> None:
    other = holder("exec 8<&0; sh -c 'echo begun; read -r end' <&8 & wait")
    other.kill()
    other.wait()
    with pytest.raises(LabError, match="in the hands of process [0-9]+ "):
        hold.take("try")


def test_what_a_run_has_started_uses_its_lab(monkeypatch: pytest.MonkeyPatch, holder: Holder, sockets: Path) -> None:
    other = holder()
    mark = Path(f"/proc/{other.pid}/environ").read_bytes().split(f"{hold.MARK}=".encode())[1].split(b"\0")[0]
    monkeypatch.setenv(hold.MARK, mark.decode())
    assert hold.take("try") is None
    monkeypatch.setenv(hold.MARK, "of another run")
    with pytest.raises(LabError, match="in the hands of"):
        hold.take("try")


def test_the_lock_ends_with_the_context() -> None:
    with hold.held("try"):
        pass
    assert isinstance(lock := hold.take("try"), int)
    os.close(lock)


def test_a_lock_has_the_name_of_a_lab() -> None:
    with pytest.raises(LabError, match="is no name for a lab"):
        hold.take("../try")
