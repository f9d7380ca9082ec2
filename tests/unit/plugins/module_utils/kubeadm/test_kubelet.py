# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
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
from .fake_worker import NEW_CONFIG, PHASE, FakeWorker


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
