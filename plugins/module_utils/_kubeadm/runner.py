# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs kubeadm as a unit, attaches to one that an earlier run left, and tells what came of it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import MaintenanceError
from .._wait import Deadline
from . import environment, output, unit
from .cluster import APISERVER
from .commands import Commands
from .paths import Paths
from .report import Report
from .versions import Version


class Runner:
    def __init__(self, commands: Commands, paths: Paths, version: Version, deadline: Deadline, report: Report) -> None:
        self._commands = commands
        self._paths = paths
        self._unit = unit.name(version)
        self._deadline = deadline
        self._report = report

    def attach(self) -> set[str]:
        """Wait for every unit of ours, read it, clear it. The commands of this version that ended well."""
        succeeded = set()
        for name in unit.find(self._commands):
            was_running = unit.read(self._commands, name).running
            state = unit.wait(self._commands, name, self._deadline)
            if not state.exists:
                continue
            how = "ended well" if state.succeeded else f"failed ({'; '.join(self._said(state).decisive)})"
            found = "attached to the running" if was_running else "read the result of the"
            self._report.act(f"{found} {name} that an earlier run left: {state.description} {how}")
            if state.succeeded and name == self._unit:
                succeeded.add(state.description)
            unit.clear(self._commands, name)
        return succeeded

    def run(self, argv: t.Sequence[str], left: t.Callable[[], str]) -> None:
        """Run kubeadm to its end. ``left`` tells the state that a failure leaves, for its message."""
        said = self._once(argv)
        if said and said.transient:
            self._report.act(f"{' '.join(argv)} (again: {said.transient})")
            said = self._once(argv)
        if said:
            rolled_back = " kubeadm put the manifests of this run back." if said.rolled_back else ""
            raise MaintenanceError(
                f"{' '.join(argv)} failed: {' | '.join(said.decisive) or 'it said nothing'}.{rolled_back} "
                f"State now: {left()}. Next: remove the cause, then run the playbook again, it continues from here "
                f"(whole output: journalctl -u {self._unit})"
            )

    def _once(self, argv: t.Sequence[str]) -> t.Optional[output.Said]:
        """None when it ended well, or when another run has read its result: then the live state decides."""
        manifest = self._paths.manifest(APISERVER)
        pinned = environment.proxies(manifest.read_text()) if manifest.exists() else {}
        unit.start(self._commands, self._unit, argv, pinned, self._paths)
        state = unit.wait(self._commands, self._unit, self._deadline)
        if not state.exists:
            return None
        said = None if state.succeeded else self._said(state)
        unit.clear(self._commands, self._unit)
        return said

    def _said(self, state: unit.State) -> output.Said:
        if state.status == str(unit.LOCK_HELD):
            why = f"the etcd member's lock was held for {unit.LOCK_TIMEOUT} s: a snapshot, defrag or restore runs here"
            return output.Said((why,), "", False)
        said = output.classify(unit.output(self._commands, state))
        if state.result == "exit-code":
            return said
        # Killed, it had no last words: what it said last is only where it was.
        ended = f"it was ended from outside ({state.result}, status {state.status}), after saying"
        return output.Said((ended, *said.decisive), said.transient, said.rolled_back)
