# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils import _static_pods
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._static_pods import Manifests
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.tests.ports import free_ports

ETCD = "command:\n- etcd\n- --name=cp1\nimage: registry.k8s.io/etcd:x\n"


@pytest.fixture
def manifests(tmp_path: pathlib.Path) -> Manifests:
    live = tmp_path / "kubernetes" / "manifests"
    live.mkdir(parents=True)
    (live / "etcd.yaml").write_text(ETCD)
    (live / "etcd.yaml").chmod(0o600)
    return Manifests(str(live))


def test_a_manifest_is_moved_and_nothing_of_it_changes(manifests: Manifests) -> None:
    before = os.stat(manifests.path("etcd"))
    manifests.park("etcd")
    assert (manifests.is_live("etcd"), manifests.is_parked("etcd")) == (False, True)
    assert os.listdir(manifests.live) == []
    assert os.stat(manifests.parked).st_mode & 0o777 == 0o700
    assert os.path.dirname(manifests.parked) == os.path.dirname(manifests.live)
    pod = manifests.read("etcd")
    assert pod and pod.flags["name"] == "cp1"

    manifests.put_back("etcd")
    after = os.stat(manifests.path("etcd"))
    assert (manifests.is_live("etcd"), manifests.is_parked("etcd")) == (True, False)
    assert (after.st_ino, after.st_mode, after.st_mtime) == (before.st_ino, before.st_mode, before.st_mtime)


def test_the_folder_is_beside_what_a_link_leads_to(manifests: Manifests, tmp_path: pathlib.Path) -> None:
    """Else it may be another filesystem."""
    (tmp_path / "link").symlink_to(manifests.live)
    assert Manifests(str(tmp_path / "link")).parked == manifests.parked


def test_two_that_differ_are_refused_and_two_that_are_equal_are_one(manifests: Manifests) -> None:
    os.mkdir(manifests.parked)
    shutil.copyfile(manifests.path("etcd"), manifests.parked_path("etcd"))
    manifests.check("etcd")
    pathlib.Path(manifests.parked_path("etcd")).write_text(ETCD + "# older\n")
    with pytest.raises(
        MaintenanceError, match=r"manifests/etcd\.yaml and .*stopped/etcd\.yaml are both there and differ"
    ):
        manifests.check("etcd")


@pytest.mark.parametrize(
    ("name", "text", "refused"),
    [
        ("etcd.yaml.bak", ETCD, True),
        ("old", ETCD.replace("- etcd\n", "- /usr/local/bin/etcd\n"), True),
        (".etcd.yaml.swp", ETCD, False),
        ("kube-apiserver.yaml", ETCD.replace("- etcd\n", "- kube-apiserver\n"), False),
        ("notes.txt", "etcd is here", False),
    ],
)
def test_another_file_that_runs_the_same(manifests: Manifests, name: str, text: str, refused: bool) -> None:
    pathlib.Path(manifests.live, name).write_text(text)
    if not refused:
        manifests.check("etcd")
        return
    with pytest.raises(MaintenanceError, match=f"the kubelet also runs etcd from .*/{name}:"):
        manifests.check("etcd")


def test_a_directory_that_is_a_mount_of_its_own(manifests: Manifests, monkeypatch: pytest.MonkeyPatch) -> None:
    def other_filesystem(source: str, target: str) -> None:
        raise OSError(18, "Invalid cross-device link", source, None, target)

    monkeypatch.setattr(os, "rename", other_filesystem)
    with pytest.raises(MaintenanceError, match="is a filesystem of its own"):
        manifests.park("etcd")
    assert manifests.is_live("etcd")


@pytest.mark.parametrize(("state", "refused"), [("active\n", ""), ("failed\n", "is failed and"), ("", "is not there")])
def test_nothing_is_moved_without_a_kubelet(state: str, refused: str) -> None:
    if not refused:
        _static_pods.need_kubelet(state)
        return
    with pytest.raises(MaintenanceError, match=f"kubelet.service {refused}"):
        _static_pods.need_kubelet(state)


def process(proc: pathlib.Path, pid: str, exe: str, network: str) -> None:
    place = proc / pid
    (place / "ns").mkdir(parents=True)
    (place / "ns" / "net").symlink_to(network)
    if exe:
        (place / "exe").symlink_to(exe)


def test_processes_of_this_nodes_network(tmp_path: pathlib.Path) -> None:
    process(tmp_path, "self", "/usr/bin/python3", "net:[1]")
    process(tmp_path, "11", "/usr/local/bin/kube-apiserver", "net:[1]")
    process(tmp_path, "9", "/usr/local/bin/kube-apiserver (deleted)", "net:[1]")
    process(tmp_path, "12", "/usr/local/bin/kube-apiserver", "net:[2]")  # another cluster's, in a pod
    process(tmp_path, "13", "/usr/local/bin/kube-apiserver-proxy", "net:[1]")
    process(tmp_path, "14", "", "net:[1]")  # ended, and nobody has asked how
    (tmp_path / "15").mkdir()  # ends right now
    assert _static_pods.processes("kube-apiserver", str(tmp_path)) == [9, 11]


def test_a_real_process(tmp_path: pathlib.Path) -> None:
    program = tmp_path / f"kube-of-{os.getpid()}"
    shutil.copyfile(shutil.which("sleep") or "", program)
    program.chmod(0o755)
    with subprocess.Popen([program, "600"]) as running:
        try:
            until(
                lambda: _static_pods.processes(program.name) == [running.pid] or None,
                Deadline(120),
                lambda: "not seen",
                interval=0.01,
            )
        finally:
            running.send_signal(signal.SIGKILL)
    assert _static_pods.processes(program.name) == []


def test_ports() -> None:
    (port,) = free_ports(1)
    with socket.create_server(("127.0.0.1", port)) as server:
        assert not _static_pods.is_free("127.0.0.1", port)
        assert not _static_pods.is_free("0.0.0.0", port)
        assert _static_pods.answers("127.0.0.1", port)
        # A connection that lingers is no listener.
        client = socket.create_connection(("127.0.0.1", port))
        connection, _address = server.accept()
    connection.close()
    client.close()
    assert _static_pods.is_free("127.0.0.1", port)
    assert not _static_pods.answers("127.0.0.1", port)
    assert _static_pods.is_free("192.0.2.1", port)  # no address of this machine
    assert _static_pods.is_free("no-such-name.invalid", port)
