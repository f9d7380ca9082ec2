# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is a lab's own, what is remembered of it, and how its nodes are reached."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import environment_file
from ansible_collections.kubeops.maintenance.tests.lab import access, cluster, etcd, life, podman, topology
from ansible_collections.kubeops.maintenance.tests.lab import lab as lab_module
from ansible_collections.kubeops.maintenance.tests.lab.cache import Cache
from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
from ansible_collections.kubeops.maintenance.tests.lab.templates import render

SUBNET = "10.89.4.0/24"


@pytest.fixture
def lab(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(lab_module, "PROJECT", tmp_path / "checkout")
    monkeypatch.setattr(access, "SOCKETS", tmp_path / "run")
    nodes = tuple(topology.place(topology.load("single"), SUBNET))
    made = Lab("try", "single", "1.36.4", ("1.36.4", "1.37.1"), SUBNET, nodes)
    made.folder.mkdir(parents=True)
    return made


def shaped(lab: Lab, shape: str) -> Lab:
    return dataclasses.replace(lab, topology=shape, nodes=tuple(topology.place(topology.load(shape), SUBNET)))


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


def fake_key(file: pathlib.Path, comment: str) -> None:
    file.with_suffix(".pub").write_text(f"ssh-ed25519 KEY-OF-{comment} {comment}\n")


@pytest.mark.parametrize("ignored", [[], ["SystemVerification"]])
def test_the_inventory_is_one_as_users_write(lab: Lab, monkeypatch: pytest.MonkeyPatch, ignored: list[str]) -> None:
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
    ha = shaped(lab, "ha")
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


def test_etcd_on_machines_of_its_own(lab: Lab) -> None:
    assert not lab.etcd
    outside = shaped(lab, "external_etcd")
    assert [node.name for node in outside.etcd] == ["e1", "e2", "e3"]
    assert [node.name for node in outside.kubernetes] == ["cp1", "w1"]
    # The tag of an image is nothing to a cluster that has none of etcd.
    configuration = kubeadm_configuration(outside, etcd_tag="3.6.16-0")
    assert configuration["InitConfiguration"]["nodeRegistration"]["name"] == "cp1"
    assert configuration["ClusterConfiguration"]["etcd"] == {
        "external": {
            "endpoints": [f"https://10.89.4.{host}:2379" for host in (11, 12, 13)],
            "caFile": "/etc/kubernetes/pki/etcd/ca.crt",
            "certFile": "/etc/kubernetes/pki/apiserver-etcd-client.crt",
            "keyFile": "/etc/kubernetes/pki/apiserver-etcd-client.key",
        }
    }


def test_the_settings_of_a_member_are_those_that_the_collection_finds(lab: Lab) -> None:
    outside = shaped(lab, "external_etcd")
    script = render("etcd/member.sh.j2", lab=outside, node=outside.etcd[1])
    settings = environment_file.parse(script.partition("<<'ENVIRONMENT'\n")[2].partition("ENVIRONMENT\n")[0])
    assert settings["ETCD_NAME"] == "e2"
    assert settings["ETCD_INITIAL_CLUSTER"] == ",".join(
        f"{name}=https://10.89.4.{host}:2380" for name, host in (("e1", 11), ("e2", 12), ("e3", 13))
    )
    assert settings["ETCD_INITIAL_CLUSTER_STATE"] == "new"
    assert settings["ETCD_ADVERTISE_CLIENT_URLS"] == "https://10.89.4.12:2379"
    assert settings["ETCD_KEY_FILE"] == "/etc/etcd/server.key"


def test_the_keys_of_the_ca_stay_with_the_lab(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, asked = shaped(lab, "external_etcd"), []

    def kubeadm(*words: str | pathlib.Path) -> None:
        phase, _config, file = words[-3:]
        initial, configuration = yaml.safe_load_all(pathlib.Path(file).read_text())
        folder = pathlib.Path(configuration["certificatesDir"])
        asked.append((initial["nodeRegistration"]["name"], phase, folder.name))
        if phase == "etcd-ca":
            (folder / "etcd").mkdir()
            for name in ("ca.crt", "ca.key"):
                (folder / "etcd" / name).touch()

    monkeypatch.setattr(etcd, "run", kubeadm)
    etcd.issue(outside, lab.folder / "kubeadm")
    assert asked == [
        ("e1", "etcd-ca", "pki"),
        *((name, phase, name) for name in ("e1", "e2", "e3") for phase in ("etcd-server", "etcd-peer")),
        ("cp1", "apiserver-etcd-client", "cp1"),
    ]
    pki = lab.folder / "pki"
    assert [file.relative_to(pki).parts for file in pki.rglob("ca.key")] == [("etcd", "ca.key")]
    assert len([*pki.rglob("ca.crt")]) == 5
    assert not [*pki.rglob("kubeadm.yml")]


def test_several_clusters_in_one_inventory(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab.clusters == (lab,)
    assert lab.kubeconfig.name == "kubeconfig"
    both = shaped(lab, "clusters")
    first, second = both.clusters
    assert [node.name for node in second.nodes] == ["cp2"]
    assert [each.kubeconfig.name for each in (first, second)] == ["kubeconfig-cluster1", "kubeconfig-cluster2"]
    assert kubeadm_configuration(second)["ClusterConfiguration"]["clusterName"] == "cluster2"
    # Two control planes, and nothing to stand in front of.
    assert both.balancer is None

    monkeypatch.setattr(access, "make_key", fake_key)
    access.prepare(both, [])
    groups = yaml.safe_load(both.inventory.read_text())["all"]["children"]
    assert {group: [*members["hosts"]] for group, members in groups.items()} == {
        "kube_control_plane": ["cp1", "cp2"],
        "etcd": ["cp1", "cp2"],
        "cluster1": ["cp1"],
        "cluster2": ["cp2"],
    }


def test_the_network_of_pods(lab: Lab) -> None:
    conflist = render("cluster/10-lab.conflist.j2", subnet="10.244.1.0/24")
    assert json.loads(conflist)["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]
    script = render("cluster/network.sh.j2", conflist=conflist, routes={"10.244.2.0/24": "10.89.4.13"})
    assert "route replace 10.244.2.0/24 via 10.89.4.13\n" in script
