# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node without a node: files below a directory, programs that answer, and a cluster that kubeadm changes."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t
import urllib.parse

from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import lock
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.commands import Result


class FakeCommands:
    """Stands in for Commands: the longest prefix of a command line that has an answer gives it."""

    def __init__(self, programs: set[str] | None = None) -> None:
        self.programs = programs
        self.lines: list[str] = []
        self._answers: dict[str, t.Callable[[tuple[str, ...]], Result]] = {}

    def answers(self, prefix: str, out: str = "", err: str = "", rc: int = 0) -> None:
        self.calls(prefix, lambda argv: Result(argv, rc, out, err))

    def calls(self, prefix: str, answer: t.Callable[[tuple[str, ...]], Result]) -> None:
        self._answers[prefix] = answer

    def run(self, *argv: str) -> Result:
        line = " ".join(argv)
        self.lines.append(line)
        for prefix in sorted(self._answers, key=len, reverse=True):
            if line.startswith(prefix):
                return self._answers[prefix](argv)
        raise FileNotFoundError(2, "No such file or directory", argv[0])

    def need(self, *argv: str) -> str:
        result = self.run(*argv)
        if not result.ok:
            raise MaintenanceError(f"{' '.join(argv)} failed: {result.reason}")
        return result.out

    def has(self, program: str) -> bool:
        return self.programs is None or program in self.programs

    def ran(self, prefix: str) -> list[str]:
        return [line for line in self.lines if line.startswith(prefix)]


@dataclasses.dataclass
class FakeUnit:
    """What systemd would say of a transient unit."""

    description: str
    status: int = 0
    # How many times it still says that it runs.
    running: int = 0
    output: str = ""
    result: str = "exit-code"

    def show(self) -> str:
        if self.running:
            self.running -= 1
            states = ("active", "running")
        else:
            states = ("active", "exited") if self.status == 0 else ("failed", "failed")
        return (
            f"LoadState=loaded\nActiveState={states[0]}\nSubState={states[1]}\nResult={self.result}\nExecMainStatus={self.status}\n"
            f"InvocationID=0123\nDescription={self.description}\n"
        )


ABSENT = "LoadState=not-found\nActiveState=inactive\nSubState=dead\nExecMainStatus=0\nInvocationID=\nDescription=\n"

MANIFEST = """\
apiVersion: v1
kind: Pod
spec:
  containers:
  - command:
    - {component}
    - --advertise-address=192.0.2.11
    - --secure-port=6443
    - --data-dir=/var/lib/etcd
    - --listen-metrics-urls=http://127.0.0.1:2381
    - --listen-client-urls=https://127.0.0.1:2379,https://192.0.2.11:2379
    - --name=cp1
    image: registry.k8s.io/{component}:{tag}
"""

CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")


class FakeSystemd:
    """systemctl, systemd-run and journalctl. ``work`` does what the command in a new unit would have done."""

    def __init__(self, commands: FakeCommands, work: t.Callable[[str], FakeUnit]) -> None:
        self.units: dict[str, FakeUnit] = {}
        self.started: list[str] = []
        self.environment = "PATH=/usr/bin\nHTTPS_PROXY=http://inherited\nno_proxy=inherited\n"
        self.dry_start: t.Callable[[tuple[str, ...]], Result] = lambda argv: self._said(argv, "Kubernetes v1.37.1\n")
        self._work = work
        commands.calls(
            "systemctl list-units", lambda argv: self._said(argv, "".join(f"{name} x\n" for name in self.units))
        )
        commands.calls("systemctl show kubeops", lambda argv: self._said(argv, self._show(argv[2])))
        commands.calls("systemctl show-environment", lambda argv: self._said(argv, self.environment))
        commands.calls("systemctl stop kubeops", self._stop)
        commands.answers("systemctl reset-failed kubeops")
        commands.calls("systemd-run", self._run)
        commands.calls("journalctl", lambda argv: self._said(argv, self._journal))
        self._journal = ""

    def _said(self, argv: tuple[str, ...], out: str) -> Result:
        return Result(argv, 0, out, "")

    def _show(self, name: str) -> str:
        unit = self.units.get(name)
        if unit:
            self._journal = unit.output
        return unit.show() if unit else ABSENT

    def _stop(self, argv: tuple[str, ...]) -> Result:
        self.units.pop(argv[2], None)
        return self._said(argv, "")

    def _run(self, argv: tuple[str, ...]) -> Result:
        if "--wait" in argv:
            return self.dry_start(argv)
        (name,) = (word.partition("=")[2] for word in argv if word.startswith("--unit="))
        assert name not in self.units, "a unit of that name is there already"
        command = " ".join(argv[next(at for at, word in enumerate(argv) if word.endswith(lock.MEMBER)) + 1 :])
        self.started.append(command)
        self.units[name] = self._work(command)
        return self._said(argv, "")


