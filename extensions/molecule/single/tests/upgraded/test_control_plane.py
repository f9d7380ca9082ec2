# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The control plane, seen on its node over ssh: static pods, etcd, snapshot, and what the API says."""

from __future__ import annotations

import json
import typing as t

import pytest

if t.TYPE_CHECKING:
    from testinfra.host import Host

TARGET = "1.37.1"
BACKUPS = "/var/backups/kubeops/etcd"
KUBECTL = "kubectl --kubeconfig=/etc/kubernetes/admin.conf --namespace=kube-system get --output=json"
# etcd's own tools, out of the image of the member that runs.
ETCD_TOOLS = "/proc/$(pidof etcd)/root/usr/local/bin"
ETCDCTL = (
    f"{ETCD_TOOLS}/etcdctl --cacert=/etc/kubernetes/pki/etcd/ca.crt "
    "--cert=/etc/kubernetes/pki/etcd/healthcheck-client.crt --key=/etc/kubernetes/pki/etcd/healthcheck-client.key"
)

testinfra_hosts = ["ansible://kube_control_plane"]


@pytest.fixture(autouse=True)
def as_root(host: Host) -> t.Iterator[None]:
    with host.sudo():
        yield


def api(host: Host, what: str) -> dict[str, t.Any]:
    return json.loads(host.check_output(f"{KUBECTL} {what}"))


def image(workload: dict[str, t.Any]) -> str:
    return workload["spec"]["template"]["spec"]["containers"][0]["image"].rpartition("/")[2]


@pytest.mark.parametrize(
    ("component", "tag"),
    [
        ("kube-apiserver", f"v{TARGET}"),
        ("kube-controller-manager", f"v{TARGET}"),
        ("kube-scheduler", f"v{TARGET}"),
        ("etcd", "3.7.0-0"),
    ],
)
def test_static_pod_is_at_the_target(host: Host, component: str, tag: str) -> None:
    assert host.file(f"/etc/kubernetes/manifests/{component}.yaml").contains(f"image: .*/{component}:{tag}$")
    pods = api(host, f"pods --selector=component={component}")["items"]
    assert [pod["status"]["containerStatuses"][0]["image"].rpartition("/")[2] for pod in pods] == [f"{component}:{tag}"]


def test_nodes_are_ready_at_the_target_and_schedulable_but_for_a_foreign_cordon(host: Host) -> None:
    nodes = {node["metadata"]["name"]: node for node in api(host, "nodes")["items"]}
    assert {name: node["status"]["nodeInfo"]["kubeletVersion"] for name, node in nodes.items()} == dict.fromkeys(
        ("cp1", "w1", "w2"), f"v{TARGET}"
    )
    assert {
        condition["status"]
        for node in nodes.values()
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    } == {"True"}
    assert {name for name, node in nodes.items() if node["spec"].get("unschedulable")} == {"w2"}


def test_no_annotation_of_ours_is_left(host: Host) -> None:
    nodes = api(host, "nodes")["items"]
    ours = [key for node in nodes for key in node["metadata"]["annotations"] if key.startswith("kubeops.maintenance/")]
    assert ours == []


def test_etcd_is_healthy(host: Host) -> None:
    assert "is healthy" in host.check_output(f"{ETCDCTL} endpoint health")
    assert host.check_output(f"{ETCDCTL} alarm list") == ""


def test_the_snapshot_is_private_whole_and_as_etcd_itself_reads_it(host: Host) -> None:
    sidecars = host.check_output(f"find {BACKUPS} -name '*.json'").split()
    assert len(sidecars) == 1, "one snapshot serves all runs of one upgrade"
    sidecar = json.loads(host.file(sidecars[0]).content_string)
    snapshot = host.file(sidecars[0].removesuffix(".json"))
    assert (snapshot.user, snapshot.mode) == ("root", 0o600)
    assert (snapshot.size, snapshot.sha256sum) == (sidecar["size"], sidecar["sha256"])
    assert (sidecar["tier"], sidecar["reason"]) == ("pre-upgrade", f"before the upgrade to {TARGET}")
    status = json.loads(host.check_output(f"{ETCD_TOOLS}/etcdutl snapshot status {snapshot.path} --write-out=json"))
    assert (status["revision"], status["totalKey"]) == (sidecar["revision"], sidecar["live_keys"])


@pytest.mark.parametrize(
    ("workload", "wanted"),
    [("deployment/coredns", "coredns:v1.14.6"), ("daemonset/kube-proxy", f"kube-proxy:v{TARGET}")],
)
def test_addon_is_at_the_target(host: Host, workload: str, wanted: str) -> None:
    assert image(api(host, workload)) == wanted


def test_kubeadm_config_is_at_the_target(host: Host) -> None:
    assert f"kubernetesVersion: v{TARGET}" in api(host, "configmap/kubeadm-config")["data"]["ClusterConfiguration"]
