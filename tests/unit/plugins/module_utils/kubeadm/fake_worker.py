# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker and its kubelet, without either."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import time
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.commands import Result

from .fake_node import FakeCommands, FakeSystemd, FakeUnit

PHASE = "kubeadm upgrade node phase kubelet-config"
OLD_CONFIG, NEW_CONFIG = "healthzPort: 10248\nold: true\n", "healthzPort: 10248\nnew: true\n"

# As systemd 252 shows it.
UNIT = """\
ExecStart={ path=/usr/bin/kubelet ; argv[]=/usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS ; x=y }
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/b --kubeconfig=/k" KUBELET_CONFIG_ARGS=--config=/c
EnvironmentFiles=/var/lib/kubelet/kubeadm-flags.env (ignore_errors=yes)
EnvironmentFiles=/etc/default/kubelet (ignore_errors=yes)
"""


class FakeWorker:
    """A worker w1 whose packages are at 1.37.1 already and whose kubelet runs on at 1.36.4."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.commands = FakeCommands()
        self.systemd = FakeSystemd(self.commands, self.kubeadm)
        self.kubelet_dir = root / "var/lib/kubelet"
        (root / "run").mkdir(parents=True)
        self.kubelet_dir.mkdir(parents=True)
        self.flags = self.kubelet_dir / "kubeadm-flags.env"
        self.flags.write_text('KUBELET_KUBEADM_ARGS="--hostname-override=w1"\n')
        (self.kubelet_dir / "config.yaml").write_text(OLD_CONFIG)
        self.rendered = NEW_CONFIG
        self.running, self.node_version, self.config, self.apiserver = "v1.36.4", "v1.36.4", "v1.37.1", "v1.37.1"
        self.started, self.active, self.pid = time.time() - 3600, "active", 7
        # What the API knows on this node.
        self.pods: list[dict[str, t.Any]] = []
        self.heard_since_restart, self.restarts, self.health_status = True, 0, 200
        self._age_files()
        commands = self.commands
        commands.answers("kubeadm version", out="v1.37.1\n")
        commands.answers("kubelet --version", out="Kubernetes v1.37.1\n")
        commands.answers("systemctl show kubelet.service --property=ExecStart", out=UNIT)
        commands.calls("/proc/7/exe", lambda argv: Result(argv, 0, f"Kubernetes {self.running}\n", ""))
        commands.calls("systemctl show kubelet", lambda argv: Result(argv, 0, self._shown(), ""))
        commands.answers("systemctl daemon-reload")
        commands.answers("systemctl reset-failed kubelet")
        commands.calls("systemctl restart kubelet", self._restart)
        commands.calls("env -i", self._dry_run)
        commands.calls("kubectl", self._kubectl)

    def _age_files(self) -> None:
        for path in self.kubelet_dir.iterdir():
            os.utime(path, (self.started - 60, self.started - 60))

    def _shown(self) -> str:
        monotonic = int((time.monotonic() - (time.time() - self.started)) * 1e6)
        return f"ActiveState={self.active}\nMainPID={self.pid}\nExecMainStartTimestampMonotonic={monotonic}\n"

    def _restart(self, argv: tuple[str, ...]) -> Result:
        self.restarts += 1
        self.running = self.node_version = "v1.37.1"
        self.started, self.active, self.pid = time.time(), "active", 7
        return Result(argv, 0, "", "")

    def _dry_run(self, argv: tuple[str, ...]) -> Result:
        (folder,) = (word.partition("=")[2] for word in argv if word.startswith("KUBEADM_UPGRADE_DRYRUN_DIR="))
        assert (pathlib.Path(folder) / "kubeadm-flags.env").read_text() == self.flags.read_text()
        (pathlib.Path(folder) / "config.yaml").write_text(self.rendered)
        return Result(argv, 0, "", "")

    def kubeadm(self, command: str) -> FakeUnit:
        assert command == PHASE
        (self.kubelet_dir / "config.yaml").write_text(self.rendered)
        return FakeUnit(command, running=1)

    def health(self, url: str) -> tuple[int, str]:
        assert url == "http://127.0.0.1:10248/healthz"
        return self.health_status, "ok"

    def _kubectl(self, argv: tuple[str, ...]) -> Result:
        heard = self.started + 1 if self.heard_since_restart else self.started - 100
        stamp = datetime.datetime.fromtimestamp(heard, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        text = f"apiVersion: kubeadm.k8s.io/v1beta4\nkubernetesVersion: {self.config}\n"
        ready = {"type": "Ready", "status": "True", "lastHeartbeatTime": f"{stamp}Z"}
        answers: dict[str, t.Any] = {
            "/api/v1/namespaces/kube-system/configmaps/kubeadm-config": {"data": {"ClusterConfiguration": text}},
            "/version": {"gitVersion": self.apiserver},
            "/api/v1/nodes/w1": {"status": {"nodeInfo": {"kubeletVersion": self.node_version}, "conditions": [ready]}},
            "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/w1": {
                "spec": {"renewTime": f"{stamp}.123456Z"}
            },
            "/api/v1/pods?fieldSelector=spec.nodeName%3Dw1": {"items": self.pods},
        }
        return Result(argv, 0, json.dumps(answers[argv[-1]]), "")
