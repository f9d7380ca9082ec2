# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import hashlib
import os
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import (
    certificates,
    environment,
    etcd_member,
    kubelet_files,
    lock,
    node_facts,
    repair,
    unit,
)
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.paths import Paths
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import parse
from ansible_collections.kubeops.maintenance.plugins.module_utils._static_pod import StaticPod
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline
from hypothesis import given
from hypothesis import strategies as st

from .clock import Clock
from .fake_node import FakeControlPlane, FakeUnit

UNIT = "kubeops-kubeadm-upgrade-1.37.1.service"
CA = "-----BEGIN CERTIFICATE-----\nMDEy\n-----END CERTIFICATE-----\n"
INDEX = b"Package: kubeadm\nVersion: 1.37.1-1.1\nArchitecture: all\n"


@pytest.fixture
def node(tmp_path: pathlib.Path) -> FakeControlPlane:
    made = FakeControlPlane(tmp_path)
    made.install("1.36.4", "3.6.8-0", "v1.14.2")
    made.commands.answers(
        "systemctl show kubelet", out="ActiveState=active\nMainPID=7\nExecMainStartTimestampMonotonic=1\n"
    )
    made.commands.answers("/proc/7/exe --version", out="Kubernetes v1.36.4\n")
    made.commands.answers("readlink /proc/7/exe", out="/usr/bin/kubelet (deleted)\n")
    made.commands.answers("dpkg-query", out="installed kubelet 1.36.4-1.1\n", rc=1)
    made.commands.answers("apt-mark showhold", out="kubelet\n")
    database = tmp_path / "var/lib/etcd/member/snap/db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"x" * 1000)
    (tmp_path / "etc/kubernetes/pki").mkdir()
    (tmp_path / "etc/kubernetes/pki/ca.crt").write_text(CA)
    (tmp_path / "var/lib/etcd/member/wal").write_bytes(b"x" * 500)
    return made


def gather(node: FakeControlPlane, **options: t.Any) -> dict[str, t.Any]:
    return node_facts.gather(node.commands, Paths(str(node.root)), get=node.health, **options)  # type: ignore[arg-type]


def test_a_control_plane(node: FakeControlPlane) -> None:
    facts = gather(
        node,
        version=parse("1.37.1"),
        repository="https://pkgs.example",
        backup_dir="/var/backups/not/there/yet",
        fetch=lambda url: INDEX if url.endswith("deb/Packages") else None,
    )
    assert facts["node_name"] == "cp1"
    assert facts["cluster_ca"] == [hashlib.sha256(b"012").hexdigest()]
    assert facts["control_plane"]
    assert facts["package_manager"] == "apt"
    assert facts["packages"]["kubelet"] == {"version": "1.36.4", "package": "1.36.4-1.1", "held": True}
    assert facts["available"] == {"kubeadm": "1.37.1-1.1", "kubelet": None, "kubectl": None}
    assert (facts["kubelet"]["running"], facts["kubelet"]["active"]) == ("1.36.4", True)
    assert facts["kubelet"]["started"].endswith("Z")
    assert facts["kubelet"]["program"] == "/usr/bin/kubelet"
    assert facts["static_pods"]["etcd"] == {"image": "registry.k8s.io/etcd:3.6.16-0", "version": "3.6.16"}
    assert facts["apiserver"] == {"advertise_address": "192.0.2.11", "port": 6443, "url": "https://192.0.2.11:6443"}
    etcd = facts["etcd"]
    assert (etcd["name"], etcd["endpoint"], etcd["data_dir"]) == ("cp1", "https://127.0.0.1:2379", "/var/lib/etcd")
    assert (etcd["data_bytes"], etcd["db_bytes"], etcd["healthy"]) == (1500, 1000, True)
    assert set(facts["disk"]) == {"/var/lib/etcd", "/etc/kubernetes/tmp", "/var/backups/not/there/yet"}
    assert len({(disk["device"], disk["free_bytes"] > 0) for disk in facts["disk"].values()}) == 1
    assert facts["kubeadm_images"]["etcd"] == "3.6.8-0"
    assert facts["unfinished"] == {"unit": None, "running": False, "upgraded_manifests": [], "moved_away": []}


def test_fingerprints_are_of_the_certificates_not_of_the_file() -> None:
    other = CA.replace("MDEy", "MTIz")
    both = certificates.fingerprints((CA + other).encode())
    assert both == certificates.fingerprints(f"# comment\n{other}\n{CA}{CA}".replace("\n", "\r\n").encode())
    assert len(both) == 2
    assert certificates.fingerprints(b"") == certificates.fingerprints(CA.replace("MDEy", "M").encode()) == []


def test_a_worker(node: FakeControlPlane) -> None:
    for manifest in node.manifests.iterdir():
        manifest.unlink()
    (node.root / "etc/kubernetes/pki/ca.crt").unlink()
    facts = gather(node)
    assert facts["cluster_ca"] is None
    assert not facts["control_plane"]
    assert facts["static_pods"] == {}
    assert facts["etcd"] is facts["apiserver"] is facts["kubeadm_images"] is facts["available"] is None


