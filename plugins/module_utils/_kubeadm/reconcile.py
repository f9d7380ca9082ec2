# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node brought back in line with an API whose data has changed behind its back, as after a restore of etcd.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from .. import _pods, _tell
from .._check import Check
from .._errors import MaintenanceError
from .._wait import Deadline, until
from . import gate, identity, kubelet_process, kubelet_proof, local_http, node_pods
from .commands import Commands
from .kubectl import Kubectl
from .paths import Paths
from .report import Report


def moment(text: str) -> float:
    """RFC3339 -> seconds since the epoch."""
    try:
        found = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise MaintenanceError(f'since: "{text}" is no moment like 2026-11-21T18:30:00Z')
    return found.timestamp()


class Reconcile:
    def __init__(
        self,
        commands: Commands,
        paths: Paths,
        since: float,
        deadline: Deadline,
        report: Report,
        get: local_http.Get = local_http.get,
    ) -> None:
        self.commands = commands
        self.paths = paths
        self.since = since
        self.deadline = deadline
        self.report = report
        self.get = get
        self.node = identity.node_name(paths)
        self.own = Kubectl(commands, paths.kubelet_conf)
        self.phantoms: list[str] = []

    def bring(self, check_mode: bool) -> None:
        kubelet = kubelet_process.read(self.commands)
        self.report.before = self.report.after = _state(kubelet)
        why = self._reason(kubelet)
        if why:
            self.report.act(f"restart the kubelet of {self.node} ({why})")
        if check_mode:
            return
        if why:
            with self.report.timed("restart"):
                # A kubelet that failed too often would not be started again.
                self.commands.run("systemctl", "reset-failed", kubelet_process.UNIT)
                self.commands.need("systemctl", "restart", kubelet_process.UNIT)
        with self.report.timed("proof"):
            self.report.checks = self._prove()
        with self.report.timed("phantoms"):
            self.report.checks += gate.passed(self._agrees, self.deadline, f"what runs on {self.node}")
        self.report.after = _state(kubelet_process.read(self.commands))

    def _reason(self, kubelet: kubelet_process.Kubelet) -> str:
        if not kubelet.active or kubelet.started is None:
            return "it does not run"
        return "it knows the data from before" if kubelet.started < self.since else ""

    def _prove(self) -> list[Check]:
        # systemd's own program is its process at first, and a kubelet that ends at once is started again after 10 s.
        running = until(lambda: kubelet_process.read(self.commands).running, self.deadline, self._silent)
        proof = kubelet_proof.Proof(self.commands, self.paths, running, self.node, self.own, self.get)
        return proof.wait(self.deadline, restarted=False)

    def _silent(self) -> str:
        patience = f"{self.deadline.seconds:g} s"
        return f"the kubelet of {self.node} does not run after {patience}. Look at it: journalctl -u kubelet"

    def _agrees(self) -> list[Check]:
        """What runs is looked at before the API is asked, or a pod that is just being started would be none."""
        here = _pods.running(self.paths.root)
        query = {"fieldSelector": f"spec.nodeName={self.node}"}
        self.phantoms = node_pods.phantoms(here, self.own.list("/api/v1/pods", query))
        left = f"{len(self.phantoms)} of {len(here)} pods that run are unknown to the API: "
        evidence = left + _tell.some(self.phantoms) if self.phantoms else f"the API knows all {len(here)} that run"
        fix = f"the kubelet ends them; look why it does not: journalctl -u kubelet on {self.node}"
        return [gate.check("pods known", not self.phantoms, f"node/{self.node}", evidence, fix)]


def _state(kubelet: kubelet_process.Kubelet) -> dict[str, t.Any]:
    started = kubelet.started and datetime.datetime.fromtimestamp(kubelet.started, datetime.timezone.utc)
    return {"active": kubelet.active, "started": started.strftime("%Y-%m-%dT%H:%M:%SZ") if started else None}
