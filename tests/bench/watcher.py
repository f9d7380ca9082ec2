# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second client that watches pods and budgets, to tell how quickly a drain could have gone.

A budget that lets one pod go at a time is shut from each eviction until it allows the next one. That time is the
cluster's; the time from there to the next eviction is the tool's.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import ssl
import threading
import time
import typing as t

from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

BUDGETS = "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"
PODS = "/api/v1/namespaces/{}/pods"


@dataclasses.dataclass(frozen=True)
class Seen:
    at: float
    kind: str
    object: dict[str, t.Any]

    @property
    def name(self) -> str:
        return str(self.object["metadata"]["name"])


class Watcher:
    """Records every event between entering and leaving."""

    def __init__(self, cluster: ApiCluster, namespace: str) -> None:
        self._cluster = cluster
        self.budgets: list[Seen] = []
        self.pods: list[Seen] = []
        self._connections: list[http.client.HTTPSConnection] = []
        self._threads = [
            threading.Thread(target=self._watch, args=(path.format(namespace), record), daemon=True)
            for path, record in ((BUDGETS, self.budgets), (PODS, self.pods))
        ]

    def __enter__(self) -> Watcher:
        for thread in self._threads:
            thread.start()
        until("the first events", lambda: self.pods, seconds=20, every=0.05)
        return self

    def __exit__(self, *_exception: object) -> None:
        for connection in self._connections:
            if connection.sock:
                connection.sock.shutdown(2)
        for thread in self._threads:
            thread.join()

    def _watch(self, path: str, record: list[Seen]) -> None:
        context = ssl.create_default_context(cafile=self._cluster.pki.ca)
        connection = http.client.HTTPSConnection("127.0.0.1", self._cluster.port, context=context)
        connection.request("GET", f"{path}?watch=1", headers=self._authorization())
        self._connections.append(connection)
        try:
            for line in connection.getresponse():
                event = json.loads(line)
                record.append(Seen(time.monotonic(), event["type"], event["object"]))
        except (OSError, ValueError, http.client.HTTPException):
            pass  # hung up by leaving
        finally:
            connection.close()

    def _authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._cluster.tokens['admin']}"}


def budget_limit(budgets: t.Sequence[Seen], pods: t.Sequence[Seen], node: str) -> float:
    """Seconds that a drain of the node needs at least: of the budgets, which are used side by side, the slowest's."""
    return max(_limit_of(name, budgets, pods, node) for name in {event.name for event in budgets})


def _limit_of(name: str, budgets: t.Sequence[Seen], pods: t.Sequence[Seen], node: str) -> float:
    """How long the budget was shut by each eviction but the last, and how long the last pod took to be gone."""
    own = [event for event in budgets if event.name == name]
    labels = own[0].object["spec"]["selector"]["matchLabels"]
    gone = [event.at for event in pods if event.kind == "DELETED" and _is_on(event.object, node, labels)]
    shut, opened = _turns(own)
    if len(shut) != len(gone):
        raise LabError(f"budget {name} was shut {len(shut)} times while {len(gone)} pods left: no limit can be told")
    waits = [until - since for since, until in zip(shut[:-1], opened, strict=False)]
    return sum(waits) + gone[-1] - shut[-1]


def _turns(events: t.Sequence[Seen]) -> tuple[list[float], list[float]]:
    """When a budget stopped to allow anything, and when it began to allow something again."""
    shut: list[float] = []
    opened: list[float] = []
    open_before = True
    for event in events:
        open_now = event.object["status"].get("disruptionsAllowed", 0) > 0
        if open_now != open_before:
            (opened if open_now else shut).append(event.at)
        open_before = open_now
    return shut, opened


def _is_on(pod: dict[str, t.Any], node: str, labels: dict[str, str]) -> bool:
    return pod["spec"].get("nodeName") == node and labels.items() <= pod["metadata"].get("labels", {}).items()
