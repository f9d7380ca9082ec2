# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that run as long as a test wants them, and never longer than the test itself."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import typing as t
from pathlib import Path

from ..lab.process import LabError
from ..lab.waiting import until

# Seconds to begin, and to end by itself.
PATIENCE = 120
LINGERS = 10
# Memory for time: these programs live for minutes, and share a small machine with what they are tested with.
GOGC = "400"
# Before a command: it does not outlive the thread that starts it. setpriv becomes the program itself.
MORTAL = ("setpriv", "--pdeathsig", "KILL", "--")


class Program:
    """One process, with its output in a file. It is killed when the thread that started it ends, however that comes."""

    def __init__(self, program: Path, flags: t.Mapping[str, object], folder: Path, *words: str) -> None:
        self.name = program.name
        self.log = folder / f"{self.name}.log"
        command = [str(program), *(f"--{flag}={value}" for flag, value in flags.items()), *words]
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [*MORTAL, *command],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, "GOGC": GOGC},
            )
        # Until then it would outlive us.
        until(f"the start of {self.name}", lambda: self._started(program), seconds=PATIENCE, every=0.002)

    @property
    def pid(self) -> int:
        return self._process.pid

    def _started(self, program: Path) -> bool:
        """Whether setpriv has done its part."""
        self.check()
        with contextlib.suppress(FileNotFoundError):  # it has just ended: the next check says so
            return os.path.samefile(f"/proc/{self.pid}/exe", program)
        return False

    def check(self) -> None:
        """Say what it printed last where it has ended by itself."""
        code = self._process.poll()
        if code is not None:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise LabError(f"{self.name} ended with exit status {code}:\n{last}")


def stop(programs: t.Sequence[Program]) -> None:
    """SIGTERM to all at once; SIGKILL to those that linger."""
    for program in programs:
        program._process.terminate()
    deadline = time.monotonic() + LINGERS
    for program in programs:
        try:
            program._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            program._process.kill()
            program._process.wait()
