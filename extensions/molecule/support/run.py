# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-playbook as users start it, and as it is killed in the worst moments."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import typing as t
import uuid
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

ROOT = Path(__file__).resolve().parents[3]
TARGET = "1.37.1"  # of the upgrades
SECONDS = 1200  # after which a run hangs


class Run:
    """A run of a playbook of the collection. Its output goes to a file, so that a test can read along."""

    def __init__(self, playbook: str, inventory: Path, log: Path, *arguments: str) -> None:
        command = ["ansible-playbook", f"--inventory={inventory}", f"kubeops.maintenance.{playbook}", *arguments]
        # Not Molecule's settings but those of somebody in the checkout.
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "MOLECULE_"))}
        # Ansible's workers have sessions of their own: by this mark all that a run has started is found again.
        self.mark = str(uuid.uuid4())
        environment |= {
            "KUBEOPS_TEST_RUN": self.mark,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }
        self.log, self.begin = log, time.monotonic()
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        """What it has printed until now, as one line: messages are folded somewhere."""
        return " ".join(self.log.read_text().split())

    @property
    def message(self) -> str:
        """What its last failure has to say."""
        return self.output.rpartition("fatal: ")[2].partition("PLAY RECAP")[0]

    def says(self, text: str) -> bool:
        return text in self.output

    def finish(self) -> int:
        code = self.process.wait(timeout=SECONDS)
        print(f"exit status {code} after {time.monotonic() - self.begin:.1f} s")
        return code

    def until(self, what: str, probe: t.Callable[[], bool]) -> None:
        """Wait for something that happens while it runs."""

        def attempt() -> bool:
            assert self.process.poll() is None, f"it ended before {what}: {self.log.read_text()[-3000:]}"
            return probe()

        until(what, attempt, SECONDS)

    def kill(self) -> None:
        """SIGKILL to ansible-playbook itself and to nobody else; what it had started has to notice by itself."""
        self.process.kill()
        self.process.wait()
        print(f"killed after {time.monotonic() - self.begin:.1f} s")

    def until_gone(self) -> None:
        """Wait until what the killed run had started has noticed and ended."""
        until("the end of all that the killed run had started", lambda: not self.left())

    def left(self) -> list[int]:
        """What still works for this run. The connections that ssh keeps open for the next one do not count."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                mine = f"KUBEOPS_TEST_RUN={self.mark}".encode() in (process / "environ").read_bytes().split(b"\0")
                if mine and not (process / "cmdline").read_bytes().startswith(b"ssh: "):
                    found.append(int(process.name))
        return found

    def clear(self) -> None:
        """Nothing of a run outlives its test."""
        self.process.kill()
        self.process.wait()
        for process in self.left():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