def test_what_an_unfinished_run_left(node: FakeControlPlane) -> None:
    backup, rendered = (
        node.tmp / "kubeadm-backup-manifests-2026-11-20-10-00-00",
        node.tmp / "kubeadm-upgraded-manifests1",
    )
    backup.mkdir()
    rendered.mkdir()
    (node.manifests / "kube-apiserver.yaml").rename(backup / "kube-apiserver.yaml")
    (rendered / "kube-apiserver.yaml").write_text("new")
    node.systemd.units[UNIT] = FakeUnit("kubeadm upgrade apply v1.37.1", running=5)
    facts = gather(node)
    assert facts["control_plane"], "a manifest that is on its way does not make a worker"
    assert facts["unfinished"] == {
        "unit": UNIT,
        "running": True,
        "upgraded_manifests": [str(rendered)],
        "moved_away": ["kube-apiserver"],
    }


def test_a_manifest_that_somebody_took_away_is_not_put_back(node: FakeControlPlane) -> None:
    backup = node.tmp / "kubeadm-backup-manifests-2026-11-20-10-00-00"
    backup.mkdir()
    (node.manifests / "etcd.yaml").rename(backup / "etcd.yaml")
    assert repair.moved_away(Paths(str(node.root))) == {}


@pytest.mark.parametrize(
    ("flags", "answer", "healthy", "evidence"),
    [
        (
            {"listen-metrics-urls": "http://127.0.0.1:2381"},
            (200, '{"health":"true","reason":""}'),
            True,
            "says healthy",
        ),
        (
            {"listen-metrics-urls": "http://127.0.0.1:2381"},
            (503, '{"health":"false","reason":"NOSPACE"}'),
            False,
            "NOSPACE",
        ),
        ({"listen-metrics-urls": "http://127.0.0.1:2381"}, (0, "Connection refused"), False, "Connection refused"),
        ({"listen-metrics-urls": "https://127.0.0.1:2381"}, (200, ""), False, "no plain http address"),
        ({}, (200, ""), False, "no plain http address"),
    ],
)
def test_the_health_of_the_local_member(
    flags: dict[str, str], answer: tuple[int, str], healthy: bool, evidence: str
) -> None:
    pod = StaticPod("/m/etcd.yaml", "etcd:3.6.16-0", (), flags)
    found = etcd_member.health(pod, lambda url: answer)
    assert found[0] == healthy
    assert evidence in found[1]


def test_a_listener_on_all_addresses_is_asked_on_the_loopback() -> None:
    pod = StaticPod(
        "/m/etcd.yaml", "etcd:3.6.16-0", (), {"listen-metrics-urls": "http://0.0.0.0:2381,http://192.0.2.1:2381"}
    )
    asked: list[str] = []
    etcd_member.health(pod, lambda url: asked.append(url) or (200, "{}"))  # type: ignore[func-returns-value]
    assert asked == ["http://127.0.0.1:2381/health"]


def test_settling_waits_for_the_unit_and_fails_when_it_does_not_end(
    node: FakeControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    node.systemd.units[UNIT] = FakeUnit("kubeadm upgrade apply v1.37.1", running=5)
    unit.settle(node.commands, Deadline(60))  # type: ignore[arg-type]
    assert clock.now == 1005.0
    node.systemd.units[UNIT] = FakeUnit("kubeadm upgrade apply v1.37.1", running=10**6)
    with pytest.raises(MaintenanceError, match=f"{UNIT} still runs on this node after 60 s"):
        unit.settle(node.commands, Deadline(60))  # type: ignore[arg-type]


def test_settling_waits_for_a_module_whose_controller_was_killed(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "lock")
    lock.wait_free(Deadline(0), path)
    with lock.held(0, path):
        with pytest.raises(MaintenanceError, match=rf"still works on this node \({os.getpid()}.* 0 s"):
            lock.wait_free(Deadline(0), path)
        with pytest.raises(MaintenanceError), lock.held(0, path):
            pass
    lock.wait_free(Deadline(0), path)
    with open(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "    env:\n    - name: HTTPS_PROXY\n      value: http://p:1\n    - name: no_proxy\n      value: '*'\n",
            {"HTTPS_PROXY": "http://p:1", "no_proxy": "*"},
        ),
        ('    env:\n    - name: GOGC\n      value: "50"\n', {}),
        ("    image: x\n", {}),
    ],
)
def test_proxies_of_a_manifest(text: str, found: dict[str, str]) -> None:
    assert environment.proxies(text) == found


words = st.from_regex(r"--[a-z][a-z-]{0,12}(=[a-z0-9./:,]{0,8})?", fullmatch=True)


@given(st.lists(words, max_size=6), st.integers(0, 6))
def test_one_flag_goes_and_the_others_stay(others: list[str], at: int) -> None:
    others = [word for word in others if word.partition("=")[0] != "--pod-infra-container-image"]
    every = [*others[:at], "--pod-infra-container-image=r.example/pause:3.9", *others[at:]]
    text = f'KUBELET_KUBEADM_ARGS="{" ".join(every)}"\n'
    kept = f'KUBELET_KUBEADM_ARGS="{" ".join(others)}"\n'
    assert kubelet_files.without_flags(text, ["pod-infra-container-image"]) == kept
    assert kubelet_files.without_flags(kept, ["pod-infra-container-image"]) == kept


def test_which_flags_are_gone_at_which_version() -> None:
    assert kubelet_files.gone_flags(parse("1.34.9")) == ()
    assert (
        kubelet_files.gone_flags(parse("1.35.0"))
        == kubelet_files.gone_flags(parse("1.37.1"))
        == ("pod-infra-container-image",)
    )