class FakeControlPlane:
    """A single control plane cp1. kubeadm in a unit does to it what kubeadm does."""

    def __init__(self, root: pathlib.Path, version: str = "1.36.4", etcd: str = "3.6.16-0") -> None:
        self.root = root
        self.commands = FakeCommands()
        self.systemd = FakeSystemd(self.commands, self.kubeadm)
        self.manifests = root / "etc/kubernetes/manifests"
        self.tmp = root / "etc/kubernetes/tmp"
        (root / "run").mkdir(parents=True)
        self.manifests.mkdir(parents=True)
        self.tmp.mkdir()
        (root / "var/lib/kubelet").mkdir(parents=True)
        (root / "var/lib/kubelet/kubeadm-flags.env").write_text('KUBELET_KUBEADM_ARGS="--hostname-override=cp1"\n')
        self.config, self.coredns, self.proxy = f"v{version}", "v1.14.2", f"v{version}"
        self.other_apiservers: list[str] = []
        self.ready, self.readyz, self.api_down = True, "ok", 0
        # What kubeadm does instead of its work, by call.
        self.failures: list[FakeUnit] = []
        self.write(version, etcd)
        self.install("1.37.1", "3.7.0-0", "v1.14.6")
        self.commands.calls("kubectl", self._kubectl)

    def write(self, version: str, etcd: str, *components: str) -> None:
        for component in components or ("etcd", *CONTROL_PLANE):
            tag = etcd if component == "etcd" else f"v{version}"
            (self.manifests / f"{component}.yaml").write_text(MANIFEST.format(component=component, tag=tag))

    def install(self, version: str, etcd: str, coredns: str) -> None:
        images = f"r/kube-apiserver:v{version}\nr/coredns/coredns:{coredns}\nr/pause:3.10.2\nr/etcd:{etcd}\n"
        self.commands.answers("kubeadm version", out=f"v{version}\n")
        self.commands.answers("kubeadm config images list", out=images)

    def kubeadm(self, command: str) -> FakeUnit:
        if self.failures:
            failed = self.failures.pop(0)
            failed.description = command
            return failed
        words = command.split()
        skipped = next((w.partition("=")[2].split(",") for w in words if w.startswith("--skip-phases=")), [])
        if " phase upload-config kubeadm " in command:
            self.config = "v1.37.1"
        elif " phase addon " in command:
            self._addons(skipped, command)
        else:
            self.write("1.37.1", "3.7.0-0")
            self._addons(skipped, "addon all")
        return FakeUnit(command, running=1)

    def _addons(self, skipped: t.Sequence[str], command: str) -> None:
        if any(version != "v1.37.1" for version in self.other_apiservers):
            return
        if "kube-proxy" in command or "addon all" in command:
            self.proxy = "v1.37.1" if "addon/kube-proxy" not in skipped else self.proxy
        if "coredns" in command or "addon all" in command:
            self.coredns = "v1.14.6" if "addon/coredns" not in skipped else self.coredns

    def health(self, url: str) -> tuple[int, str]:
        return 200, '{"health":"true","reason":""}'

    def _kubectl(self, argv: tuple[str, ...]) -> Result:
        if self.api_down:
            self.api_down -= 1
            return Result(argv, 1, "", "The connection to the server 192.0.2.11:6443 was refused")
        path, _mark, query = argv[-1].partition("?")
        selector = urllib.parse.parse_qs(query)
        if path == "/readyz":
            return Result(argv, 0, self.readyz, "")
        if path == "/version":
            return Result(argv, 0, json.dumps({"gitVersion": self._tag("kube-apiserver")}), "")
        return Result(argv, 0, json.dumps({"items": list(self._items(path, selector))}), "")

    def _tag(self, component: str) -> str:
        return (self.manifests / f"{component}.yaml").read_text().split("image: ")[1].strip().rpartition(":")[2]

    def _items(self, path: str, query: dict[str, list[str]]) -> t.Iterator[dict[str, t.Any]]:
        kind = path.rpartition("/")[2]
        if kind == "nodes":
            yield {"metadata": {"name": "cp1", "labels": {"node-role.kubernetes.io/control-plane": ""}}}
        elif kind == "configmaps":
            text = f"apiVersion: kubeadm.k8s.io/v1beta4\nkubernetesVersion: {self.config}\nproxy: {{}}\n"
            yield {"metadata": {}, "data": {"ClusterConfiguration": text}}
        elif kind == "deployments" and self.coredns:
            conditions = [{"type": "Available", "status": "True"}]
            status = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "conditions": conditions}
            yield {**_owner("coredns", self.coredns), "status": status}
        elif kind == "daemonsets" and self.proxy:
            yield _owner("kube-proxy", self.proxy)
        elif kind == "pods" and "k8s-app=kube-proxy" in query["labelSelector"] and self.proxy:
            yield self._pod("kube-proxy", "cp1", self.proxy)
        elif kind == "pods" and "tier=control-plane" in query["labelSelector"]:
            for component in ("etcd", *CONTROL_PLANE):
                if (self.manifests / f"{component}.yaml").exists():
                    yield self._pod(component, "cp1", self._tag(component))
            for number, version in enumerate(self.other_apiservers, 2):
                yield self._pod("kube-apiserver", f"cp{number}", version)

    def _pod(self, component: str, node: str, tag: str) -> dict[str, t.Any]:
        return {
            "metadata": {"name": f"{component}-{node}", "labels": {"component": component}},
            "spec": {"nodeName": node, "containers": [{"image": f"registry.k8s.io/{component}:{tag}"}]},
            "status": {"conditions": [{"type": "Ready", "status": "True" if self.ready else "False"}]},
        }


def _owner(name: str, tag: str) -> dict[str, t.Any]:
    containers = [{"image": f"registry.k8s.io/{name}:{tag}"}]
    return {"metadata": {"name": name, "generation": 1}, "spec": {"template": {"spec": {"containers": containers}}}}
