# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""kubeadm in a transient systemd unit, so that a dropped connection or a killed playbook does not kill it.

kubeadm has no signal handler, no rollback on a signal, and dies of SIGPIPE when its output goes away. RemainAfterExit
keeps the result for a re-run to read; systemd would throw it away with --collect.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from .._errors import MaintenanceError
from .._wait import Deadline, until
from . import lock
from .commands import Commands
from .kubelet_process import properties
from .paths import Paths
from .versions import Version

PREFIX = "kubeops-kubeadm-upgrade-"
LOCK_TIMEOUT = 600
LOCK_HELD = 75

_SHOWN = ("LoadState", "ActiveState", "SubState", "Result", "ExecMainStatus", "InvocationID", "Description")


@dataclasses.dataclass(frozen=True)
class State:
    exists: bool
    running: bool
    succeeded: bool
    status: str
    # systemd's word for the end: success, exit-code, signal, oom-kill, ...
    result: str
    invocation: str
    # The command, which says what ended when only the unit is left of a run.
    description: str


def name(version: Version) -> str:
    return f"{PREFIX}{version}.service"


def find(commands: Commands) -> list[str]:
    """Units of ours that run or whose result nobody has read."""
    listed = commands.need("systemctl", "list-units", "--all", "--plain", "--no-legend", "--full", f"{PREFIX}*")
    return [line.split()[0] for line in listed.splitlines() if line.split()]


def read(commands: Commands, unit: str) -> State:
    found = properties(commands, unit, *_SHOWN)
    active, sub = found.get("ActiveState", ""), found.get("SubState", "")
    return State(
        exists=found.get("LoadState") == "loaded",
        running=active in ("activating", "deactivating", "reloading") or (active == "active" and sub != "exited"),
        succeeded=active == "active" and sub == "exited" and found.get("ExecMainStatus") == "0",
        status=found.get("ExecMainStatus", ""),
        result=found.get("Result", ""),
        invocation=found.get("InvocationID", ""),
        description=found.get("Description", ""),
    )


def start(commands: Commands, unit: str, argv: t.Sequence[str], environment: t.Mapping[str, str], paths: Paths) -> None:
    """Start a command under the member's lock, with exactly these *_proxy variables.

    kubeadm writes every one of them into the manifests. They may carry a password, so they travel in a private file and
    not on a command line.
    """
    member = paths.at(lock.MEMBER)
    # flock would make it readable to all, and whoever can read it can hold it.
    os.close(os.open(member, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC, 0o600))
    directory = paths.at("/run/kubeops")
    directory.mkdir(mode=0o700, exist_ok=True)
    variables = directory / f"{unit}.env"
    variables.unlink(missing_ok=True)
    descriptor = os.open(variables, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{key}={_quoted(value)}\n" for key, value in environment.items())
    inherited = [line.partition("=")[0] for line in commands.need("systemctl", "show-environment").splitlines()]
    unwanted = [key for key in inherited if key.lower().endswith("_proxy") and key not in environment]
    try:
        commands.need(
            "systemd-run",
            "--quiet",
            f"--unit={unit}",
            f"--description={' '.join(argv)}",
            "--property=Type=exec",
            "--property=RemainAfterExit=yes",
            f"--property=EnvironmentFile={variables}",
            f"--property=UnsetEnvironment={' '.join(['KUBECONFIG', *unwanted])}",
            "--setenv=LANG=C",
            "--setenv=HOME=/root",
            "--",
            "flock",
            f"--timeout={LOCK_TIMEOUT}",
            f"--conflict-exit-code={LOCK_HELD}",
            str(member),
            *argv,
        )
    finally:
        variables.unlink()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def wait(commands: Commands, unit: str, deadline: Deadline) -> State:
    """The state in which it ended. A unit that is gone was read and cleared by another run: the live state decides."""

    def ended() -> t.Optional[State]:
        state = read(commands, unit)
        return None if state.running else state

    return until(
        ended,
        deadline,
        lambda: (
            f"{unit} still runs on this node after {deadline.seconds:.0f} s and goes on. "
            f"Look at it with: journalctl -f -u {unit}. Run the playbook again to wait on: it attaches to the unit"
        ),
    )


def output(commands: Commands, state: State) -> list[str]:
    if not state.invocation:
        return []
    journal = ("journalctl", "--no-pager", "--quiet", "--output=cat", f"_SYSTEMD_INVOCATION_ID={state.invocation}")
    return commands.need(*journal).splitlines()


def clear(commands: Commands, unit: str) -> None:
    """Its result was read: make room for the next one. The journal keeps its lines."""
    commands.run("systemctl", "stop", unit)
    commands.run("systemctl", "reset-failed", unit)
    if read(commands, unit).exists:
        raise MaintenanceError(f"{unit} ended but cannot be cleared. Look at it with: systemctl status {unit}")


def settle(commands: Commands, deadline: Deadline) -> None:
    """Wait until no unit of ours works on this node."""
    lock.wait_free(deadline)
    for unit in find(commands):
        wait(commands, unit, deadline)
