# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane's static pods stopped, for as long as somebody needs etcd for himself, and started again.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import ipaddress
import typing as t

from .. import _static_pods, _tell
from .._check import FAIL, PASS, Check
from .._errors import MaintenanceError
from .._static_pod import StaticPod
from .._static_pods import Manifests
from .._wait import Deadline
from . import gate
from .cluster import APISERVER, CONTROLLER_MANAGER, SCHEDULER
from .commands import Commands
from .kubectl import Kubectl, KubectlError, apiserver_url
from .paths import Paths
from .report import Report

# What they listen on where no flag says it.
_PORTS = {APISERVER: 6443, CONTROLLER_MANAGER: 10257, SCHEDULER: 10259}
# In the order in which they start: the others are clients of the first.
NAMES = tuple(_PORTS)
STOPPED, STARTED = "stopped", "started"


class StaticPods:
    """``names`` of those that are meant; one that this node does not have is passed over."""

    def __init__(
        self,
        commands: Commands,
        paths: Paths,
        names: t.Sequence[str],
        deadline: Deadline,
        report: Report,
        check_mode: bool,
        processes: t.Callable[[str], t.Sequence[int]] = _static_pods.processes,
    ) -> None:
        self._commands = commands
        self._paths = paths
        self._manifests = Manifests(str(paths.manifests))
        self._names = [name for name in NAMES if name in names]
        self._deadline = deadline
        self._report = report
        self._check_mode = check_mode
        self._processes = processes

    def bring(self, state: str) -> None:
        self._report.before = self._report.after = self._states()
        for name in self._names:
            self._manifests.check(name)
        try:
            (self._stop if state == STOPPED else self._start)()
        finally:
            self._report.after = self._states()
        if self._check_mode:  # what would be
            self._report.after = {name: found and state for name, found in self._report.before.items()}

    def _stop(self) -> None:
        running = {name: pids for name in self._names for pids in [self._processes(name)] if pids}
        for name, pids in running.items():
            if not self._manifests.read(name):
                raise MaintenanceError(
                    f"{name} runs here as process {_some(pids)} and {self._manifests.path(name)} is not there, so the"
                    " kubelet has not started it. Nothing was moved. Stop it by what has started it, or say with"
                    " manifest_dir where the manifests are"
                )
        live = [name for name in self._names if self._manifests.is_live(name)]
        if live or running:
            self._need_kubelet()
        for name in reversed(live):
            self._move(name, self._manifests.path(name), self._manifests.parked, self._manifests.park)
        if not self._check_mode:
            self._gate("stop", [name for name in self._names if self._manifests.is_parked(name)], self._gone)

    def _start(self) -> None:
        parked = [name for name in self._names if self._manifests.is_parked(name)]
        if parked:
            self._need_kubelet()
        for name in self._names:
            if name in parked:
                self._move(name, self._manifests.parked_path(name), self._manifests.live, self._manifests.put_back)
            if self._manifests.is_live(name) and not self._check_mode:
                self._gate("start", [name], self._ready)

    def _need_kubelet(self) -> None:
        _static_pods.need_kubelet(self._commands.run("systemctl", "is-active", _static_pods.KUBELET).out)

    def _move(self, name: str, source: str, target: str, move: t.Callable[[str], None]) -> None:
        if not self._check_mode:
            move(name)
        self._report.act(f"move {source} to {target}")

    def _states(self) -> dict[str, t.Optional[str]]:
        def state(name: str) -> t.Optional[str]:
            if self._manifests.is_live(name):
                return STARTED
            return STOPPED if self._manifests.is_parked(name) else None

        return {name: state(name) for name in self._names}

    def _gate(self, verb: str, names: t.Sequence[str], probe: t.Callable[[str], list[Check]]) -> None:
        if not names:
            return
        with self._report.timed(verb):
            self._report.checks += gate.passed(
                lambda: [check for name in names for check in probe(name)],
                self._deadline,
                f"the {verb} of {_tell.some(names)}",
            )

    def _gone(self, name: str) -> list[Check]:
        pids = self._processes(name)
        fix = f"look at it: crictl ps --name {name}, journalctl -u kubelet. Its manifest stays where it is"
        evidence = f"process {_some(pids)}" if pids else "no process"
        checks = [gate.check("static pod stopped", not pids, name, evidence, fix)]
        if name == APISERVER:
            host, port = self._listener(name)
            free = _static_pods.is_free(host, port)
            evidence = f"{host} port {port} is {'free' if free else 'in use'}"
            checks.append(
                gate.check("port free", free, name, evidence, f"see who listens there: ss -tlnp sport = {port}")
            )
        return checks

    def _ready(self, name: str) -> list[Check]:
        pids = self._processes(name)
        fix = f"look at its log: crictl logs $(crictl ps -a --name {name} -q | head -1), journalctl -u kubelet"
        evidence = f"process {_some(pids)}" if pids else "no process"
        checks = [gate.check("static pod started", bool(pids), name, evidence, fix)]
        if pids:
            checks.append(self._apiserver(fix) if name == APISERVER else self._serves(name, fix))
        return checks

    def _apiserver(self, fix: str) -> Check:
        """This node's own, and not whichever a load balancer chooses."""
        manifest = self._manifest(APISERVER)
        found = (path for path in (self._paths.admin_conf, self._paths.kubelet_conf) if path.exists())
        kubeconfig = next(found, self._paths.admin_conf)
        try:
            said = Kubectl(self._commands, kubeconfig, apiserver_url(manifest)).raw("/readyz").strip()
        except KubectlError as error:
            return Check("kube-apiserver ready", FAIL, APISERVER, error.msg, fix)
        return gate.check("kube-apiserver ready", said == "ok", APISERVER, f"/readyz says {said}", fix)

    def _serves(self, name: str, fix: str) -> Check:
        """Its certificate is made in memory at each start, so there is nobody to vouch for what it would say."""
        host, port = self._listener(name)
        if not port:
            return Check("static pod serves", PASS, name, "it is told to serve on no port")
        there = _static_pods.answers(host, port)
        evidence = f"{host} port {port} {'answers' if there else 'does not answer'}"
        return gate.check("static pod serves", there, name, evidence, fix)

    def _listener(self, name: str) -> tuple[str, int]:
        flags = self._manifest(name).flags
        host = flags.get("bind-address") or ("" if name == APISERVER else "127.0.0.1")
        if not host or ipaddress.ip_address(host).is_unspecified:
            host = flags.get("advertise-address") or "127.0.0.1"
        return host, int(flags.get("secure-port") or _PORTS[name])

    def _manifest(self, name: str) -> StaticPod:
        found = self._manifests.read(name)
        if found is None:
            raise MaintenanceError(f"{self._manifests.path(name)} has gone meanwhile. Put it back")
        return found


def _some(pids: t.Sequence[int]) -> str:
    return " and ".join(map(str, pids))
