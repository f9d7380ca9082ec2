# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kubelet that runs, which is not always the one that is installed.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import time
import typing as t

from . import versions
from .commands import Commands
from .versions import Version

UNIT = "kubelet.service"


@dataclasses.dataclass(frozen=True)
class Kubelet:
    active: bool
    pid: int
    # Seconds since the epoch, None while it does not run.
    started: t.Optional[float]
    running: t.Optional[Version]


def properties(commands: Commands, unit: str, *names: str) -> dict[str, str]:
    shown = commands.need("systemctl", "show", unit, *(f"--property={name}" for name in names))
    return dict(line.split("=", 1) for line in shown.splitlines() if "=" in line)


def read(commands: Commands) -> Kubelet:
    found = properties(commands, UNIT, "ActiveState", "MainPID", "ExecMainStartTimestampMonotonic")
    pid = int(found.get("MainPID") or 0)
    if not pid:
        return Kubelet(found.get("ActiveState") == "active", 0, None, None)
    # systemd's clock in microseconds; its wall clock stamps depend on locale and time zone.
    age = time.monotonic() - int(found["ExecMainStartTimestampMonotonic"]) / 1e6
    running = program_version(commands, f"/proc/{pid}/exe")
    return Kubelet(found.get("ActiveState") == "active", pid, time.time() - age, running)


def program(commands: Commands, pid: int) -> t.Optional[str]:
    """Path of the program that runs, None where it cannot be told; of one that was replaced, the path that it had."""
    found = commands.run("readlink", f"/proc/{pid}/exe") if pid else None
    return found.out.strip().removesuffix(" (deleted)") if found and found.ok else None


def program_version(commands: Commands, program: str) -> t.Optional[Version]:
    """``Kubernetes v1.36.4`` -> 1.36.4. A binary that was replaced can still be asked through /proc/PID/exe."""
    try:
        said = commands.run(program, "--version")
    except OSError:
        return None
    return versions.find(said.out.split()[-1]) if said.ok and said.out.split() else None
