# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils import _wait
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.control_plane import ControlPlane
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.report import Report
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import parse

from .clock import Clock
from .fake_node import FakeControlPlane, FakeUnit

APPLY = "kubeadm upgrade apply v1.37.1 --yes --skip-phases=kubelet-config,upload-config/kubeadm"
UPLOAD = "kubeadm upgrade apply phase upload-config kubeadm v1.37.1"
NODE = "kubeadm upgrade node --skip-phases=kubelet-config"
ADDONS = "kubeadm upgrade apply phase addon all v1.37.1"
UNIT = "kubeops-kubeadm-upgrade-1.37.1.service"
WAL = "cp: cannot stat '/var/lib/etcd/member/wal/1.tmp': No such file or directory"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def node(tmp_path: pathlib.Path) -> FakeControlPlane:
    return FakeControlPlane(tmp_path)


def bring(node: FakeControlPlane, check_mode: bool = False, timeout: float = 1800, target: str = "1.37.1") -> Report:
    report = Report()
    part = ControlPlane(
        node.commands,  # type: ignore[arg-type]
        Paths(str(node.root)),
        parse(target),
        _wait.Deadline(timeout),
        report,
        check_mode,
        ["SystemVerification"],
        node.health,
    )
    part.bring()
    return report


def commands(node: FakeControlPlane) -> list[str]:
    return [command.replace(" --ignore-preflight-errors=SystemVerification", "") for command in node.systemd.started]


def test_the_first_control_plane_is_applied_and_recorded_last(node: FakeControlPlane) -> None:
    report = bring(node)
    assert commands(node) == [APPLY, UPLOAD]
    assert "--ignore-preflight-errors=SystemVerification" in node.systemd.started[0]
    assert report.before["kube-apiserver"] == report.before["kubeadm-config"] == "1.36.4"
    assert report.after == {
        "etcd": "3.7.0-0",
        "kube-apiserver": "1.37.1",
        "kube-controller-manager": "1.37.1",
        "kube-scheduler": "1.37.1",
        "kubeadm-config": "1.37.1",
        "coredns": "1.14.6",
        "kube-proxy": "1.37.1",
    }
    assert {check.status for check in report.checks} == {"pass"}
    assert {"upgrade apply", "gate"} <= set(report.durations)
    assert not node.systemd.units, "the result was read, so the unit has to be cleared"


def test_a_second_run_changes_nothing_and_still_proves(node: FakeControlPlane) -> None:
    bring(node)
    node.systemd.started.clear()
    report = bring(node)
    assert node.systemd.started == report.actions == []
    assert not report.as_dict()["changed"]
    assert len(report.checks) > 8


def test_a_further_control_plane_is_upgraded_as_a_node(node: FakeControlPlane) -> None:
    node.config, node.other_apiservers = "v1.37.1", ["v1.37.1"]
    bring(node)
    assert commands(node) == [NODE]


def test_the_addons_wait_for_the_last_kube_apiserver(node: FakeControlPlane) -> None:
    node.other_apiservers = ["v1.36.4"]
    report = bring(node)
    assert commands(node) == [APPLY, UPLOAD]
    assert (report.after["coredns"], report.after["kube-proxy"]) == ("1.14.2", "1.36.4")
    node.systemd.started.clear()
    node.other_apiservers = ["v1.37.1"]
    assert bring(node).after["coredns"] == "1.14.6"
    assert commands(node) == [ADDONS]


def test_addons_that_were_removed_are_not_installed_again(node: FakeControlPlane) -> None:
    node.proxy = ""
    bring(node)
    assert commands(node)[0].endswith("--skip-phases=kubelet-config,upload-config/kubeadm,addon/kube-proxy")


