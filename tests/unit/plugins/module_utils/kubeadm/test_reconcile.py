# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils import _pods, _wait
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import node_pods, reconcile
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.commands import Result
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.reconcile import Reconcile
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.report import Report

from .clock import Clock
from .fake_worker import FakeWorker

UID = "91d0efc1-710d-484e-8f1f-031ac2df2597"
OTHER = "8460c2c5-3c4d-4a59-826d-04e2da68d504"
DIGEST = "c0244560d3e9f31fd2ce736e48d3e99f"


@pytest.mark.parametrize(
    ("text", "uids"),
    [
        (f"0::/kubepods/burstable/pod{UID}/089e6fbbedab", {UID}),
        (f"0::/kubepods/pod{UID}/089e6fbbedab\n4:memory:/kubepods/pod{UID}/089e6fbbedab\n", {UID}),
        (f"0::/kubepods.slice/kubepods-pod{UID.replace('-', '_')}.slice/cri-containerd-08.scope", {UID}),
        (f"0::/kubepods.slice/kubepods-besteffort-pod{UID.replace('-', '_')}.slice", {UID}),
        (f"0::/system.slice/containerd.service/kubepods-burstable-pod{DIGEST}.slice:cri:08", set()),
        (f"0::/kubepods/burstable/pod{DIGEST}/11e0", {DIGEST}),
        ("0::/system.slice/kubelet.service", set()),
        ("0::/machine.slice/libpod-089e6fbbedab/podman", set()),
        ("", set()),
    ],
)
def test_the_pod_of_a_process(text: str, uids: set[str]) -> None:
    assert _pods.in_cgroups(text) == uids


def pod(uid: str, digest: str = "") -> dict[str, t.Any]:
    return {"metadata": {"uid": uid, **({"annotations": {"kubernetes.io/config.hash": digest}} if digest else {})}}


def test_a_static_pod_is_known_by_its_mirror() -> None:
    here = {DIGEST: "kube-system/etcd-cp1", UID: "shop/web"}
    assert node_pods.phantoms(here, [pod(OTHER, DIGEST), pod(UID)]) == []
    assert node_pods.phantoms(here, [pod(UID)]) == ["kube-system/etcd-cp1"]
    assert node_pods.phantoms(here, []) == ["kube-system/etcd-cp1", "shop/web"]


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-21", "2026-11-21T18:30:00"])
def test_no_moment(text: str) -> None:
    with pytest.raises(MaintenanceError, match="is no moment"):
        reconcile.moment(text)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def node(tmp_path: pathlib.Path) -> FakeWorker:
    made = FakeWorker(tmp_path)
    made.node_version = made.running = "v1.37.1"
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text("0::/system.slice/kubelet.service\n")
    runs(made, 8, UID)
    (tmp_path / f"var/log/pods/shop_db-0_{UID}").mkdir(parents=True)
    made.pods = [pod(UID)]
    return made


def runs(node: FakeWorker, process: int, uid: str) -> None:
    folder = node.root / f"proc/{process}"
    folder.mkdir(parents=True)
    (folder / "cgroup").write_text(f"0::/kubepods/burstable/pod{uid}/089e\n")


def bring(node: FakeWorker, since: float, check_mode: bool = False, seconds: float = 60) -> tuple[Reconcile, Report]:
    report = Report()
    paths = Paths(str(node.root))
    work = Reconcile(node.commands, paths, since, _wait.Deadline(seconds), report, node.health)  # type: ignore[arg-type]
    work.bring(check_mode)
    return work, report


def test_a_kubelet_from_before_is_restarted(node: FakeWorker) -> None:
    work, report = bring(node, since=node.started + 10)
    assert node.restarts == 1
    assert report.actions == ["restart the kubelet of w1 (it knows the data from before)"]
    assert report.before["started"] < report.after["started"]
    assert [check.name for check in report.checks][-2:] == ["node lease", "pods known"]
    assert {check.status for check in report.checks} == {"pass"}
    assert work.phantoms == []


def test_a_kubelet_from_after_is_left_alone_and_proven_all_the_same(node: FakeWorker) -> None:
    _work, report = bring(node, since=node.started - 10)
    assert (node.restarts, report.actions) == (0, [])
    assert report.checks


def test_a_kubelet_that_does_not_run_is_started(node: FakeWorker) -> None:
    node.active, node.pid = "failed", 0
    _work, report = bring(node, since=0)
    assert node.restarts == 1
    assert report.actions == ["restart the kubelet of w1 (it does not run)"]


def test_a_kubelet_that_ends_at_first_is_waited_for(node: FakeWorker, clock: Clock) -> None:
    kubelet = Result(("kubelet",), 0, "Kubernetes v1.37.1\n", "")
    said = iter([Result(("kubelet",), 203, "", ""), dataclasses.replace(kubelet, out="systemd 257\n")])
    node.commands.calls("/proc/7/exe", lambda argv: next(said, kubelet))
    _work, report = bring(node, since=node.started + 10)
    assert {check.status for check in report.checks} == {"pass"}


def test_a_kubelet_that_does_not_come_up_is_told(node: FakeWorker, clock: Clock) -> None:
    node.commands.calls("/proc/7/exe", lambda argv: Result(argv, 203, "", ""))
    with pytest.raises(MaintenanceError, match=r"the kubelet of w1 does not run after 60 s\. Look at it"):
        bring(node, since=node.started + 10)


def test_check_mode_only_says_it(node: FakeWorker) -> None:
    _work, report = bring(node, since=node.started + 10, check_mode=True)
    assert (node.restarts, report.checks) == (0, [])
    assert report.actions == ["restart the kubelet of w1 (it knows the data from before)"]


def test_a_phantom_is_waited_for(node: FakeWorker, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    runs(node, 9, OTHER)

    def ends(seconds: float) -> None:
        clock.now += seconds
        if clock.now > 1020:
            (node.root / "proc/9/cgroup").unlink(missing_ok=True)

    defaults = _wait.until.__defaults__
    assert defaults
    monkeypatch.setattr(_wait.until, "__defaults__", (defaults[0], ends))
    work, report = bring(node, since=0)
    assert 1020 < clock.now < 1025
    assert work.phantoms == []
    assert report.checks[-1].evidence == "the API knows all 1 that run"


def test_a_phantom_that_stays_is_named(node: FakeWorker) -> None:
    runs(node, 9, OTHER)
    (node.root / f"var/log/pods/shop_ghost_{OTHER}").mkdir()
    with pytest.raises(MaintenanceError) as raised:
        bring(node, since=0)
    assert "1 of 2 pods that run are unknown to the API: shop/ghost" in raised.value.msg
    assert "did not prove itself in 60 s" in raised.value.msg


def test_a_node_that_is_not_heard_of_is_named(node: FakeWorker) -> None:
    node.heard_since_restart = False
    node.commands.answers("journalctl", out="no route to host\n")
    with pytest.raises(MaintenanceError, match="the kubelet of w1 did not prove itself.*no route to host"):
        bring(node, since=node.started + 10)
