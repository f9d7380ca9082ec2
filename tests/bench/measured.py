# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command, how long it takes, and the memory that it and its children have at most."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.lab.process import LabError

EVERY = 0.02


@dataclasses.dataclass(frozen=True)
class Measured:
    """``started`` in seconds of the epoch, ``code`` is the exit status."""

    started: float
    seconds: float
    peak_rss_mb: float
    code: int
    said: str

    @property
    def failure(self) -> str:
        """Its last line, or what a module's result says; "" where it ended well."""
        last = (self.said.strip() or "no output").splitlines()[-1] if self.code else ""
        try:
            return str(json.loads(last).get("msg", last))
        except ValueError:
            return last


def run(command: t.Sequence[str | Path], **environment: str) -> Measured:
    """A LabError where the command fails."""
    done = attempt(command, environment)
    if done.code:
        raise LabError(f"{Path(command[0]).name} ended with exit status {done.code}:\n{done.said[-2000:]}")
    return done


def attempt(command: t.Sequence[str | Path], environment: t.Mapping[str, str], stdin: str = "") -> Measured:
    """However it ends."""
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as said:
        given.write(stdin)
        given.seek(0)
        started, start = time.time(), time.monotonic()
        # A group of its own: our drain stops when the process that leads its group loses its parent.
        with subprocess.Popen(
            command, env={**os.environ, **environment}, stdin=given, stdout=said, stderr=said, process_group=0
        ) as process:
            try:
                peak = _follow(process)
            finally:
                process.kill()
        seconds = time.monotonic() - start
        said.seek(0)
        return Measured(started, seconds, peak / 1024, process.returncode, said.read())


def _follow(process: subprocess.Popen[bytes]) -> int:
    """KiB. What the system says of processes that ended counts who started them, too."""
    peak = 0
    while True:
        try:
            process.wait(timeout=EVERY)
            return peak
        except subprocess.TimeoutExpired:
            together = sum(_memory(pid, "VmRSS") for pid in _family(process.pid))
            peak = max(peak, together, _memory(process.pid, "VmHWM"))


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        try:
            children = [task.read_text() for task in Path(f"/proc/{one}/task").glob("*/children")]
        except OSError:  # it has ended
            continue
        found += [int(word) for word in " ".join(children).split()]
    return found


def _memory(pid: int, what: str) -> int:
    try:
        found = re.search(rf"{what}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) if found else 0