@pytest.mark.parametrize("running", [0, 3])
def test_a_unit_that_a_killed_run_left_is_read_and_not_repeated(node: FakeControlPlane, running: int) -> None:
    node.kubeadm(APPLY)
    node.systemd.units[UNIT] = FakeUnit(APPLY, running=running)
    report = bring(node)
    assert commands(node) == [UPLOAD]
    attached = "attached to the running" if running else "read the result of the"
    assert report.actions[0] == f"{attached} {UNIT} that an earlier run left: {APPLY} ended well"


def test_a_unit_that_failed_before_is_told_and_done_again(node: FakeControlPlane) -> None:
    node.systemd.units[UNIT] = FakeUnit(APPLY, status=1, output="error: something broke\n")
    report = bring(node)
    assert commands(node) == [APPLY, UPLOAD]
    assert "failed (error: something broke)" in report.actions[0]


def test_after_a_reboot_nobody_knows_the_result_so_apply_runs_again(node: FakeControlPlane) -> None:
    node.kubeadm(APPLY)
    bring(node)
    assert commands(node) == [APPLY, UPLOAD]


def test_kubeadm_killed_between_its_two_renames(node: FakeControlPlane) -> None:
    backup, rendered = (
        node.tmp / "kubeadm-backup-manifests-2026-11-20-10-00-00",
        node.tmp / "kubeadm-upgraded-manifests1",
    )
    backup.mkdir()
    rendered.mkdir()
    (node.manifests / "kube-apiserver.yaml").rename(backup / "kube-apiserver.yaml")
    (rendered / "kube-apiserver.yaml").write_text("new")
    node.api_down = 3
    report = bring(node)
    assert report.actions[0].startswith(f"put {node.manifests}/kube-apiserver.yaml back from {backup}")
    assert commands(node) == [APPLY, UPLOAD]
    assert (backup / "kube-apiserver.yaml").exists(), "the backup stays"
    assert not rendered.exists()
    assert (node.tmp / "unfinished-kubeadm-upgraded-manifests1").exists()
    assert not bring(node).actions


def test_a_phase_that_did_not_end_is_done_again_whatever_the_manifests_say(node: FakeControlPlane) -> None:
    bring(node)
    node.systemd.started.clear()
    (node.tmp / "kubeadm-upgraded-manifests2").mkdir()
    bring(node)
    assert commands(node) == [NODE]


def test_a_failure_that_passes_by_itself_is_tried_once_more(node: FakeControlPlane) -> None:
    node.failures = [FakeUnit("", status=1, output=f"[upgrade/staticpods] Preparing\nerror: {WAL}\n")]
    report = bring(node)
    assert commands(node) == [APPLY, APPLY, UPLOAD]
    assert "again: etcd rotated its write-ahead log" in report.actions[1]


def test_a_second_failure_of_that_kind_is_a_failure(node: FakeControlPlane) -> None:
    node.failures = [FakeUnit("", status=1, output=f"error: {WAL}\n") for _time in range(2)]
    with pytest.raises(MaintenanceError, match="cannot stat"):
        bring(node)
    assert commands(node) == [APPLY, APPLY]


def test_a_failure_says_what_kubeadm_said_what_is_left_and_what_to_do(node: FakeControlPlane) -> None:
    lines = "[preflight] Running\n[ERROR CoreDNSUnsupportedPlugins]: plugin x\nerror: error execution phase preflight\n"
    node.failures = [FakeUnit("", status=1, output=lines)]
    with pytest.raises(MaintenanceError) as caught:
        bring(node)
    message = caught.value.msg
    assert "[ERROR CoreDNSUnsupportedPlugins]: plugin x | error: error execution phase preflight" in message
    assert "manifests of cp1: etcd 3.6.16-0, kube-apiserver v1.36.4" in message
    assert f"journalctl -u {UNIT}" in message
    assert not node.systemd.units


def test_a_kubeadm_that_was_killed_is_told_as_such(node: FakeControlPlane) -> None:
    node.failures = [FakeUnit("", status=9, result="signal", output="[upgrade/staticpods] Waiting for the kubelet\n")]
    with pytest.raises(MaintenanceError, match=r"ended from outside \(signal, status 9\), after saying"):
        bring(node)


