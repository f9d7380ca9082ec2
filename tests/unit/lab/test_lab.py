# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is a lab's own, what is remembered of it, and how its nodes are reached."""

from __future__ import annotations

import dataclasses
import json
import typing as t

import pytest
import yaml
from ansible_collections.kubeops.maintenance.tests.lab import access, cluster, life, podman, topology
from ansible_collections.kubeops.maintenance.tests.lab import lab as lab_module
from ansible_collections.kubeops.maintenance.tests.lab.cache import Cache
from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
from ansible_collections.kubeops.maintenance.tests.lab.templates import render

if t.TYPE_CHECKING:
    import pathlib

SUBNET = "10.89.4.0/24"


@pytest.fixture
def lab(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(lab_module, "PROJECT", tmp_path / "checkout")
    monkeypatch.setattr(access, "SOCKETS", tmp_path / "run")
    nodes = tuple(topology.place(topology.load("single"), SUBNET))
    made = Lab("try", "single", "1.36.4", ("1.36.4", "1.37.1"), SUBNET, nodes)
    made.folder.mkdir(parents=True)
    return made


def test_a_lab_is_known_from_when_it_is_whole(lab: Lab) -> None:
    assert lab_module.recall("try") is None
    with pytest.raises(LabError, match="no lab `try`: .*up --name try"):
        lab_module.known("try")
    lab.remember()
    assert lab_module.known("try") == lab


@pytest.mark.parametrize("name", ["", "..", "a/b", "Lab", "-x", "a" * 32, "lab\n"])
def test_names_that_would_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(LabError, match="is no name for a lab"):
        lab_module.folder(name)


def test_a_lab_with_other_settings_is_not_taken_for_the_one_wanted(lab: Lab, tmp_path: pathlib.Path) -> None:
    lab.remember()
    with pytest.raises(LabError, match=r"other settings \(single, 1\.36\.4 of 1\.36\.4, 1\.37\.1\)"):
        life.up(Cache(tmp_path), "try", "single", ["1.36.4"], "1.36.4")


@pytest.mark.parametrize(
    ("labels", "ours"),
    [
        ({"kubeops.lab": "try", "kubeops.lab.checkout": "{here}"}, True),
        ({"kubeops.lab": "try", "kubeops.lab.checkout": "{other}"}, False),
        ({"kubeops.lab": "try", "kubeops.lab.checkout": "/a/checkout/that/is/gone"}, True),
        ({"kubeops.lab": "other", "kubeops.lab.checkout": "{here}"}, False),
        ({"kubeops.lab.checkout": "{here}"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_what_is_ours(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, labels: dict[str, str] | None, ours: bool
) -> None:
    (tmp_path / "other").mkdir()
    monkeypatch.setattr(podman, "PROJECT", tmp_path / "here")
    if labels is not None:
        labels = {
            name: value.format(here=tmp_path / "here", other=tmp_path / "other") for name, value in labels.items()
        }
    assert podman.ours("try", labels) is ours


@pytest.mark.parametrize("kind", ["container", "network"])
def test_a_foreign_object_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    answers = {
        "ps": [{"Names": ["try-w1"], "Labels": None}] if kind == "container" else [],
        "network": [{"name": "kubeops-lab-try"}] if kind == "network" else [],
    }
    monkeypatch.setattr(podman, "podman", lambda verb, *_: json.dumps(answers[verb]))
    with pytest.raises(LabError, match=f"there is a {kind} (try-w1|kubeops-lab-try) that lab try"):
        podman.refuse_foreign("try", "kubeops-lab-try", ["try-cp1", "try-w1"])


def test_objects_of_other_names_are_nobodys_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(podman, "podman", lambda verb, *_: json.dumps([{"Names": ["a"], "Labels": None, "name": "b"}]))
    podman.refuse_foreign("try", "kubeops-lab-try", ["try-cp1"])


@pytest.mark.parametrize("ignored", [[], ["SystemVerification"]])
def test_the_inventory_is_one_as_users_write(lab: Lab, monkeypatch: pytest.MonkeyPatch, ignored: list[str]) -> None:
    def fake_key(file: pathlib.Path, comment: str) -> None:
        file.with_suffix(".pub").write_text(f"ssh-ed25519 KEY-OF-{comment} {comment}\n")

    monkeypatch.setattr(access, "make_key", fake_key)
    access.prepare(lab, ignored)

    everybody = yaml.safe_load(lab.inventory.read_text())["all"]
    assert everybody["vars"]["kubernetes_package_repository"] == "http://mirror.lab"
    assert everybody["vars"]["kubeadm_ignore_preflight_errors"] == ignored
    assert "StrictHostKeyChecking=yes" in everybody["vars"]["ansible_ssh_common_args"]
    groups = {group: members["hosts"] for group, members in everybody["children"].items()}
    assert groups == {
        "kube_control_plane": {"cp1": {"ansible_host": "10.89.4.11"}},
        "kube_node": {"w1": {"ansible_host": "10.89.4.12"}, "w2": {"ansible_host": "10.89.4.13"}},
        "etcd": {"cp1": {"ansible_host": "10.89.4.11"}},
    }
    assert (lab.ssh / "known_hosts").read_text().splitlines()[1] == "w1,10.89.4.12 ssh-ed25519 KEY-OF-w1"
    assert lab.ssh.stat().st_mode & 0o077 == 0


def kubeadm_configuration(lab: Lab, cgroup_v1: bool = False, etcd_tag: str = "") -> dict[str, t.Any]:
    """Its documents by kind."""
    text = render(
        "cluster/kubeadm.yml.j2",
        lab=lab,
        mirror=access.MIRROR,
        pod_subnet=cluster.POD_SUBNET,
        etcd_tag=etcd_tag,
        cgroup_v1=cgroup_v1,
        ignore_preflight_errors=[],
    )
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


@pytest.mark.parametrize("cgroup_v1", [True, False])
@pytest.mark.parametrize("etcd_tag", ["", "3.6.16-0"])
def test_the_configuration_of_kubeadm(lab: Lab, cgroup_v1: bool, etcd_tag: str) -> None:
    documents = kubeadm_configuration(lab, cgroup_v1=cgroup_v1, etcd_tag=etcd_tag)
    assert documents["InitConfiguration"]["localAPIEndpoint"]["advertiseAddress"] == "10.89.4.11"
    assert documents["ClusterConfiguration"]["kubernetesVersion"] == "v1.36.4"
    assert documents["ClusterConfiguration"]["imageRepository"] == "mirror.lab:5000"
    assert documents["ClusterConfiguration"].get("etcd") == ({"local": {"imageTag": etcd_tag}} if etcd_tag else None)
    assert documents["KubeletConfiguration"].get("failCgroupV1") is (False if cgroup_v1 else None)


def test_several_control_planes_have_a_load_balancer_in_front_of_them(lab: Lab) -> None:
    assert lab.balancer is None
    assert "try-lb" not in lab.containers
    ha = dataclasses.replace(lab, nodes=tuple(topology.place(topology.load("ha"), SUBNET)))
    assert ha.balancer == "10.89.4.4"
    assert ha.containers == [f"try-{name}" for name in ("mirror", "lb", "cp1", "cp2", "cp3", "w1", "w2")]
    assert len(set(ha.addresses.values())) == len(ha.addresses)
    config = render("balancer/haproxy.cfg.j2", lab=ha).splitlines()
    assert [line.strip() for line in config if line.startswith("  server")] == [
        "server cp1 10.89.4.11:6443",
        "server cp2 10.89.4.12:6443",
        "server cp3 10.89.4.13:6443",
    ]
    assert kubeadm_configuration(ha)["ClusterConfiguration"]["controlPlaneEndpoint"] == "10.89.4.4:6443"
    assert "controlPlaneEndpoint" not in kubeadm_configuration(lab)["ClusterConfiguration"]


def test_the_network_of_pods(lab: Lab) -> None:
    conflist = render("cluster/10-lab.conflist.j2", subnet="10.244.1.0/24")
    assert json.loads(conflist)["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    script = render("cluster/network.sh.j2", conflist=conflist, routes={"10.244.2.0/24": "10.89.4.13"})
    assert "route replace 10.244.2.0/24 via 10.89.4.13\n" in script
