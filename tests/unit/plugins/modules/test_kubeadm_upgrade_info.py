# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as Ansible calls it, on an API that answers from memory."""

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.cluster import CONTROL_PLANE
from ansible_collections.kubeops.maintenance.plugins.modules import kubeadm_upgrade_info

Object = dict[str, t.Any]


def node(name: str, control_plane: bool = False, annotation: str = "", ready: str = "True") -> Object:
    return {
        "metadata": {
            "name": name,
            "labels": {"node-role.kubernetes.io/control-plane": ""} if control_plane else {},
            "annotations": {"kubeops.maintenance/work": annotation} if annotation else {},
        },
        "spec": {
            "unschedulable": bool(annotation),
            "taints": [
                {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
                {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"},
                {"key": "soft", "effect": "PreferNoSchedule"},
            ]
            if control_plane
            else [],
        },
        "status": {
            "nodeInfo": {"kubeletVersion": "v1.36.4"},
            "conditions": [
                {"type": "MemoryPressure", "status": "False"},
                {
                    "type": "Ready",
                    "status": ready,
                    "lastTransitionTime": "2026-11-20T10:02:00Z",
                    "reason": "NodeStatusUnknown",
                },
            ],
        },
    }


def pod(component: str, name: str, tag: str) -> Object:
    return {
        "metadata": {"name": f"{component}-{name}", "labels": {"component": component}},
        "spec": {"nodeName": name, "containers": [{"image": f"registry.k8s.io/{component}:{tag}"}]},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def template(image: str) -> Object:
    return {"metadata": {}, "spec": {"template": {"spec": {"containers": [{"image": f"registry.k8s.io/{image}"}]}}}}


PEM = "-----BEGIN CERTIFICATE-----\nMDEy\n-----END CERTIFICATE-----\n"
FINGERPRINT = hashlib.sha256(b"012").hexdigest()


class Api:
    """What of the contract is used: list, and server."""

    server = "https://192.0.2.11:6443"

    def __init__(self) -> None:
        text = "apiVersion: kubeadm.k8s.io/v1beta4\nkubernetesVersion: v1.36.4\n"
        system = "/api/v1/namespaces/kube-system"
        self.objects: dict[str, list[Object]] = {
            "/api/v1/nodes": [node("cp1", control_plane=True), node("w1")],
            f"{system}/pods tier=control-plane": [pod(name, "cp1", "v1.36.4") for name in CONTROL_PLANE]
            + [pod("etcd", "cp1", "3.6.16-0")],
            f"{system}/pods k8s-app=kube-proxy": [pod("kube-proxy", name, "v1.36.4") for name in ("cp1", "w1")],
            f"{system}/configmaps metadata.name=kubeadm-config": [{"data": {"ClusterConfiguration": text}}],
            f"{system}/configmaps metadata.name=kube-root-ca.crt": [{"data": {"ca.crt": PEM}}],
            f"{system}/configmaps metadata.name=kubelet-config": [{"data": {"kubelet": ""}}],
            "/apis/apps/v1/namespaces/kube-system/deployments k8s-app=kube-dns": [template("coredns/coredns:v1.14.2")],
            "/apis/apps/v1/namespaces/kube-system/daemonsets metadata.name=kube-proxy": [
                template("kube-proxy:v1.36.4")
            ],
        }

    def list(self, path: str, query: dict[str, str] | None = None) -> list[Object]:
        return self.objects[" ".join([path, *(query or {}).values()])]


def facts(name: str, control_plane: bool = False, **changes: t.Any) -> Object:
    package = {"version": "1.36.4", "package": "1.36.4-1.1", "held": True}
    images = {component: f"registry.k8s.io/{component}:v1.36.4" for component in CONTROL_PLANE}
    images["etcd"] = "registry.k8s.io/etcd:3.6.16-0"
    etcd = {"name": name, "data_bytes": 1000, "db_bytes": 500, "healthy": True, "evidence": "says healthy"}
    disk = {path: {"free_bytes": 10**9, "device": 1} for path in ("/etc/kubernetes/tmp", "/b")}
    return {
        "node_name": name,
        "cluster_ca": [FINGERPRINT],
        "control_plane": control_plane,
        "package_manager": "apt",
        "packages": dict.fromkeys(("kubeadm", "kubelet", "kubectl"), package),
        "available": dict.fromkeys(("kubeadm", "kubelet", "kubectl"), "1.37.1-1.1"),
        "kubelet": {"running": "1.36.4", "active": True, "started": None},
        "static_pods": {component: {"image": image} for component, image in images.items()} if control_plane else {},
        "etcd": etcd if control_plane else None,
        "disk": disk,
        "kubeadm_images": None,
        "cgroup": 2,
        "unfinished": {"unit": None, "running": False, "upgraded_manifests": [], "moved_away": []},
        **changes,
    }


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    monkeypatch.setattr(kubeadm_upgrade_info, "connect", lambda _options: made)
    return made


def call(capsys: pytest.CaptureFixture[str], **options: t.Any) -> tuple[int, Object]:
    nodes = {"host-cp1": facts("cp1", control_plane=True), "host-w1": facts("w1")}
    given = {"version": "v1.37.1", "nodes": nodes, "control_plane": ["host-cp1"], "backup_dir": "/b", **options}
    with patch_module_args(given), pytest.raises(SystemExit) as left:
        kubeadm_upgrade_info.main()
    return int(left.value.code or 0), json.loads(capsys.readouterr().out)


def test_plan_and_checks_of_a_sound_cluster(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = call(capsys)
    assert (code, printed["changed"], printed["ok"], printed["refusal"]) == (0, False, True, "")
    plan = printed["plan"]
    assert (plan["version"], plan["from"], plan["hops"], plan["empty"]) == ("1.37.1", "1.36.4", ["1.37.1"], False)
    assert set(plan["nodes"]) == {"host-cp1", "host-w1"}
    assert plan["nodes"]["host-cp1"]["drain"], "its own taint is no reason for w1 not to take its pods"
    assert [step["component"] for step in plan["objects"]] == [
        "kubelet-config",
        "kubeadm-config",
        "coredns",
        "kube-proxy",
    ]
    assert printed["summary"][0] == "Plan: upgrade from 1.36.4 to 1.37.1"
    assert "host-w1 (node w1)" in "\n".join(printed["summary"])
    assert set(printed["checks"][0]) == {"name", "status", "object", "evidence", "fix"}


def test_findings_do_not_fail_the_module(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    api.objects["/api/v1/nodes"][1] = node("w1", ready="Unknown")
    code, printed = call(capsys, version="1.38.0")
    assert (code, printed["ok"]) == (0, False)
    assert "1.36.4 to 1.38.0 is 2 minors at once" in printed["refusal"]
    assert "node/w1: Ready is Unknown since 2026-11-20T10:02:00Z (NodeStatusUnknown)" in printed["refusal"]
    assert sum("FAIL" in line for line in printed["summary"]) == 2
    assert "FAIL" not in printed["refusal"]


def test_a_node_in_work_by_an_upgrade_may_be_not_ready(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    annotation = '{"owner": "kubeops.maintenance.upgrade", "target": "1.37.1"}'
    api.objects["/api/v1/nodes"][1] = node("w1", annotation=annotation, ready="Unknown")
    code, printed = call(capsys)
    assert (code, printed["ok"]) == (0, True)
    assert printed["plan"]["nodes"]["host-w1"]["in_work"]


@pytest.mark.parametrize("annotation", ['{"owner": "x", "target": "1.37.1"}', "not json", '"text"'])
def test_a_node_in_work_of_somebody_else_is_refused(
    api: Api, capsys: pytest.CaptureFixture[str], annotation: str
) -> None:
    api.objects["/api/v1/nodes"][1] = node("w1", annotation=annotation)
    code, printed = call(capsys)
    assert (code, printed["ok"]) == (0, False)
    assert "node in work: node/w1: is in work of " in printed["refusal"]
    assert not printed["plan"]["nodes"]["host-w1"]["in_work"]


def test_an_api_of_another_cluster(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    pem = PEM.replace("MDEy", "MTIz")
    api.objects["/api/v1/namespaces/kube-system/configmaps metadata.name=kube-root-ca.crt"] = [
        {"data": {"ca.crt": pem}}
    ]
    code, printed = call(capsys)
    assert (code, printed["ok"]) == (0, False)
    assert "the API at https://192.0.2.11:6443 is of another cluster than host host-w1" in printed["refusal"]
    assert {check["name"] for check in printed["checks"]} == {"same cluster"}


def test_a_version_that_is_none(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = call(capsys, version="1.37")
    assert code == 1
    assert '"1.37" is no version of Kubernetes' in printed["msg"]


@pytest.mark.parametrize(
    ("unfinished", "advice"),
    [
        ({}, "An upgrade needs an API that answers"),
        (
            {"moved_away": ["kube-apiserver"]},
            "On host-cp1 an upgrade was killed while it moved the manifest of kube-apiserver",
        ),
    ],
)
def test_an_api_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unfinished: Object, advice: str
) -> None:
    def connect(_options: t.Any) -> t.NoReturn:
        raise KubeError("none of https://192.0.2.11:6443, https://192.0.2.12:6443 answers")

    monkeypatch.setattr(kubeadm_upgrade_info, "connect", connect)
    code, printed = call(capsys, nodes={"host-cp1": facts("cp1", control_plane=True, unfinished=unfinished)})
    assert code == 1
    assert printed["msg"].startswith("none of https://192.0.2.11:6443, https://192.0.2.12:6443 answers. ")
    assert advice in printed["msg"]
    assert printed["msg"].endswith("Nothing was changed")


def test_the_documentation_names_what_is_returned(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    import yaml

    _code, printed = call(capsys)
    documented = yaml.safe_load(kubeadm_upgrade_info.RETURN)
    assert set(printed) - {"changed", "invocation", "warnings"} == set(documented)
    assert set(printed["plan"]) == set(documented["plan"]["contains"])
