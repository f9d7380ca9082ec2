# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Proof that a kubelet works at a version.

A node goes on saying Ready for 40 s after its kubelet has stopped, so Ready alone proves nothing: the running program,
its health, a heartbeat and a renewed lease from after its start prove it together.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from .. import _static_pod
from .._check import Check
from .._errors import MaintenanceError
from .._wait import Deadline
from . import cluster, cluster_config, etcd_member, gate, kubelet_process, local_http
from .cluster import APISERVER, CONTROL_PLANE, ETCD
from .commands import Commands
from .gate import check
from .kubectl import Kubectl
from .paths import Paths
from .versions import Version

# After a restart the kubelet of a new minor makes all static pods anew, some seconds later: what is Ready at first is
# not what will be. Ready has to last this long.
SETTLED = 12.0


class Proof:
    def __init__(
        self, commands: Commands, paths: Paths, target: Version, node: str, own: Kubectl, get: local_http.Get
    ) -> None:
        self.commands = commands
        self.paths = paths
        self.target = target
        self.node = node
        self.own = own
        self.get = get

    def wait(self, deadline: Deadline, restarted: bool) -> list[Check]:
        try:
            return gate.passed(lambda: self._checks(restarted), deadline, f"the kubelet of {self.node}")
        except MaintenanceError as error:
            journal = ("journalctl", f"--unit={kubelet_process.UNIT}", "--lines=3", "--output=cat", "--no-pager")
            said = " | ".join(self.commands.run(*journal).out.splitlines())
            raise MaintenanceError(f"{error.msg}. Its last words: {said}", **error.data) from error

    def _checks(self, restarted: bool) -> list[Check]:
        kubelet = kubelet_process.read(self.commands)
        checks = [self._program(kubelet), *self._health()]
        if kubelet.started is None:
            return checks
        checks += [self._node(kubelet.started), self._lease(kubelet.started)]
        if self.paths.manifest(APISERVER).exists():
            checks += self._control_plane(kubelet.started, restarted)
        return checks

    def _program(self, kubelet: kubelet_process.Kubelet) -> Check:
        evidence = f"{kubelet.running} runs, the unit is {'active' if kubelet.active else 'not active'}"
        good = kubelet.active and kubelet.running == self.target
        return check("kubelet program", good, f"kubelet on {self.node}", evidence, "journalctl -u kubelet")

    def _health(self) -> list[Check]:
        config = self.paths.kubelet_dir / "config.yaml"
        found = cluster_config.scalars(config.read_text()) if config.exists() else {}
        port = found.get("healthzPort") or "10248"
        if port == "0":
            return []
        url = f"http://{found.get('healthzBindAddress') or '127.0.0.1'}:{port}/healthz"
        status, body = self.get(url)
        evidence = f"{url} says {body.strip()[:200]}"
        return [check("kubelet health", status == 200, f"kubelet on {self.node}", evidence, "journalctl -u kubelet")]

    def _node(self, started: float) -> Check:
        found = self.own.get(f"/api/v1/nodes/{self.node}")
        version = found["status"]["nodeInfo"]["kubeletVersion"]
        ready: cluster.Object = next((c for c in found["status"].get("conditions") or [] if c["type"] == "Ready"), {})
        fresh = since(ready.get("lastHeartbeatTime"), started)
        heard = "heard of" if fresh else "not heard of"
        evidence = f"kubeletVersion {version}, Ready is {ready.get('status')}, {heard} since the kubelet's start"
        good = version == self.target.tag and ready.get("status") == "True" and fresh
        return check("node ready", good, f"node/{self.node}", evidence, f"kubectl describe node {self.node}")

    def _lease(self, started: float) -> Check:
        found = self.own.get(f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{self.node}")
        renewed = (found.get("spec") or {}).get("renewTime")
        good = since(renewed, started)
        return check("node lease", good, f"lease/{self.node}", f"renewed at {renewed}", "journalctl -u kubelet")

    def _control_plane(self, started: float, restarted: bool) -> list[Check]:
        """The static pods are the kubelet's work too; on a single control plane the API goes away with them."""
        api = Kubectl(self.commands, self.paths.admin_conf)
        manifests = {name: _static_pod.read(name, str(self.paths.manifests)) for name in (ETCD, *CONTROL_PLANE)}
        present = {name: pod.image for name, pod in manifests.items() if pod}
        checks = gate.static_pods(cluster.read(api), self.node, present)
        etcd = manifests[ETCD]
        if etcd:
            healthy, evidence = etcd_member.health(etcd, self.get)
            checks.append(check("etcd healthy", healthy, f"etcd on {self.node}", evidence, "crictl ps -a --name etcd"))
        if restarted:
            checks.append(self._settled(api, started))
        return checks

    def _settled(self, api: Kubectl, started: float) -> Check:
        query = {"labelSelector": "tier=control-plane", "fieldSelector": f"spec.nodeName={self.node}"}
        pods = api.list("/api/v1/namespaces/kube-system/pods", query)
        moments = [moment for pod in pods for moment in _changes(pod)]
        now = datetime.datetime.now(datetime.timezone.utc).timestamp()
        quiet = now - max([started, *moments])
        evidence = f"unchanged for {quiet:.0f} s, {SETTLED:.0f} s are asked for"
        return check("static pods settled", quiet >= SETTLED, f"static pods on {self.node}", evidence, "crictl ps -a")


def _changes(pod: t.Mapping[str, t.Any]) -> t.Iterator[float]:
    """When a pod's containers were started and its conditions changed."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or []:
        yield seconds(container.get("state", {}).get("running", {}).get("startedAt"))
    for condition in status.get("conditions") or []:
        yield seconds(condition.get("lastTransitionTime"))


def seconds(stamp: t.Optional[str]) -> float:
    """Since the epoch; 0 where the API has no time."""
    return datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() if stamp else 0.0


def since(stamp: t.Optional[str], started: float) -> bool:
    """The API's conditions know whole seconds only."""
    return seconds(stamp) >= int(started)
