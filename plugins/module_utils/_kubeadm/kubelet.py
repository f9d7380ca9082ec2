# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node's kubelet brought to a version: its configuration and its program together, then the proof.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import Check
from .._errors import MaintenanceError
from .._wait import Deadline, until
from . import (
    cluster,
    cluster_config,
    dry_start,
    images,
    kubelet_files,
    kubelet_process,
    kubelet_proof,
    versions,
)
from .cluster import APISERVER
from .kubectl import Kubectl, KubectlError
from .part import Part
from .versions import Version

# How long a restarted kubelet may take to prove itself, and an API that restarts with it to come back.
PROOF_TIMEOUT = 240

T = t.TypeVar("T")


class KubeletPart(Part):
    @property
    def own(self) -> Kubectl:
        return Kubectl(self.commands, self.paths.kubelet_conf)

    def bring(self) -> None:
        if not self.check_mode:
            self.runner.attach()
        before = kubelet_process.read(self.commands)
        self.report.before = self._state(before)
        self.report.after = self.report.before
        if self.check_mode:
            self._forecast(before)
            return
        self._refuse()
        self._write_files()
        reasons = self._reasons(kubelet_process.read(self.commands))
        if reasons:
            self._restart(reasons)
        self.report.checks = self._prove(restarted=bool(reasons))
        self.report.after = self._state(kubelet_process.read(self.commands))

    def _refuse(self) -> None:
        """No kubelet newer than an apiserver, and no configuration of another version's kubeadm."""
        for name, found in (
            ("kubeadm", images.kubeadm_version(self.commands)),
            ("kubelet", kubelet_process.program_version(self.commands, "kubelet")),
        ):
            if found != self.target:
                raise MaintenanceError(
                    f"{name} {found or 'is not installed'} on {self.node}, {self.target} is needed. "
                    f"Install the package {name} {self.target} first"
                )
        configured = self._patiently(self._configured)
        if configured != self.target:
            raise MaintenanceError(
                f"kubeadm-config says {configured}, not {self.target}: the control plane is not there yet, and the "
                f"kubelet of {self.node} would get another version's configuration. Upgrade all control planes first"
            )
        for name, version in self._patiently(self._apiservers):
            if version is None or self.target.minors_after(version) > 0:
                raise MaintenanceError(
                    f"{name} is at {version or 'an unknown version'}: a kubelet {self.target} on {self.node} would be "
                    f"newer than it. Upgrade all control planes first"
                )

    def _configured(self) -> t.Optional[Version]:
        found = self.own.get("/api/v1/namespaces/kube-system/configmaps/kubeadm-config")
        return cluster_config.parse(found["data"]["ClusterConfiguration"]).version

    def _apiservers(self) -> list[tuple[str, t.Optional[Version]]]:
        """All of them where this node may see them, else the one that this node's kubelet talks to."""
        if self.paths.admin_conf.exists():
            seen = cluster.read(Kubectl(self.commands, self.paths.admin_conf))
            return [(f"{APISERVER} on {pod.node}", pod.version) for pod in seen.component(APISERVER)]
        said = self.own.get("/version").get("gitVersion")
        return [(f"the {APISERVER} that this kubelet talks to", versions.find(said))]

    def _patiently(self, ask: t.Callable[[], T]) -> T:
        """On a single control plane the API is away while its static pods restart."""
        reason = ""

        def attempt() -> t.Optional[tuple[T]]:
            nonlocal reason
            try:
                return (ask(),)
            except KubectlError as error:
                reason = error.msg
                return None

        return until(attempt, Deadline(min(PROOF_TIMEOUT, self.deadline.left)), lambda: reason)[0]

    def _write_files(self) -> None:
        late = kubelet_files.behind(self.commands, self.paths)
        if late:
            self.report.act(f"{' '.join(kubelet_files.PHASE)} ({', '.join(late)})")
            with self.report.timed("kubelet-config"):
                self.runner.run(
                    kubelet_files.PHASE, lambda: f"the kubelet of {self.node} runs on with its configuration"
                )
        self._drop_flags()

    def _drop_flags(self) -> None:
        path = self.paths.kubelet_dir / kubelet_files.FLAGS
        text = path.read_text() if path.exists() else ""
        kept = kubelet_files.without_flags(text, kubelet_files.gone_flags(self.target))
        if kept != text:
            backup = path.with_name(f"{path.name}.before-{self.target}")
            gone = ", ".join(f"--{flag}" for flag in kubelet_files.gone_flags(self.target))
            self.report.act(f"take {gone} out of {path}, which kubelet {self.target} refuses (old file: {backup.name})")
            kubelet_files.replace(path, kept, backup)

    def _dry_start(self) -> None:
        why = dry_start.refused(self.commands)
        if why:
            raise MaintenanceError(
                f"kubelet {self.target} does not start with the flags that it has on {self.node}: {why}. Take the "
                f"flag out of KUBELET_EXTRA_ARGS (/etc/default/kubelet or /etc/sysconfig/kubelet) or of the unit's "
                f"drop-ins, then run the playbook again. The kubelet was not restarted"
            )

    def _reasons(self, kubelet: kubelet_process.Kubelet) -> list[str]:
        """Why a restart is due, empty when the kubelet already is what it shall be."""
        if not kubelet.active or kubelet.started is None:
            return ["it does not run"]
        reasons = [f"it runs {kubelet.running}"] if kubelet.running != self.target else []
        changed = kubelet_files.changed_after(self.paths, kubelet.started)
        return reasons + ([f"{', '.join(changed)} changed after its start"] if changed else [])

    def _restart(self, reasons: t.Sequence[str]) -> None:
        with self.report.timed("restart"):
            self.commands.need("systemctl", "daemon-reload")
            self._dry_start()
            # A kubelet that failed too often would not be started again.
            self.commands.run("systemctl", "reset-failed", kubelet_process.UNIT)
            self.report.act(f"restart the kubelet ({'; '.join(reasons)})")
            self.commands.need("systemctl", "restart", kubelet_process.UNIT)

    def _prove(self, restarted: bool) -> list[Check]:
        proof = kubelet_proof.Proof(self.commands, self.paths, self.target, self.node, self.own, self.get)
        with self.report.timed("proof"):
            return proof.wait(Deadline(min(PROOF_TIMEOUT, self.deadline.left)), restarted)

    def _forecast(self, kubelet: kubelet_process.Kubelet) -> None:
        if kubelet.running != self.target:
            self.report.act(" ".join(kubelet_files.PHASE))
            self.report.act(f"restart the kubelet (it runs {kubelet.running})")
            self.report.after = {"kubelet": str(self.target), "active": True}

    def _state(self, kubelet: kubelet_process.Kubelet) -> dict[str, t.Any]:
        return {"kubelet": str(kubelet.running) if kubelet.running else None, "active": kubelet.active}
