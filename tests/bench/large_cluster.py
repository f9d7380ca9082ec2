# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of 5,000 nodes and 150,000 pods, as far as a forecast asks: made up while it is read, page by page.

    python tests/bench/large_cluster.py CERTIFICATE KEY

Says its port on stdout and serves until it is stopped. ``/calls`` tells how many requests came since it was last asked,
and when the first of them did.
"""

from __future__ import annotations

import http.server
import json
import re
import ssl
import sys
import time
import typing as t
import urllib.parse

NODES = 5_000
PODS_ON_A_NODE = 30
# One that is drained within the room of a few others, and one with a pod that no other node has room for.
EASY, HARD = "node-0000", "node-0001"
LEAVING = 105
BUDGETS = 2_000

PADDING = {f"example.com/annotation-{n}": "x" * 64 for n in range(4)}


def node(number: t.Any) -> dict[str, t.Any]:
    name = f"node-{number:04}" if isinstance(number, int) else number
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    images = [{"names": [f"registry.example.com/team/image-{n}@sha256:{n:064}"], "sizeBytes": 10**8} for n in range(50)]
    return {
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "labels": {
                "kubernetes.io/hostname": name,
                "topology.kubernetes.io/zone": "a",
                "node.example.com/pool": "b",
            },
            "annotations": PADDING,
        },
        "spec": {"podCIDR": "10.0.0.0/24"},
        "status": {
            "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110", "ephemeral-storage": "100Gi"},
            "conditions": [
                {**ready, "type": kind} for kind in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
            ],
            "images": images,
            "nodeInfo": {"kubeletVersion": "v1.37.1", "osImage": "Debian", "kernelVersion": "6.12"},
        },
    }


def pod(memory: str, alone: bool = False) -> dict[str, t.Any]:
    """A pattern: %(name)s and so on are filled in for each pod. About 3.5 KB, as pods of a small service are."""
    labels = {
        "app.kubernetes.io/name": "%(app)s",
        "app.kubernetes.io/part-of": "shop",
        "pod-template-hash": "6d9f8b5c4",
    }
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "%(app)s-6d9f8b5c4", "uid": "u", "controller": True}
    term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": labels}}
    affinity = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    token = {"name": "kube-api-access-x2x7p", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
    sources = [
        {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
        {"configMap": {"name": "root-ca"}},
    ]
    container = {
        "image": "registry.example.com/shop/service:v1.2.3",
        "imagePullPolicy": "IfNotPresent",
        "env": [{"name": f"VARIABLE_{n}", "value": f"value of variable {n}"} for n in range(4)],
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10},
        "volumeMounts": [token],
        "terminationMessagePath": "/dev/termination-log",
    }
    requests = [{"cpu": "250m", "memory": memory}, {"cpu": "50m", "memory": "64Mi"}]
    running = {
        "ready": True,
        "restartCount": 0,
        "started": True,
        "imageID": "registry.example.com/shop@sha256:" + "0" * 64,
    }
    tolerations = [
        {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for key in ("not-ready", "unreachable")
    ]
    return {
        "metadata": {
            "name": "%(name)s",
            "namespace": "%(namespace)s",
            "uid": "uid-of-%(name)s",
            "labels": labels,
            "annotations": PADDING,
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": "%(node)s",
            **({"affinity": affinity} if alone else {}),
            "containers": [
                {**container, "name": name, "resources": {"requests": wanted, "limits": wanted}}
                for name, wanted in zip(("main", "proxy"), requests, strict=True)
            ],
            "tolerations": tolerations,
            "serviceAccountName": "default",
            "terminationGracePeriodSeconds": 30,
            "volumes": [{"name": token["name"], "projected": {"sources": sources}}],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.1.2.3",
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": "2026-11-20T10:00:00Z"}
                for kind in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [{**running, "name": name} for name in ("main", "proxy")],
        },
    }


def pattern(*args: t.Any, **kwargs: t.Any) -> str:
    return json.dumps(pod(*args, **kwargs))


# Four of 64 GiB are free on each node. Every fifth pod is alone of its kind on its node.
USUAL, ALONE, SMALL, LARGE = pattern("1936Mi"), pattern("1936Mi", alone=True), pattern("400Mi"), pattern("8Gi")
NODE = json.dumps(node("%(node)s"))


def filled(text: str, number: int, on: str) -> str:
    app = f"service-{number % 5000}"
    return text % {"name": f"{app}-6d9f8b5c4-{number:06}", "namespace": f"team-{number % 200}", "app": app, "node": on}


def pods_on(name: str) -> t.Iterator[str]:
    first = int(name.partition("-")[2]) * PODS_ON_A_NODE
    if name not in (EASY, HARD):
        for number in range(first, first + PODS_ON_A_NODE):
            yield filled(USUAL if number % 5 else ALONE, number, name)
        return
    for number in range(LEAVING):
        last = name == HARD and number == LEAVING - 1
        yield filled(LARGE if last else SMALL, 10**6 + first * LEAVING + number, name)


def budget(number: int) -> str:
    labels = {"app.kubernetes.io/name": f"service-{number}"}
    numbers = {"currentHealthy": 30, "desiredHealthy": 1, "expectedPods": 30, "disruptionsAllowed": 29}
    return json.dumps(
        {
            "metadata": {"namespace": f"team-{number % 200}", "name": f"service-{number}", "generation": 1},
            "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
            "status": {**numbers, "observedGeneration": 1},
        }
    )


def answer(path: str, query: dict[str, str]) -> str:
    on = re.search(r"spec\.nodeName=([\w-]+)", query.get("fieldSelector", ""))
    start, limit = int(query.get("continue", 0)), int(query.get("limit", 0))
    if path.startswith("/api/v1/nodes/"):
        return NODE % {"node": path.rpartition("/")[2]}
    if path == "/api/v1/nodes":
        found = [NODE % {"node": f"node-{number:04}"} for number in range(start, min(start + limit, NODES))]
        return collection(found, start + limit, NODES)
    if path == "/api/v1/pods" and on:
        return collection(list(pods_on(on[1])))
    if path == "/apis/policy/v1/poddisruptionbudgets":
        return collection(
            [budget(number) for number in range(start, min(start + limit, BUDGETS))], start + limit, BUDGETS
        )
    raise KeyError(path)


def collection(items: list[str], after: int = 0, of: int = 0) -> str:
    token = f'"continue": "{after}"' if after < of else ""
    return f'{{"kind": "List", "metadata": {{{token}}}, "items": [{",".join(items)}]}}'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: t.ClassVar[list[float]] = []

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        if parts.path == "/calls":
            text = json.dumps({"number": len(self.asked), "first": min(self.asked, default=0.0)})
            self.asked.clear()
        else:
            self.asked.append(time.time())
            text = answer(parts.path, dict(urllib.parse.parse_qsl(parts.query)))
        data = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_args: t.Any) -> None:
        pass


def main() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*sys.argv[1:3])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
