# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster in memory, with a clock that only a sleep moves: what apiserver, controllers and kubelets do to pods.

It takes the place of Kube. Its rules for evictions are those of the API server, written without the code under test.
"""

from __future__ import annotations

import copy
import datetime
import itertools
import math
import re
import threading
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.clock import Clock
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube_http import Items
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_node, make_pod

EPOCH = datetime.datetime(2026, 11, 20, 10, 0, tzinfo=datetime.UTC)

POD = re.compile(r"/api/v1/namespaces/([^/]+)/pods/([^/]+)(/eviction)?$")
PODS = re.compile(r"/api/v1/namespaces/([^/]+)/pods$")
BUDGETS = re.compile(r"/apis/policy/v1/(?:namespaces/([^/]+)/)?poddisruptionbudgets$")


class FakeCluster:
    """``stops_after`` and ``starts_after``: seconds that a pod needs to stop, and its replacement to become ready.

    ``faults`` are asked before every request: what they return is raised. ``frozen`` budgets keep the status they have.
    """

    server = "https://fake:6443"

    def __init__(self, pods=(), budgets=(), daemonsets=(), node=None, nodes=()):
        self.nodes = {found["metadata"]["name"]: found for found in nodes or [node or make_node()]}
        for found in self.nodes.values():
            found["metadata"]["resourceVersion"] = "1"
        self.pods = {(pod["metadata"]["namespace"], pod["metadata"]["name"]): pod for pod in pods}
        self.budgets = {(item["metadata"]["namespace"], item["metadata"]["name"]): item for item in budgets}
        self.daemonsets = [
            {"metadata": {"namespace": item.split("/")[0], "name": item.split("/")[1]}} for item in daemonsets
        ]
        # Where pods may go, and whatever else is asked for by its path.
        self.others = [make_node("w2", allocatable={"cpu": "64", "memory": "256Gi", "pods": "1000"})]
        self.objects: dict[str, t.Any] = {}
        self.attachments: list[t.Any] = []
        self.stops_after: dict[str, float] = {}
        self.starts_after = 0.0
        self.elsewhere = "w2"
        self.kubelet_is_dead = False
        self.terminating_namespaces: set[str] = set()
        self.frozen: set[str] = set()
        self.faults: list[t.Callable[[str, str], t.Any]] = []
        self.on_advance: list[t.Callable[[], None]] = []
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[t.Any] = []
        self.refusals = 0
        self.least_healthy: dict[str, int] = {}
        self._seconds = 0.0
        self._serial = itertools.count(1)
        self._due: list[tuple[float, t.Callable[[], None]]] = []
        self._lock = threading.RLock()
        self.clock = Clock(now=lambda: self._seconds, utc=self._utc, sleep=self.advance)
        self._control()

    @property
    def node(self):
        """The first one."""
        return next(iter(self.nodes.values()))

    # Time

    def _utc(self):
        return EPOCH + datetime.timedelta(seconds=self._seconds)

    def advance(self, seconds):
        assert seconds > 0, "a loop that does not sleep"
        with self._lock:
            end = self._seconds + seconds
            while self._due and min(self._due, key=lambda due: due[0])[0] <= end:
                due = min(self._due, key=lambda due: due[0])
                self._due.remove(due)
                self._seconds = max(self._seconds, due[0])
                due[1]()
                self._control()
            self._seconds = end
            for happen in self.on_advance:
                happen()
            self._control()

    # Kube

    def get(self, path, query=None):
        with self._request("GET", path):
            name = path.removeprefix("/api/v1/nodes/")
            if name in self.nodes:
                return copy.deepcopy(self.nodes[name])
            if path in self.objects:
                return copy.deepcopy(self.objects[path])
            raise KubeError(f"GET {path}: 404", status=404, reason="NotFound")

    def list(self, path, query=None):
        with self._request("LIST", path):
            if path == "/api/v1/pods":
                found = Items(self._selected(self.pods.values(), **query))
                found.version = "1234"
                return found
            if path == "/api/v1/nodes":
                return self._selected([*self.nodes.values(), *self.others], **(query or {}))
            if PODS.match(path):
                namespace = PODS.match(path).group(1)
                here = [pod for pod in self.pods.values() if pod["metadata"]["namespace"] == namespace]
                return self._selected(here, **query)
            if path == "/apis/apps/v1/daemonsets":
                return copy.deepcopy(self.daemonsets)
            if path == "/apis/storage.k8s.io/v1/volumeattachments":
                return copy.deepcopy(self.attachments)
            namespace = BUDGETS.match(path).group(1)
            found = [item for item in self.budgets.values() if namespace in (None, item["metadata"]["namespace"])]
            return copy.deepcopy(found)

    def pages(self, path, query=None):
        yield self.list(path, query)

    @staticmethod
    def _selected(found, fieldSelector="", labelSelector="", **_query):  # noqa: N803 (the API's names)
        fields = dict(part.split("=") for part in fieldSelector.split(",") if part and "!=" not in part)
        assert set(fields) <= {"spec.nodeName"}
        labels = dict(part.split("=") for part in labelSelector.split(",") if part)
        return copy.deepcopy(
            [
                one
                for one in found
                if fields.get("spec.nodeName") in (None, one["spec"].get("nodeName"))
                and labels.items() <= (one["metadata"].get("labels") or {}).items()
            ]
        )

    def patch(self, path, body, content_type="application/merge-patch+json"):
        with self._request("PATCH", path, body):
            name = path.removeprefix("/api/v1/nodes/")
            metadata = self.nodes[name]["metadata"]
            if body["metadata"].get("resourceVersion") not in (None, metadata["resourceVersion"]):
                raise KubeError("PATCH: 409 conflict", status=409, reason="Conflict")
            self.nodes[name] = merge(self.nodes[name], body)
            self.touch_node(name)
            return copy.deepcopy(self.nodes[name])

    def post(self, path, body):
        with self._request("POST", path, body):
            namespace, name, _eviction = POD.match(path).groups()
            pod = self._find(namespace, name, body["deleteOptions"])
            self._ask_budget(pod)
            self._delete(pod, body["deleteOptions"])
            return {"kind": "Status", "status": "Success"}

    def delete(self, path, body=None):
        with self._request("DELETE", path, body):
            namespace, name, _eviction = POD.match(path).groups()
            self._delete(self._find(namespace, name, body or {}), body or {})
            return {"kind": "Status", "status": "Success"}

    def _request(self, method, path, body=None):
        with self._lock:
            self.requests.append((method, path))
            self.bodies.append(body)
            for fault in self.faults:
                error = fault(method, path)
                if error:
                    raise error
        return self._lock

    def count(self, method, path=""):
        return sum(asked == method and path in where for asked, where in self.requests)

    # What the API server does

    def touch_node(self, name="w1"):
        self.nodes[name]["metadata"]["resourceVersion"] = str(next(self._serial) + 1)

    def _find(self, namespace, name, options):
        pod = self.pods.get((namespace, name))
        if pod is None:
            raise KubeError("404", status=404, reason="NotFound", message=f'pods "{name}" not found')
        uid = (options.get("preconditions") or {}).get("uid")
        assert uid, "a pod must never be deleted by its name alone"
        if uid != pod["metadata"]["uid"]:
            raise KubeError("409", status=409, reason="Conflict", message="the UID in the precondition differs")
        seen = options["preconditions"].get("resourceVersion")
        if seen not in (None, pod["metadata"].get("resourceVersion")):
            raise KubeError("409", status=409, reason="Conflict", message="the pod changed")
        return pod

    def _ask_budget(self, pod):
        namespace = pod["metadata"]["namespace"]
        if namespace in self.terminating_namespaces:
            causes = [{"reason": "NamespaceTerminating", "message": f"namespace {namespace} is being terminated"}]
            raise KubeError("403", status=403, reason="Forbidden", message="namespace terminating", causes=causes)
        if pod["status"]["phase"] != "Running" or "deletionTimestamp" in pod["metadata"]:
            return
        over = [item for item in self.budgets.values() if self._covers(item, pod)]
        if len(over) > 1:
            message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
            raise KubeError("500", status=500, message=message)
        if not over:
            return
        status, spec = over[0]["status"], over[0]["spec"]
        if not self._is_ready(pod) and (
            spec.get("unhealthyPodEvictionPolicy") == "AlwaysAllow"
            or status["currentHealthy"] >= status["desiredHealthy"] > 0
        ):
            return
        name = over[0]["metadata"]["name"]
        if status["observedGeneration"] < over[0]["metadata"]["generation"]:
            self._refuse(f"The disruption budget {name} is still being processed by the server.", 10)
        if status["disruptionsAllowed"] <= 0:
            numbers = f"needs {status['desiredHealthy']} healthy pods and has {status['currentHealthy']} currently"
            self._refuse(f"The disruption budget {name} {numbers}", None)

    def _refuse(self, message, retry_after):
        self.refusals += 1
        raise KubeError(
            "429",
            status=429,
            reason="TooManyRequests",
            message="Cannot evict pod as it would violate the pod's disruption budget.",
            causes=[{"reason": "DisruptionBudget", "message": message}],
            retry_after=retry_after,
        )

    def _delete(self, pod, options):
        metadata = pod["metadata"]
        if "deletionTimestamp" in metadata:
            if options.get("gracePeriodSeconds") == 0:
                self.remove(pod)
            return
        grace = options.get("gracePeriodSeconds", 30)
        gone_at = self._utc() + datetime.timedelta(seconds=grace)
        metadata["deletionTimestamp"] = gone_at.strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["deletionGracePeriodSeconds"] = grace
        if not self.kubelet_is_dead:
            stops = min(grace, self.stops_after.get(metadata["name"], 1.0))
            self._due.append((self._seconds + stops, lambda: self.remove(pod)))
        if (metadata.get("ownerReferences") or [{}])[0].get("kind") == "ReplicaSet":
            self._replace(pod)
        self._control()

    # What kubelets and controllers do

    def remove(self, pod):
        if not pod["metadata"].get("finalizers"):
            self.pods.pop((pod["metadata"]["namespace"], pod["metadata"]["name"]), None)

    def _replace(self, pod):
        new = make_pod(
            f"new-{next(self._serial)}",
            namespace=pod["metadata"]["namespace"],
            node=self.elsewhere,
            ready=False,
            labels=pod["metadata"]["labels"],
        )
        self.pods[(new["metadata"]["namespace"], new["metadata"]["name"])] = new

        def start():
            new["status"]["conditions"][0]["status"] = "True"

        self._due.append((self._seconds + self.starts_after, start))

    @staticmethod
    def _is_ready(pod):
        return pod["status"]["conditions"][0]["status"] == "True"

    @staticmethod
    def _covers(budget, pod):
        labels = budget["spec"]["selector"].get("matchLabels", {})
        same = budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
        return same and labels.items() <= pod["metadata"]["labels"].items()

    def _control(self):
        """The disruption controller."""
        for (_namespace, name), budget in self.budgets.items():
            covered = [pod for pod in self.pods.values() if self._covers(budget, pod)]
            healthy = [pod for pod in covered if self._is_ready(pod) and "deletionTimestamp" not in pod["metadata"]]
            self.least_healthy[name] = min(self.least_healthy.get(name, len(healthy)), len(healthy))
            if name in self.frozen and "status" in budget:
                continue
            # The controllers of terminating pods have made new ones already.
            expected = sum("deletionTimestamp" not in pod["metadata"] for pod in covered)
            desired = self._desired(budget["spec"], expected)
            status = {
                "currentHealthy": len(healthy),
                "desiredHealthy": desired,
                "expectedPods": expected,
                "disruptionsAllowed": max(0, len(healthy) - desired) if expected else 0,
                "observedGeneration": budget["metadata"]["generation"],
            }
            if status != budget.get("status"):
                budget["status"] = status
                budget["metadata"]["resourceVersion"] = str(next(self._serial))

    @staticmethod
    def _desired(spec, expected):
        def number(value):
            return math.ceil(int(value[:-1]) * expected / 100) if isinstance(value, str) else value

        if "maxUnavailable" in spec:
            return max(0, expected - number(spec["maxUnavailable"]))
        return number(spec.get("minAvailable", 1))


def merge(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge(result.get(name), value)
    return result
