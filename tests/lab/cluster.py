# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster on the nodes, made by kubeadm as its documentation says."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import yaml

from . import access, podman
from .lab import Lab
from .process import in_parallel, output
from .templates import render
from .topology import Node
from .waiting import until

POD_SUBNET = "10.244.0.0/16"
ADMIN_CONF = "/etc/kubernetes/admin.conf"
CONFIG = "/run/kubeadm.yml"
KUBEADM_LOG = "/var/log/kubeadm.log"


def cgroup_v1() -> bool:
    return not Path("/sys/fs/cgroup/cgroup.controllers").exists()


def ignore_preflight_errors() -> list[str]:
    """kubeadm's check of the system refuses cgroup v1, which is the host's affair and not the cluster's."""
    return ["SystemVerification"] if cgroup_v1() else []


def init(lab: Lab, etcd_tag: str) -> None:
    """The first control plane, and the kubeconfig of its administrator."""
    first = lab.control_planes[0]
    config = render(
        "cluster/kubeadm.yml.j2",
        lab=lab,
        mirror=access.MIRROR,
        pod_subnet=POD_SUBNET,
        etcd_tag=etcd_tag,
        cgroup_v1=cgroup_v1(),
        ignore_preflight_errors=ignore_preflight_errors(),
    )
    container = lab.container(first.name)
    podman.podman("exec", "-i", container, "sh", "-c", f"umask 077; cat > {CONFIG}", stdin=config)
    kubeadm(lab, first, f"init --config {CONFIG}")
    lab.kubeconfig.touch(0o600)
    lab.kubeconfig.write_text(podman.inside(container, f"cat {ADMIN_CONF}") + "\n")


def join(lab: Lab) -> None:
    """All other nodes at once, but for control planes: one new member of etcd at a time."""
    first, *control_planes = lab.control_planes
    workers = [node for node in lab.kubernetes if not node.control_plane]
    container = lab.container(first.name)
    command = podman.inside(container, "kubeadm token create --print-join-command").removeprefix("kubeadm ")
    if ignored := ",".join(ignore_preflight_errors()):
        command = f"{command} --ignore-preflight-errors={ignored}"
    as_control_plane = ""
    if control_planes:
        upload = f"kubeadm init phase upload-certs --upload-certs --config {CONFIG}"
        as_control_plane = f"--control-plane --certificate-key {podman.inside(container, upload).split()[-1]}"

    def work(nodes: t.Sequence[Node]) -> None:
        for node in nodes:
            kubeadm(lab, node, f"{command} --node-name {node.name} {as_control_plane if node.control_plane else ''}")

    in_parallel(work, [control_planes, *([node] for node in workers)])


def kubeadm(lab: Lab, node: Node, words: str) -> None:
    """Run kubeadm; the whole of what it prints stays on the node."""
    podman.inside(
        lab.container(node.name), f"kubeadm {words} > {KUBEADM_LOG} 2>&1 || {{ tail -n 20 {KUBEADM_LOG} >&2; false; }}"
    )


class Api:
    """The cluster's API, through the kubectl of the supply."""

    def __init__(self, lab: Lab, kubectl: Path) -> None:
        self.command = [str(kubectl), "--kubeconfig", str(lab.kubeconfig)]

    def __call__(self, *words: str) -> str:
        return output(*self.command, *words)

    def get(self, *words: str) -> t.Any:
        return json.loads(self("get", "-o", "json", *words))


def connect(lab: Lab, api: Api) -> None:
    """Let pods of all nodes reach each other: a bridge on each with the subnet that the cluster gave it, and routes."""

    def subnets() -> dict[str, str] | None:
        found = {node["metadata"]["name"]: node["spec"].get("podCIDR") for node in api.get("nodes")["items"]}
        return found if len(found) == len(lab.kubernetes) and all(found.values()) else None

    given = until("a pod subnet for every node", subnets)

    def work(node: Node) -> None:
        routes = {given[other.name]: other.address for other in lab.kubernetes if other != node}
        conflist = render("cluster/10-lab.conflist.j2", subnet=given[node.name])
        script = render("cluster/network.sh.j2", conflist=conflist, routes=routes)
        podman.inside(lab.container(node.name), script)

    def dns() -> bool | None:
        pods = api.get("pods", "--namespace=kube-system", "--selector=k8s-app=kube-dns")["items"]
        return all("nodeName" in pod["spec"] for pod in pods) and bool(pods) or None

    # CoreDNS stays on control planes, so that what is on a worker does not depend on which node is Ready first.
    in_parallel(work, lab.control_planes)
    until("CoreDNS on a control plane", dns)
    in_parallel(work, [node for node in lab.kubernetes if not node.control_plane])


def let_kubeadm_choose_etcd(api: Api) -> None:
    """The tag that the cluster started on is not kept: the next kubeadm chooses as for any user."""
    stored = api.get("configmap", "kubeadm-config", "--namespace=kube-system")["data"]["ClusterConfiguration"]
    configuration = yaml.safe_load(stored)
    configuration["etcd"]["local"].pop("imageTag", None)
    patch = {"data": {"ClusterConfiguration": yaml.safe_dump(configuration)}}
    api(
        "patch",
        "configmap",
        "kubeadm-config",
        "--namespace=kube-system",
        "--type=merge",
        f"--patch={json.dumps(patch)}",
    )


def wait_until_ready(api: Api) -> None:
    """Every node Ready, every pod of the system available."""
    until("the API's answer", lambda: api("get", "--raw=/readyz"))
    api("wait", "--for=condition=Ready", "nodes", "--all", "--timeout=300s")
    for workload in ("daemonset/kube-proxy", "deployment/coredns"):
        api("rollout", "status", workload, "--namespace=kube-system", "--timeout=300s")
