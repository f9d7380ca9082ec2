# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A step of a restore on this member: what all of them are told, and what they have in common.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
import typing as t
import urllib.parse

from ... import _static_pods
from ..._check import PASS, Check
from ..._errors import MaintenanceError
from ..._wait import Deadline, until
from ..member import programs
from ..member.local_member import LocalMember
from . import plan as plans
from . import swap
from .plan import Plan
from .report import RestoreReport
from .service import Service

_APISERVER = "kube-apiserver"


@dataclasses.dataclass
class Step:
    """``local``: this node's member. ``apiservers``: the processes of kube-apiserver on this node."""

    report: RestoreReport
    local: LocalMember
    service: Service
    deadline: Deadline
    apiservers: t.Callable[[], t.Sequence[int]]

    @property
    def plan(self) -> Plan:
        if self.report.plan is None:
            raise MaintenanceError("there is no plan of this restore")
        return self.report.plan

    @property
    def phase(self) -> str:
        return self.plan.phase

    def enter(self, phase: str) -> None:
        if not self.report.dry_run:
            self.report.plan = plans.enter(self.plan, phase)
        self.report.changed = True

    def check_alone(self) -> None:
        """Raise MaintenanceError where an apiserver would go on with data that is another all of a sudden."""
        pids = self.apiservers()
        if pids:
            raise MaintenanceError(
                f"{_APISERVER} runs on this node as process {' and '.join(map(str, pids))}, and what it knows would be"
                " wrong. Nothing was changed. Stop the control planes first, all of them (module static_pods, state"
                " stopped)"
            )

    def stop(self) -> None:
        """Have nobody use the data, and nobody start to. Nothing is done where that is so."""
        if not self.service.is_stopped():
            self.service.check()
            self.report.act(self.service.stops, self.service.stop)
        if not self.report.dry_run:
            with self.timed("stop"):
                until(self._is_unused, self.deadline, self._still_used, interval=0.2)

    def start(self) -> None:
        """Have the member use its data. That it serves takes the other members."""
        if self.service.is_stopped() or not self._serving():
            self.service.check()
            self.report.act(self.service.starts, self.service.start)
        if not self.report.dry_run:
            with self.timed("start"):
                pid = until(self._serving, self.deadline, self._not_started, interval=0.2)
            evidence = f"process {pid} has {self.plan.live} open"
            self.report.checks.append(Check("etcd member started", PASS, f"etcd/{self.plan.here.name}", evidence))

    def users(self) -> dict[str, int]:
        """Which process has a database open, whatever its directory is called by now."""
        plan = self.plan
        paths = (plan.live, plan.prepared, plan.previous, plan.rejected)
        found = {path: programs.holder(_database(path)) for path in paths}
        return {path: pid for path, pid in found.items() if pid is not None}

    @contextlib.contextmanager
    def timed(self, what: str) -> t.Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.report.durations[what] = self.report.durations.get(what, 0.0) + time.monotonic() - start

    def _serving(self) -> t.Optional[int]:
        return programs.holder(_database(self.plan.live))

    def _is_unused(self) -> t.Optional[bool]:
        return None if self.users() or self._ports() or self.service.remains() else True

    def _ports(self) -> list[str]:
        """Those that somebody still listens at: the etcd that comes could not."""
        found = []
        for url in self.plan.here.listens:
            parts = urllib.parse.urlsplit(url)
            if parts.port and not _static_pods.is_free(parts.hostname or "", parts.port):
                found.append(url)
        return found

    def _still_used(self) -> str:
        used = [f"process {pid} has {path} open" for path, pid in self.users().items()]
        used += [f"somebody listens at {url}" for url in self._ports()]
        used += self.service.remains()
        return (
            f"etcd/{self.plan.here.name}: was told to stop and is still there after {self.deadline.seconds:.0f} s:"
            f" {'; '.join(used)}. Its data was left as it is. Look at crictl ps --name etcd, journalctl -u kubelet and"
            " systemctl status etcd; then run this again"
        )

    def _not_started(self) -> str:
        return (
            f"etcd/{self.plan.here.name}: was told to start, and after {self.deadline.seconds:.0f} s no process has"
            f" {self.plan.live} open. Look at its log: crictl logs $(crictl ps -a --name etcd -q | head -1), journalctl"
            " -u kubelet, journalctl -u etcd"
        )

    def told(self, tree: swap.Tree) -> str:
        """Where its data is, for a message."""
        if tree.exchanged:
            return f"what was restored is in {self.plan.live}, what was there before in {self.plan.previous}"
        return f"what was there before is in {self.plan.live if tree.live else self.plan.previous}"


def _database(member: str) -> str:
    return os.path.join(member, "snap", "db")
