# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user asked of the apiserver, from its audit log: exact, and no load between the tool and the apiserver."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t
from pathlib import Path

Event = dict[str, t.Any]

USER = "drainer"
KUBELETS = "admin"
# One line for each request of that user, a watch as soon as it has begun, and for each pod that has stopped.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "users": [USER]},
        {"level": "Metadata", "users": [KUBELETS], "verbs": ["delete"], "resources": [{"resources": ["pods"]}]},
    ],
}


@dataclasses.dataclass(frozen=True)
class Calls:
    """``first``: when the apiserver received the first of them, in seconds of the epoch, as are all times here.

    ``asked``: when it received the first eviction; ``admitted``: when it had answered the last one. ``stops``: how long
    each pod was on its way, from the answer to its eviction until it was gone, sorted.
    """

    number: int
    refusals: int
    first: float
    asked: float = 0.0
    admitted: float = 0.0
    gone: float = 0.0
    stops: tuple[float, ...] = ()


class Audit:
    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0

    def since_last(self) -> Calls:
        """What was asked since this was called before."""
        events = []
        with self._log.open() as log:
            log.seek(self._read)
            for line in iter(log.readline, ""):
                events.append(json.loads(line))
            self._read = log.tell()
        asked = [event for event in events if event["user"]["username"] == USER]
        stopped = [event for event in events if event["user"]["username"] == KUBELETS]
        # A watch says twice that it was asked for: when it begins and when it ends.
        status = {event["auditID"]: _status(event) for event in asked}
        evictions = [event for event in asked if event.get("objectRef", {}).get("subresource") == "eviction"]
        admitted = {_pod(event): _ended(event) for event in evictions if _status(event) < 300}
        gone = {_pod(event): _ended(event) for event in stopped if _status(event) < 300}
        return Calls(
            number=len(status),
            refusals=sum(code == 429 for code in status.values()),
            first=min(map(_received, asked), default=0.0),
            asked=min(map(_received, evictions), default=0.0),
            admitted=max(admitted.values(), default=0.0),
            gone=max((gone[pod] for pod in admitted if pod in gone), default=0.0),
            stops=tuple(sorted(gone[pod] - admitted[pod] for pod in admitted if pod in gone)),
        )


def _pod(event: Event) -> tuple[str, str]:
    return event["objectRef"]["namespace"], event["objectRef"]["name"]


def _status(event: Event) -> int:
    return int(event.get("responseStatus", {}).get("code", 0))


def _received(event: Event) -> float:
    return datetime.datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp()


def _ended(event: Event) -> float:
    return datetime.datetime.fromisoformat(event["stageTimestamp"]).timestamp()