def test_success_is_judged_by_the_live_state(node: FakeControlPlane) -> None:
    node.ready = False
    with pytest.raises(MaintenanceError, match="did not prove itself in 300 s: FAIL  static pod ready") as caught:
        bring(node)
    assert node.config == "v1.36.4", "what is not proven is not recorded"
    assert caught.value.data["checks"]


def test_an_exit_code_of_0_without_any_change_is_no_success(node: FakeControlPlane) -> None:
    node.failures = [FakeUnit("", status=0)]
    with pytest.raises(MaintenanceError, match=r"manifest version: manifest of kube-apiserver: .*v1.36.4"):
        bring(node)


def test_the_wait_ends_and_the_unit_goes_on(node: FakeControlPlane) -> None:
    node.systemd.units[UNIT] = FakeUnit(APPLY, running=10**6)
    with pytest.raises(MaintenanceError, match="still runs on this node after 60 s and goes on") as caught:
        bring(node, timeout=60)
    assert "attaches to the unit" in caught.value.msg
    assert UNIT in node.systemd.units


def test_proxies_are_those_of_the_live_manifest_and_travel_in_a_private_file(
    node: FakeControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = node.manifests / "kube-apiserver.yaml"
    manifest.write_text(
        manifest.read_text() + '    env:\n    - name: HTTPS_PROXY\n      value: "http://u:se\'cret@p:1"\n'
    )
    seen: list[tuple[str, int]] = []
    original = node.systemd._work

    def work(command: str) -> FakeUnit:
        (variables,) = (node.root / "run/kubeops").iterdir()
        seen.append((variables.read_text(), variables.stat().st_mode & 0o777))
        return original(command)

    monkeypatch.setattr(node.systemd, "_work", work)
    bring(node)
    assert seen[0] == ('HTTPS_PROXY="http://u:se\'cret@p:1"\n', 0o600)
    started = node.commands.ran("systemd-run")[0]
    assert "--property=UnsetEnvironment=KUBECONFIG no_proxy " in started
    assert not any("cret" in line for line in node.commands.lines)
    assert not list((node.root / "run/kubeops").iterdir())


@pytest.mark.parametrize(
    ("arrange", "message"),
    [
        (lambda node: node.install("1.36.4", "3.6.8-0", "v1.14.2"), "kubeadm 1.36.4 on cp1, 1.37.1 is needed"),
        (lambda node: node.write("1.36.4", "3.6.8-0"), "stepping stone"),
        (lambda node: node.write("1.35.8", "3.6.16-0"), "Upgrade to the latest 1.36 first"),
        (lambda node: node.other_apiservers.append("v1.38.0"), "1.37.1 would be a downgrade"),
        (lambda node: (node.manifests / "kube-apiserver.yaml").unlink(), "cp1 is no control plane"),
    ],
)
def test_refusals_change_nothing(
    node: FakeControlPlane, arrange: t.Callable[[FakeControlPlane], t.Any], message: str
) -> None:
    arrange(node)
    before = {path.name: path.read_text() for path in node.manifests.iterdir()}
    with pytest.raises(MaintenanceError, match=message):
        bring(node)
    assert node.systemd.started == []
    assert {path.name: path.read_text() for path in node.manifests.iterdir()} == before


def test_check_mode_says_the_commands_and_runs_none(node: FakeControlPlane) -> None:
    node.install("1.36.4", "3.6.8-0", "v1.14.2")
    report = bring(node, check_mode=True)
    said = [action.replace(" --ignore-preflight-errors=SystemVerification", "") for action in report.actions]
    assert said == [APPLY, UPLOAD]
    assert node.systemd.started == []
    assert node.config == "v1.36.4"


def test_an_api_that_stays_away_is_a_failure_with_its_reason(node: FakeControlPlane) -> None:
    node.api_down = 10**6
    with pytest.raises(MaintenanceError, match="192.0.2.11:6443 was refused"):
        bring(node)
