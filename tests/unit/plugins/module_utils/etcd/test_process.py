# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
import pathlib
import signal
import stat
import subprocess
import sys

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import process
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until

LONG = ["sh", "-c", 'echo $$ > "$0"; sleep 600 & echo $! >> "$0"; wait']


def written(path: pathlib.Path) -> list[int]:
    """The ids that LONG writes, once both are there."""
    return until(
        lambda: [int(word) for word in path.read_text().split()] if path.exists() and len(lines(path)) > 1 else None,
        Deadline(120),
        lambda: "it has not started",
        interval=0.02,
    )


def lines(path: pathlib.Path) -> list[str]:
    return path.read_text().split()


def gone(pid: int) -> None:
    until(lambda: None if running(pid) else True, Deadline(120), lambda: f"{pid} runs", interval=0.02)


def running(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_it_prints() -> None:
    assert process.run(["sh", "-c", "echo a; echo b >&2"], Deadline(120)) == "a\n"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["sh", "-c", "echo out; exit 3"], "sh: failed with status 3: out"),
        (["sh", "-c", "echo out; echo no space >&2; exit 3"], "sh: failed with status 3: no space"),
        (["sh", "-c", "exit 3"], "sh: failed with status 3: it said nothing"),
        (["/no/such/program"], "/no/such/program: cannot be started: "),
    ],
)
def test_failures(command: list[str], message: str) -> None:
    with pytest.raises(process.ProcessError) as caught:
        process.run(command, Deadline(120))
    assert caught.value.msg.startswith(message)


def test_nothing_of_the_callers_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETCDCTL_ENDPOINTS", "https://elsewhere:2379")
    assert "ETCDCTL" not in process.run(["env"], Deadline(120))


def test_files_are_for_their_owner_alone(tmp_path: pathlib.Path) -> None:
    process.run(["touch", str(tmp_path / "x")], Deadline(120))
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


def test_a_deadline_ends_all_that_it_started(tmp_path: pathlib.Path) -> None:
    ids = tmp_path / "ids"

    class OverOnceItRuns(Deadline):
        @property
        def left(self) -> float:
            written(ids)
            return 0.0

    with pytest.raises(process.ProcessError, match="not done in 600 s, and killed"):
        process.run([*LONG, str(ids)], OverOnceItRuns(600))
    for pid in written(ids):
        gone(pid)


def test_it_ends_with_the_block_whatever_happens(tmp_path: pathlib.Path) -> None:
    with pytest.raises(KeyboardInterrupt), process.started([*LONG, str(tmp_path / "ids")]):
        pids = written(tmp_path / "ids")
        assert all(map(running, pids))
        raise KeyboardInterrupt
    for pid in pids:
        gone(pid)


def test_it_dies_with_who_started_it(tmp_path: pathlib.Path) -> None:
    code = (
        "import sys, time\n"
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import process\n"
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline\n"
        "process.run(['sh', '-c', 'echo $$ $$ > \"$0\"; exec sleep 600', sys.argv[1]], Deadline(600))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "ids")], env=environment) as parent:
        pid, _same = written(tmp_path / "ids")
        assert running(pid)
        parent.send_signal(signal.SIGKILL)
    gone(pid)


def test_niceness() -> None:
    with process.started(["nice"], niceness=5, stdout=subprocess.PIPE) as child:
        assert int(child.communicate(timeout=120)[0]) == min(19, os.nice(0) + 5)


@pytest.mark.parametrize(
    ("printed", "complaint"),
    [
        ("2026-11-20T10:00:00Z info x\nError: sha256 mismatch\n\n", "Error: sha256 mismatch"),
        ('{"level":"warn","msg":"a"}\n{"level":"fatal","msg":"b","error":"c","stacktrace":"d"}', "b: c"),
        ('{"level":"panic","msg":"b"}\npanic: b\n\ngoroutine 1 [running]:\nmain.main()', "panic: b"),
        ('{"level":"error","msg":"first"}\n{"level":"info","msg":"then"}', "first"),
        ('{"level":"info","msg":"then"}\n[1]\nlast', "last"),
    ],
)
def test_the_line_that_says_why(printed: str, complaint: str) -> None:
    assert process.complaint(printed) == complaint


def test_an_end_that_is_not_its_own() -> None:
    with pytest.raises(process.ProcessError) as caught:
        process.run(["sh", "-c", "kill -9 $$"], Deadline(120))
    assert caught.value.status is None
    with pytest.raises(process.ProcessError) as caught:
        process.run(["sh", "-c", "exit 7"], Deadline(120))
    assert caught.value.status == 7


def test_what_the_system_is_to_blame_for() -> None:
    error = process.failure("etcdutl", 1, "write x: no space left on device\nError: it failed")
    assert error.complains(process.FULL) == errno.ENOSPC
    assert process.failure("etcdutl", 1, "Error: it failed").complains(process.SYSTEM) is None
    threads = "runtime: failed to create new OS thread (have 5 already; errno=11): Resource temporarily unavailable"
    assert process.failure("etcd", 2, threads).complains(process.SYSTEM) == errno.EAGAIN
