# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has happened to pods, told by the API afterwards: every change in its order, none missed between two looks."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kubeops.maintenance.tests.lab import traffic

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

Pod = dict[str, t.Any]


class History:
    """Begins when it is made. It lasts as long as the apiserver remembers: some minutes."""

    def __init__(self, lab: Lab, labels: str) -> None:
        self._lab = lab
        self._path = f"/api/v1/namespaces/default/pods?labelSelector={labels}"
        found = json.loads(traffic.kubectl(lab, "get", "--raw", self._path))
        self._pods = {pod["metadata"]["uid"]: pod for pod in found["items"]}
        self._version = found["metadata"]["resourceVersion"]

    def healthy(self) -> list[int]:
        """How many pods a budget would have called healthy, at first and after every change since."""
        pods = dict(self._pods)
        counts = [_healthy(pods.values())]
        query = f"{self._path}&watch=1&timeoutSeconds=3&resourceVersion={self._version}"
        for line in traffic.kubectl(self._lab, "get", "--raw", query).splitlines():
            event = json.loads(line)
            assert event["type"] != "ERROR", event["object"]
            uid = event["object"]["metadata"]["uid"]
            if event["type"] == "DELETED":
                pods.pop(uid, None)
            else:
                pods[uid] = event["object"]
            counts.append(_healthy(pods.values()))
        return counts


def _healthy(pods: t.Iterable[Pod]) -> int:
    return sum(1 for pod in pods if not pod["metadata"].get("deletionTimestamp") and _ready(pod))


def _ready(pod: Pod) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(found["type"] == "Ready" and found["status"] == "True" for found in conditions)
