# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import os
import pathlib
import time
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils import _wait
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.commands import Result
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.kubelet import KubeletPart
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.report import Report
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import parse

from .clock import Clock
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
        }
        return Result(argv, 0, json.dumps(answers[argv[-1]]), "")


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def node(tmp_path: pathlib.Path) -> FakeWorker:
    return FakeWorker(tmp_path)


def bring(node: FakeWorker, check_mode: bool = False) -> Report:
    report = Report()
    deadline = _wait.Deadline(300)
    paths = Paths(str(node.root))
    KubeletPart(node.commands, paths, parse("1.37.1"), deadline, report, check_mode, get=node.health).bring()  # type: ignore[arg-type]
    return report


def test_configuration_and_program_go_together(node: FakeWorker) -> None:
    report = bring(node)
    assert node.systemd.started == [PHASE]
    assert node.restarts == 1
    assert (report.before, report.after) == (
        {"kubelet": "1.36.4", "active": True},
        {"kubelet": "1.37.1", "active": True},
    )
    assert report.actions[0] == f"{PHASE} (config.yaml)"
    assert "restart the kubelet (it runs 1.36.4; " in report.actions[1]
    assert [check.name for check in report.checks] == ["kubelet program", "kubelet health", "node ready", "node lease"]
    assert {check.status for check in report.checks} == {"pass"}
    order = [
        line
        for line in node.commands.lines
        if line.startswith(("systemd-run", "systemctl daemon", "systemctl restart"))
    ]
    assert [line.split()[1] for line in order] == ["--quiet", "daemon-reload", "--quiet", "restart"]


def test_a_second_run_changes_nothing(node: FakeWorker) -> None:
    bring(node)
    node.started += 1  # The files were written before the kubelet started.
    report = bring(node)
    assert report.actions == []
    assert (node.restarts, node.systemd.started) == (1, [PHASE])
    assert len(report.checks) == 4


def test_a_package_that_restarted_the_kubelet_by_itself_leaves_the_configuration_to_do(node: FakeWorker) -> None:
    node.running = node.node_version = "v1.37.1"
    report = bring(node)
    assert node.systemd.started == [PHASE]
    assert node.restarts == 1
    assert "config.yaml changed after its start" in report.actions[1]


def test_a_configuration_that_was_written_before_a_kill_needs_the_restart_only(node: FakeWorker) -> None:
    node.running = node.node_version = "v1.37.1"
    (node.kubelet_dir / "config.yaml").write_text(NEW_CONFIG)
    bring(node)
    assert (node.restarts, node.systemd.started) == (1, [])


def test_a_kubelet_that_does_not_run_is_started(node: FakeWorker) -> None:
    node.active, node.pid = "failed", 0
    report = bring(node)
    assert "restart the kubelet (it does not run)" in report.actions
    assert report.before == {"kubelet": None, "active": False}


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (
            lambda node: node.commands.answers("kubeadm version", out="v1.36.4"),
            "kubeadm 1.36.4 on w1, 1.37.1 is needed",
        ),
        (
            lambda node: node.commands.answers("kubelet --version", out="Kubernetes v1.36.4"),
            "kubelet 1.36.4 on w1, 1.37.1 is needed",
        ),
        (lambda node: setattr(node, "config", "v1.36.4"), "kubeadm-config says 1.36.4, not 1.37.1"),
        (lambda node: setattr(node, "apiserver", "v1.36.4"), "a kubelet 1.37.1 on w1 would be newer"),
        (
            lambda node: setattr(
                node.systemd, "dry_start", lambda argv: Result(argv, 1, "", "E1120 unknown flag: --containerd\n")
            ),
            "does not start with the flags that it has on w1: E1120 unknown flag: --containerd",
        ),
        (
            lambda node: node.commands.answers("env -i", rc=1, err="error: couldn't decode kubelet-config\n"),
            "--dry-run failed: error: couldn't decode",
        ),
    ],
)
def test_refusals_leave_the_kubelet_alone(
    node: FakeWorker, arrange: t.Callable[[FakeWorker], t.Any], message: str
) -> None:
    arrange(node)
    with pytest.raises(MaintenanceError, match=message):
        bring(node)
    assert node.restarts == 0


def test_a_flag_that_kubelets_no_longer_have_is_taken_out_and_the_old_file_kept(node: FakeWorker) -> None:
    old = 'KUBELET_KUBEADM_ARGS="--pod-infra-container-image=r/pause:3.9 --hostname-override=w1"\n'
    node.flags.write_text(old)
    report = bring(node)
    assert node.flags.read_text() == 'KUBELET_KUBEADM_ARGS="--hostname-override=w1"\n'
    assert (node.kubelet_dir / "kubeadm-flags.env.before-1.37.1").read_text() == old
    assert any("take --pod-infra-container-image out of" in action for action in report.actions)


@pytest.mark.parametrize(
    ("arrange", "failing"),
    [
        (lambda node: setattr(node, "heard_since_restart", False), "FAIL  node ready: node/w1: kubeletVersion v1.37.1"),
        (lambda node: setattr(node, "health_status", 500), "FAIL  kubelet health"),
        (lambda node: node.commands.answers("systemctl restart kubelet"), "1.36.4 runs"),
    ],
)
def test_ready_alone_proves_nothing(node: FakeWorker, arrange: t.Callable[[FakeWorker], t.Any], failing: str) -> None:
    arrange(node)
    with pytest.raises(MaintenanceError, match="the kubelet of w1 did not prove itself in 240 s") as caught:
        bring(node)
    assert failing in caught.value.msg


def test_check_mode_says_what_would_be_done(node: FakeWorker) -> None:
    node.commands.answers("kubeadm version", out="v1.36.4")
    report = bring(node, check_mode=True)
    assert report.actions == [PHASE, "restart the kubelet (it runs 1.36.4)"]
    assert (node.restarts, node.systemd.started) == (0, [])
    assert report.after == {"kubelet": "1.37.1", "active": True}
    node.running = "v1.37.1"
    assert bring(node, check_mode=True).actions == []


def test_the_dry_start_has_the_flags_and_the_environment_of_the_unit(node: FakeWorker) -> None:
    bring(node)
    (line,) = [line for line in node.commands.ran("systemd-run") if "--wait" in line]
    assert line.endswith("-- /usr/bin/kubelet $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS --version")
    assert '--property=Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/b --kubeconfig=/k" KUBELET' in line
    assert "--property=EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env " in line
    assert "--property=EnvironmentFile=-/etc/default/kubelet " in line


def test_a_unit_that_starts_something_else_is_not_started_dry(node: FakeWorker) -> None:
    shell = "ExecStart={ path=/bin/sh ; argv[]=/bin/sh -c exec kubelet ; ignore_errors=no }\n"
    node.commands.answers("systemctl show kubelet.service --property=ExecStart", out=shell)
    bring(node)
    assert not [line for line in node.commands.ran("systemd-run") if "--wait" in line]
    assert node.restarts == 1
