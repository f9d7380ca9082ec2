# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A command, how long it takes, and the memory that it and its children have at most."""

from __future__ import annotations

import dataclasses
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
    seconds: float
    peak_rss_mb: float
    said: str


def run(command: t.Sequence[str | Path], **environment: str) -> Measured:
    """A LabError where the command fails."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.monotonic()
        with subprocess.Popen(
            command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process:
            try:
                peak = _follow(process)
            finally:
                process.kill()
        seconds = time.monotonic() - start
        output.seek(0)
        said = output.read()
    if process.returncode:
        raise LabError(f"{Path(command[0]).name} ended with exit status {process.returncode}:\n{said[-2000:]}")
    return Measured(seconds, peak / 1024, said)


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
