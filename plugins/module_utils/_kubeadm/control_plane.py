# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The static pods of one control plane, and the cluster's objects, brought to a version.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .. import _static_pod
from .._check import Check, failures
from .._errors import MaintenanceError
from .._wait import Deadline, until
from . import checks_etcd, cluster, decide, gate, images, plan, repair, unit, versions
from .cluster import APISERVER, CONTROL_PLANE, ETCD, KUBE_PROXY, Cluster
from .decide import Command
from .kubectl import Kubectl, KubectlError, apiserver_url
from .part import Part

# How long components may take to become Ready once kubeadm is done, and an API that restarts to come back.
GATE_TIMEOUT = 300


class ControlPlane(Part):
    @property
    def api(self) -> Kubectl:
        return Kubectl(self.commands, self.paths.admin_conf)

    def bring(self) -> None:
        ended = set() if self.check_mode else self.runner.attach()
        self._repair()
        if APISERVER not in self.manifests():
            if self.check_mode and self.report.actions:
                return  # The rest shows when it is back.
            raise MaintenanceError(
                f"{self.node} is no control plane: {self.paths.manifest(APISERVER)} is not there. "
                f"Use part kubelet for workers, or put the manifest back"
            )
        seen = self._observe()
        want = self._wanted(seen)
        self.report.before = self._state(seen)
        self._refuse(seen, want)
        applied = any(f" {Command.APPLY.value} {self.target.tag}" in f" {command}" for command in ended)
        if self.check_mode:
            self._forecast(seen, want)
            return
        interrupted = bool(self.paths.unfinished())
        command = decide.next_command(seen, self.manifests(), self.target, want, applied, interrupted)
        while command:
            self._run(command, seen, want)
            applied, interrupted = applied or command is Command.APPLY, False
            done, seen = command, self._observe()
            command = decide.next_command(seen, self.manifests(), self.target, want, applied, interrupted)
            if command is done:
                raise MaintenanceError(
                    f"kubeadm {done.value} ended well on {self.node} and changed nothing: {self._told(seen)}. "
                    f"Look at its output: journalctl -u {unit.name(self.target)}"
                )
        self.report.checks = self._gate("this control plane", lambda: self._all_checks(want))
        self._set_aside()
        self.report.after = self._state(self._observe())

    def manifests(self) -> dict[str, str]:
        found = {name: _static_pod.read(name, str(self.paths.manifests)) for name in (ETCD, *CONTROL_PLANE)}
        return {name: pod.image for name, pod in found.items() if pod}

    def _run(self, command: Command, seen: Cluster, want: plan.Wanted) -> None:
        argv = decide.argv(command, seen, self.target, want, self.ignore)
        with self.report.timed(command.value):
            self.report.act(" ".join(argv))
            self.runner.run(argv, self._left)
        if command in (Command.APPLY, Command.NODE):
            # kubeadm-config is the record that other control planes go by: nothing is recorded that is not proven.
            self._gate(f"the static pods of {self.node}", lambda: self._pod_checks(self._read()))

    def _repair(self) -> None:
        for component, backup in repair.moved_away(self.paths).items():
            self.report.act(
                f"put {self.paths.manifest(component)} back from {backup}, where a kubeadm that was killed left it"
            )
            if not self.check_mode:
                repair.put_back(self.paths, component, backup)

    def _set_aside(self) -> None:
        for path in self.paths.unfinished():
            self.report.act(f"set {path} aside as {repair.set_aside(path).name}: the run that left it is finished")

    def _read(self) -> Cluster:
        return cluster.read(self.api)

    def _observe(self) -> Cluster:
        """The API of a control plane in work comes and goes; this waits for it."""
        reason = ""

        def attempt() -> t.Optional[Cluster]:
            nonlocal reason
            try:
                return self._read()
            except KubectlError as error:
                reason = error.msg
                return None

        return until(
            attempt,
            Deadline(min(GATE_TIMEOUT, self.deadline.left)),
            lambda: f"{reason}. Not back within {GATE_TIMEOUT} s: look at kube-apiserver and etcd (crictl ps -a)",
        )

    def _wanted(self, seen: Cluster) -> plan.Wanted:
        return plan.wanted(self.target, seen, [{"kubeadm_images": images.wanted(self.commands)}])

    def _refuse(self, seen: Cluster, want: plan.Wanted) -> None:
        """What must not be started, whoever asks for it."""
        manifests = self.manifests()
        newest = max(seen.versions_of(APISERVER), default=self.target)
        if newest > self.target:
            raise MaintenanceError(
                f"kube-apiserver {newest} runs in this cluster, {self.target} would be a downgrade. "
                f"Choose {newest} or later"
            )
        present = versions.of_image(manifests[APISERVER])
        if present and self.target.minors_after(present) > 1:
            raise MaintenanceError(
                f"{self.node} runs kube-apiserver {present}, and kubeadm goes one minor at a time. "
                f"Upgrade to the latest 1.{present.minor + 1} first"
            )
        if decide.behind(manifests, self.target, want) and ETCD in manifests:
            facts = {"static_pods": {ETCD: {"image": manifests[ETCD]}}}
            for found in failures([checks_etcd.check_stepping_stone(self.node, facts, want)]):
                raise MaintenanceError(found.sentence())
        installed = images.kubeadm_version(self.commands)
        if installed != self.target and not self.check_mode:
            raise MaintenanceError(
                f"kubeadm {installed or 'is not installed'} on {self.node}, {self.target} is needed: kubeadm upgrades "
                f"to its own version. Install the package kubeadm {self.target} first"
            )

    def _forecast(self, seen: Cluster, want: plan.Wanted) -> None:
        """The commands of a run that meets no failure."""
        configured = seen.config is not None and seen.config.version == self.target
        late = decide.behind(self.manifests(), self.target, want)
        commands = [] if configured and not late else [Command.NODE if configured else Command.APPLY]
        commands += [] if configured else [Command.UPLOAD]
        if not commands and decide.late_addons(seen, self.target, want):
            commands.append(Command.ADDONS)
        for command in commands:
            self.report.act(" ".join(decide.argv(command, seen, self.target, want, self.ignore)))
        self.report.after = {**self.report.before, **self._expected(commands, seen, want)}

    def _expected(self, commands: t.Sequence[Command], seen: Cluster, want: plan.Wanted) -> dict[str, str]:
        """What those commands would leave."""
        expected = {}
        if Command.APPLY in commands or Command.NODE in commands:
            late = decide.behind(self.manifests(), self.target, want)
            expected = {name: want.etcd if name == ETCD else str(self.target) for name in late}
        if Command.UPLOAD in commands:
            expected["kubeadm-config"] = str(self.target)
        others = [pod for pod in seen.component(APISERVER) if pod.node != self.node]
        if commands and all(pod.version == self.target for pod in others):
            steps = plan.objects(seen, self.target, want)
            expected.update({step.component: step.after for step in steps if step.component in ("coredns", KUBE_PROXY)})
        return expected

    def _pod_checks(self, seen: Cluster) -> list[Check]:
        manifests = self.manifests()
        apiserver = _static_pod.read(APISERVER, str(self.paths.manifests))
        local = Kubectl(self.commands, self.paths.admin_conf, apiserver_url(apiserver) if apiserver else "")
        return [
            *gate.versions_at(manifests, self.target),
            gate.apiserver(local, self.target),
            *gate.etcd(_static_pod.read(ETCD, str(self.paths.manifests)), self.get),
            *gate.static_pods(seen, self.node, manifests),
        ]

    def _all_checks(self, want: plan.Wanted) -> list[Check]:
        seen = self._read()
        checks = [*self._pod_checks(seen), *gate.objects(seen, self.target, want)]
        if all(version == self.target for version in seen.versions_of(APISERVER)):
            checks += [*gate.coredns(self.api), *gate.kube_proxy(seen, self.node, self.target)]
        return checks

    def _gate(self, what: str, probe: t.Callable[[], list[Check]]) -> list[Check]:
        with self.report.timed("gate"):
            return gate.passed(probe, Deadline(min(GATE_TIMEOUT, self.deadline.left)), what)

    def _state(self, seen: Cluster) -> dict[str, t.Any]:
        state: dict[str, t.Any] = {name: versions.tag(image).lstrip("v") for name, image in self.manifests().items()}
        state["kubeadm-config"] = str(seen.config.version) if seen.config else None
        state["coredns"] = versions.tag(seen.coredns[0]).lstrip("v") if seen.coredns else None
        state[KUBE_PROXY] = versions.tag(seen.kube_proxy).lstrip("v") if seen.kube_proxy else None
        return state

    def _told(self, seen: Cluster) -> str:
        return ", ".join(f"{name} {version}" for name, version in self._state(seen).items())

    def _left(self) -> str:
        """From the files alone: after a failure the API may be away."""
        state = [f"{name} {versions.tag(image)}" for name, image in self.manifests().items()]
        missing = [name for name in CONTROL_PLANE if not self.paths.manifest(name).exists()]
        state += [f"no manifest of {name}" for name in missing]
        return f"manifests of {self.node}: {', '.join(state)}"
