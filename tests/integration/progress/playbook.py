# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real ansible-playbook, whose words are read as they come."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.integration import playbook_run

SECONDS = 900

Task = dict[str, t.Any]


def write(folder: Path, *tasks: Task, **play: t.Any) -> tuple[Path, Path]:
    """A play of one host and its inventory; JSON is YAML, too."""
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    inventory, playbook = folder / "inventory.yml", folder / "play.yml"
    inventory.write_text(json.dumps({"all": {"hosts": {"controller": host}}}))
    whole = {"name": "Test", "hosts": "controller", "gather_facts": False, "tasks": list(tasks), **play}
    playbook.write_text(json.dumps([whole]))
    return inventory, playbook


class Playbook:
    """Use as a context: what still runs at its end is killed."""

    def __init__(self, folder: Path, *tasks: Task, options: t.Sequence[str] = (), **play: t.Any) -> None:
        inventory, playbook = write(folder, *tasks, **play)
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            playbook_run.command(inventory, playbook, *options),
            cwd=playbook_run.ROOT,
            env=playbook_run.environment(folder) | {"ANSIBLE_LOCAL_TEMP": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Playbook:
        return self

    def __exit__(self, *_error: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def said(self) -> str:
        return "\n".join(self.lines)

    def hears(self, text: str) -> str:
        """The next line with that in it, as soon as it comes."""
        while (line := self._next()) is not None:
            if text in line:
                return line
        raise AssertionError(f"{text!r} was not said:\n{self.said}")

    def ends(self) -> int:
        while self._next() is not None:
            pass
        return self.process.wait(SECONDS)

    def _next(self) -> str | None:
        line = self._queue.get(timeout=SECONDS)
        if line is not None:
            self.lines.append(line)
        return line

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._queue.put(line.rstrip("\n"))
        self._queue.put(None)
