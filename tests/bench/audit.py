# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a user asked of the apiserver, from its audit log: exact, and no load between the tool and the apiserver."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path

USER = "drainer"
# One line for each request of that user, a watch as soon as it has begun; of nobody else any.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "users": [USER]}],
}


@dataclasses.dataclass(frozen=True)
class Calls:
    """``first``: when the apiserver received the first of them, in seconds of the epoch."""

    number: int
    refusals: int
    first: float


class Audit:
    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0

    def since_last(self) -> Calls:
        """What was asked since this was called before."""
        status: dict[str, int] = {}
        received: list[float] = []
        with self._log.open() as log:
            log.seek(self._read)
            for line in iter(log.readline, ""):
                event = json.loads(line)
                # A watch says twice that it was asked for: when it begins and when it ends.
                status[event["auditID"]] = event.get("responseStatus", {}).get("code", 0)
                received.append(datetime.datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp())
            self._read = log.tell()
        return Calls(len(status), sum(code == 429 for code in status.values()), min(received, default=0.0))
