# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import os
import pathlib
import socket
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.commands import Result
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.report import Report
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.static_pods import (
    NAMES,
    STARTED,
    STOPPED,
    StaticPods,
)
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline

from .clock import Clock
from .fake_node import FakeCommands

APISERVER, CONTROLLER_MANAGER, SCHEDULER = NAMES


@dataclasses.dataclass
class Node:
    """A control plane: a kubelet that starts and ends processes some looks after their manifest has moved."""

    root: pathlib.Path
    port: int
    lag: int = 3
    kubelet: str = "active"
    #: Those that never end, never come, or were started by nobody that is known.
    stubborn: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    readyz: int = 0

    def __post_init__(self) -> None:
        self.manifests = self.root / "etc/kubernetes/manifests"
        self.manifests.mkdir(parents=True)
        (self.root / "etc/kubernetes/admin.conf").touch()
        self.parked = self.manifests.with_name("kubeops-stopped")
        for name in NAMES:
            self.write(name)
        self._age = dict.fromkeys(NAMES, 0)
        self._running = dict.fromkeys(NAMES, True)
        self.commands = FakeCommands()
        self.commands.calls("systemctl is-active", lambda argv: Result(argv, 0, f"{self.kubelet}\n", ""))
        self.commands.calls("kubectl", self._kubectl)

    def write(self, name: str) -> None:
        address = "advertise" if name == APISERVER else "bind"
        flags = f"- --{address}-address=127.0.0.1\n- --secure-port={self.port}\n"
        (self.manifests / f"{name}.yaml").write_text(f"command:\n- {name}\n{flags}image: r/{name}:v1.37.1\n")

    def processes(self, name: str) -> list[int]:
        wanted = (self.manifests / f"{name}.yaml").exists() and name not in self.lost
        if wanted != self._running[name] and name not in self.stubborn:
            self._age[name] += 1
            if self._age[name] > self.lag:
                self._running[name], self._age[name] = wanted, 0
        return [NAMES.index(name) + 100] if self._running[name] or name in self.foreign else []

    def _kubectl(self, argv: tuple[str, ...]) -> Result:
        assert f"--server=https://127.0.0.1:{self.port}" in argv
        assert "--tls-server-name=kubernetes" in argv
        if self.readyz:
            self.readyz -= 1
            return Result(argv, 1, "", "Error from server (InternalError): [-]poststarthook failed")
        return Result(argv, 0, "ok", "")

    def bring(self, state: str, *names: str, check: bool = False) -> dict[str, t.Any]:
        report = Report()
        pods = StaticPods(
            t.cast(t.Any, self.commands),
            Paths(str(self.root)),
            names or NAMES,
            Deadline(60),
            report,
            check,
            self.processes,
        )
        try:
            pods.bring(state)
        except MaintenanceError as error:
            error.data = {**report.as_dict(), **error.data}
            raise
        return report.as_dict()

    def live(self) -> list[str]:
        return sorted(path.stem for path in self.manifests.iterdir())


