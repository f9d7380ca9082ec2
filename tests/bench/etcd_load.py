# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A database of some size in a real etcd, and a writer that notices when it has to wait."""

from __future__ import annotations

import concurrent.futures
import itertools
import random
import threading
import time
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, text

#: So that it can hold that much, and is filled quickly.
SETTINGS = {
    "ETCD_QUOTA_BACKEND_BYTES": str(8 << 30),
    "ETCD_MAX_REQUEST_BYTES": str(16 << 20),
    "ETCD_MAX_TXN_OPS": "1000",
}
KINDS = (
    "pods",
    "configmaps",
    "secrets",
    "replicasets",
    "deployments",
    "events",
    "services/specs",
    "example.com/widgets",
)
SMALLEST, LARGEST = 1024, 8192
_AT_ONCE, _CONNECTIONS = 128, 3


def fill(etcd: Etcd, size: int) -> int:
    """Objects of all kinds in many namespaces. How many there are."""
    count = size // ((SMALLEST + LARGEST) // 2)
    starts = range(0, count, _AT_ONCE)
    clients: dict[int, Client] = {}

    def put(start: int) -> None:
        client = clients.setdefault(threading.get_ident(), Client(etcd.local))
        changes = [_change(number) for number in range(start, start + _AT_ONCE)]
        # A busy machine lets a request time out. The same objects once more are the same database.
        until(
            lambda: client.accepted("kv/txn", success=changes), Deadline(300), lambda: "no answer in time", interval=0.2
        )

    with concurrent.futures.ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(put, starts))
    return len(starts) * _AT_ONCE


def _change(number: int) -> dict[str, t.Any]:
    chance = random.Random(number)
    kind = KINDS[number % len(KINDS)]
    key = f"/registry/{kind}/team-{number % 97}/object-{number}".encode()
    start = b"{" if "." in kind else b"k8s\0"
    value = start + chance.randbytes(chance.randint(SMALLEST, LARGEST) - len(start))
    return {"request_put": {"key": text(key), "value": text(value)}}


class Probe:
    """Puts one small object after the other and keeps the time that each takes."""

    def __init__(self, etcd: Etcd) -> None:
        self._client = Client(etcd.local)
        self._thread = threading.Thread(target=self._work)
        self._stop = threading.Event()
        self._seconds: list[float] = []

    def __enter__(self) -> Probe:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def longest_ms(self) -> float:
        return round(max(self._seconds) * 1000, 1)

    @property
    def median_ms(self) -> float:
        return round(sorted(self._seconds)[len(self._seconds) // 2] * 1000, 1)

    def _work(self) -> None:
        for number in itertools.count():
            if self._stop.is_set() and self._seconds:
                return
            before = time.monotonic()
            self._client.put(b"/registry/leases/kube-node-lease/w%d" % (number % 100), b"l" * 300)
            self._seconds.append(time.monotonic() - before)
