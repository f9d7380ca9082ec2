# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the forecast says of room elsewhere, with the scheduler as its judge. Each node has 64 cores."""

from __future__ import annotations

import collections
import typing as t

from ansible_collections.kubeops.maintenance.tests.api.corner import PODS, Corner, template

HOSTNAME = "kubernetes.io/hostname"


def occupy(corner: Corner, name: str, **pod: t.Any) -> None:
    """A pod on the second node."""
    made = template(corner.namespace, {"app": name}, **pod)
    made["metadata"]["name"] = name
    made["spec"]["nodeName"] = corner.nodes[1]
    corner.kube.post(PODS.format(corner.namespace), made)


def without_room(result: dict[str, t.Any]) -> dict[str, str]:
    """By the name of the Deployment."""
    return {entry["name"].rsplit("-", 2)[0]: entry["reason"] for entry in result["no_room"]}


def waiting(corner: Corner, apps: t.Collection[str]) -> dict[str, int]:
    """How many pods of each app have no node, when there is one pod of each and the scheduler has judged them all."""

    def judged() -> list[dict[str, t.Any]] | None:
        found = [pod for pod in corner.pods() if pod["metadata"]["labels"]["app"] in apps]
        there = {pod["metadata"]["labels"]["app"] for pod in found} == set(apps)
        return found if there and all(pod["spec"].get("nodeName") or refused(pod) for pod in found) else None

    found = corner._until("the scheduler's judgement", judged)
    apps_without = (pod["metadata"]["labels"]["app"] for pod in found if not pod["spec"].get("nodeName"))
    return dict(collections.Counter(apps_without))


def refused(pod: dict[str, t.Any]) -> bool:
    conditions = pod["status"].get("conditions") or ()
    return any(item["type"] == "PodScheduled" and item["status"] == "False" for item in conditions)


def local_volume(corner: Corner, claim: str) -> None:
    """On the disk of the first node."""
    name = f"{corner.namespace}-{claim}"
    rule = {"key": HOSTNAME, "operator": "In", "values": [corner.nodes[0]]}
    common = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    corner.kube.post(
        "/api/v1/persistentvolumes",
        {
            "metadata": {"name": name},
            "spec": {
                **common,
                "capacity": {"storage": "1Gi"},
                "local": {"path": "/mnt"},
                "claimRef": {"namespace": corner.namespace, "name": claim},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}},
            },
        },
    )
    claims = f"/api/v1/namespaces/{corner.namespace}/persistentvolumeclaims"
    spec = {**common, "volumeName": name, "resources": {"requests": {"storage": "1Gi"}}}
    corner.kube.post(claims, {"metadata": {"name": claim}, "spec": spec})
    corner._until(f"claim {claim}", lambda: corner.kube.get(f"{claims}/{claim}")["status"].get("phase") == "Bound")


def cores(operator: str, value: str) -> dict[str, t.Any]:
    rule = {"key": "cores", "operator": operator, "values": [value]}
    selector = {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": selector}}}


def apart_from(app: str) -> dict[str, t.Any]:
    term = {"topologyKey": HOSTNAME, "labelSelector": {"matchLabels": {"app": app}}}
    return {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}


def container(name: str, **more: t.Any) -> dict[str, t.Any]:
    return {"name": name, "image": name, **more}


def port(number: int) -> dict[str, t.Any]:
    ports = [{"containerPort": number, "hostPort": number}]
    return {"containers": [container("main", ports=ports)]}


def test_what_has_no_room_stays_pending_and_all_else_is_scheduled(corner: Corner, drain: t.Any) -> None:
    first, second = corner.nodes
    for node, disk, number in ((first, "ssd", "9"), (second, "hdd", "8")):
        labels = {HOSTNAME: node, "disk": disk, "cores": number}
        corner.kube.patch(f"/api/v1/nodes/{node}", {"metadata": {"labels": labels}})
    occupy(corner, "tenant", cpu=30)
    occupy(corner, "neighbour", more=port(8080))
    occupy(corner, "hermit", more=apart_from("noisy"))
    local_volume(corner, "data")
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    start = container("start", resources={"requests": {"cpu": "40"}})
    apps: dict[str, dict[str, t.Any]] = {
        "fitting": {"cpu": 18},
        "starter": {"cpu": 1, "more": {"initContainers": [start]}},
        "port": {"more": port(8080)},
        "otherport": {"more": port(8081)},
        "selective": {"more": {"nodeSelector": {"corner": corner.namespace, "disk": "ssd"}}},
        "greater": {"more": cores("Gt", "8")},
        "smaller": {"more": cores("Lt", "10")},
        "shy": {"more": apart_from("neighbour")},
        "noisy": {},
        "sociable": {"more": apart_from("nobody")},
        "stateful": {"more": {"volumes": volumes}},
    }
    for name, pod in apps.items():
        corner.deployment(name, 1, **pod)
    foretold = without_room(drain(check=True))
    assert foretold == {
        "starter": "0 of 1 other node: 1 has too little cpu (largest free 16 of 40 asked)",
        "port": "0 of 1 other node: 1 has its host port in use",
        "selective": "0 of 1 other node: 1 does not match its node selector or affinity",
        "greater": "0 of 1 other node: 1 does not match its node selector or affinity",
        "shy": "0 of 1 other node: 1 runs a pod that must not share a node with it",
        "noisy": "0 of 1 other node: 1 runs a pod that must not share a node with it",
        "stateful": "its volume data is bound to this node: it returns with the node",
    }
    result = drain()
    assert without_room(result) == foretold
    assert "Pending for lack of room elsewhere" in str(result["warnings"])
    assert waiting(corner, apps) == dict.fromkeys(foretold, 1)
    # Whoever returns with the node does.
    drain(state="uncordon")
    corner._until("everybody's return", lambda: all(pod["spec"].get("nodeName") for pod in corner.pods()))


def test_room_is_promised_once(corner: Corner, drain: t.Any) -> None:
    occupy(corner, "tenant", cpu=22)
    corner.deployment("large", 3, cpu=20)
    foretold = drain(check=True)
    assert [entry["reason"] for entry in foretold["no_room"]] == [
        "0 of 1 other node: 1 has too little cpu (largest free 2 of 20 asked)"
    ]
    drain()
    assert waiting(corner, ["large"]) == {"large": 1}


def test_a_taint_keeps_away_who_does_not_tolerate_it(corner: Corner, drain: t.Any) -> None:
    taint = {"key": "team", "value": "a", "effect": "NoSchedule"}
    toleration = {"key": "team", "operator": "Equal", "value": "a"}
    corner.deployment("strange", 1)
    corner.deployment("known", 1, more={"tolerations": [toleration]})
    corner.kube.patch(f"/api/v1/nodes/{corner.nodes[1]}", {"spec": {"taints": [taint]}})
    result = drain()
    assert without_room(result) == {"strange": "0 of 1 other node: 1 has taint team=a:NoSchedule"}
    assert waiting(corner, ["strange", "known"]) == {"strange": 1}


def test_a_budget_names_the_pods_that_it_waits_for(corner: Corner, drain: t.Any) -> None:
    corner.deployment("web", 1)
    corner.deployment("ill", 1, ready=False, labels={"app": "ill", "of": "web"})
    corner.pdb("ill", {"app": "ill"}, minAvailable=0, unhealthyPodEvictionPolicy="IfHealthyBudget")
    budget = drain(check=True)["budgets"][0]
    assert budget["reason"].endswith(
        f"{next(n for n in corner.names() if n[:3] == 'ill')} runs, container main is not ready"
    )