@pytest.fixture
def node(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    Clock(monkeypatch)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    return Node(tmp_path, port)


@pytest.fixture
def listener(node: Node) -> t.Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", node.port)) as server:
        yield server


def test_stopped_and_started_again(node: Node) -> None:
    result = node.bring(STOPPED)
    assert node.live() == []
    assert result["changed"]
    assert result["before"] == dict.fromkeys(NAMES, STARTED)
    assert result["after"] == dict.fromkeys(NAMES, STOPPED)
    # The apiserver's clients go first.
    assert [action.split()[1].rpartition("/")[2] for action in result["actions"]] == [
        "kube-scheduler.yaml",
        "kube-controller-manager.yaml",
        "kube-apiserver.yaml",
    ]
    assert not any(node.processes(name) for name in NAMES)
    again = node.bring(STOPPED)
    assert not again["changed"]
    assert {check["name"] for check in again["checks"]} == {"static pod stopped", "port free"}

    node.readyz = 3
    with socket.create_server(("127.0.0.1", node.port)):
        result = node.bring(STARTED)
        assert [action.split()[1].rpartition("/")[2] for action in result["actions"]] == [
            "kube-apiserver.yaml",
            "kube-controller-manager.yaml",
            "kube-scheduler.yaml",
        ]
        assert result["after"] == dict.fromkeys(NAMES, STARTED)
        assert node.live() == sorted(NAMES)
        assert list(node.parked.iterdir()) == []
        again = node.bring(STARTED)
    assert not again["changed"]
    assert {check["name"] for check in again["checks"]} >= {"kube-apiserver ready", "static pod serves"}


def test_only_some(node: Node, listener: socket.socket) -> None:
    node.bring(STOPPED, SCHEDULER, CONTROLLER_MANAGER)
    assert node.live() == [APISERVER]
    result = node.bring(STARTED, SCHEDULER)
    assert node.live() == [APISERVER, SCHEDULER]
    assert result["after"] == {SCHEDULER: STARTED}


def test_a_node_without_a_control_plane(node: Node) -> None:
    for name in NAMES:
        (node.manifests / f"{name}.yaml").unlink()
        node._running[name] = False
    node.kubelet = "inactive"
    for state in (STOPPED, STARTED):
        result = node.bring(state)
        assert (result["changed"], result["after"]) == (False, dict.fromkeys(NAMES))


@pytest.mark.parametrize("state", [STOPPED, STARTED])
def test_check_mode_moves_nothing(node: Node, state: str) -> None:
    if state == STARTED:
        node.bring(STOPPED)
    live = node.live()
    result = node.bring(state, check=True)
    assert (result["changed"], len(result["actions"])) == (True, 3)
    assert result["after"] == dict.fromkeys(NAMES, state)
    assert result["checks"] == []
    assert node.live() == live


@pytest.mark.parametrize("state", [STOPPED, STARTED])
def test_without_a_kubelet_nothing_is_moved(node: Node, state: str) -> None:
    if state == STARTED:
        node.bring(STOPPED)
    live, node.kubelet = node.live(), "failed"
    with pytest.raises(MaintenanceError, match="kubelet.service is failed"):
        node.bring(state)
    assert node.live() == live


def test_what_does_not_end(node: Node) -> None:
    node.stubborn = (APISERVER,)
    with pytest.raises(MaintenanceError, match="the stop of .* did not prove itself in 60 s: .*process 100") as caught:
        node.bring(STOPPED)
    assert "Its manifest stays where it is" in caught.value.msg
    assert caught.value.data["after"] == dict.fromkeys(NAMES, STOPPED)
    assert caught.value.data["actions"]
    # A further run waits on.
    node.stubborn = ()
    assert not node.bring(STOPPED)["changed"]


def test_a_port_that_somebody_else_has(node: Node, listener: socket.socket) -> None:
    with pytest.raises(MaintenanceError, match=f"port {node.port} is in use. Fix: see who listens there: ss -tlnp"):
        node.bring(STOPPED)


def test_one_that_the_kubelet_has_not_started(node: Node) -> None:
    (node.manifests / "kube-scheduler.yaml").unlink()
    node.foreign = (SCHEDULER,)
    with pytest.raises(MaintenanceError, match="kube-scheduler runs here as process 102 and .* is not there"):
        node.bring(STOPPED)
    assert node.live() == [APISERVER, CONTROLLER_MANAGER]


@pytest.mark.parametrize("state", [STOPPED, STARTED])
def test_two_manifests_that_differ(node: Node, state: str) -> None:
    node.parked.mkdir()
    (node.parked / "kube-apiserver.yaml").write_text("image: older\n")
    with pytest.raises(MaintenanceError, match="are both there and differ"):
        node.bring(state)
    assert node.live() == sorted(NAMES)


def test_what_does_not_start(node: Node) -> None:
    node.bring(STOPPED)
    node.lost = (APISERVER,)
    with pytest.raises(MaintenanceError, match="the start of kube-apiserver .*kube-apiserver: no process"):
        node.bring(STARTED)
    # The others are its clients.
    assert node.live() == [APISERVER]


def test_what_starts_and_never_serves(node: Node) -> None:
    node.bring(STOPPED)
    node.readyz = 1000
    with pytest.raises(MaintenanceError, match="kube-apiserver ready: kube-apiserver: .*poststarthook failed"):
        node.bring(STARTED)
    node.readyz = 0
    with pytest.raises(MaintenanceError, match=f"127.0.0.1 port {node.port} does not answer"):
        node.bring(STARTED)
    assert node.live() == [APISERVER, CONTROLLER_MANAGER]


def test_a_manifest_keeps_its_mode(node: Node, listener: socket.socket) -> None:
    path = node.manifests / "kube-scheduler.yaml"
    path.chmod(0o600)
    before = path.stat().st_ino
    node.bring(STOPPED, SCHEDULER)
    node.bring(STARTED, SCHEDULER)
    assert (path.stat().st_mode & 0o777, path.stat().st_ino) == (0o600, before)
    assert os.stat(node.parked).st_mode & 0o777 == 0o700
