# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scenario `backup` needs: something to save, somebody who writes meanwhile, a look at what was saved."""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import itertools
import json
import os
import threading
import time
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import Kube, KubeError, connect
from ansible_collections.kubeops.maintenance.tests.lab import podman
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

from . import cluster

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

CONFIG_MAPS = "/api/v1/namespaces/{}/configmaps"
PIECE = 700_000
MEET = Path(__file__).parent / "meet.py"

Met = t.Callable[[], dict[str, t.Any]]


def kube(lab: Lab) -> Kube:
    return connect({"kubeconfig": str(lab.kubeconfig)})


@contextlib.contextmanager
def namespace(lab: Lab, name: str) -> t.Iterator[Kube]:
    client = kube(lab)
    client.post("/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        yield client
    finally:
        client.delete(f"/api/v1/namespaces/{name}")
        until(f"the end of namespace {name}", lambda: _is_gone(client, name))


def _is_gone(client: Kube, name: str) -> bool:
    try:
        client.get(f"/api/v1/namespaces/{name}")
    except KubeError as error:
        return error.status == 404
    return False


def fill(client: Kube, name: str, megabytes: int) -> None:
    """Objects that cannot be compressed, so that a save takes long enough to be met in its middle."""
    for number in range(megabytes * 1_000_000 // PIECE):
        content = base64.b64encode(os.urandom(PIECE * 3 // 4)).decode()
        client.post(CONFIG_MAPS.format(name), {"metadata": {"name": f"ballast-{number}"}, "data": {"it": content}})


class Writers:
    """Create objects without pause, each through a connection of its own, until they are left."""

    def __init__(self, lab: Lab, namespace: str, number: int = 2) -> None:
        self._clients = [kube(lab) for _writer in range(number)]
        self._path = CONFIG_MAPS.format(namespace)
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(number)]
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.acknowledged: dict[str, int] = {}  # name -> revision of etcd
        self.longest = 0.0
        self.refused: list[Exception] = []

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        until("the first writes", lambda: len(self.acknowledged) > 50)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def revision(self) -> int:
        """The last that etcd is known to have."""
        with self._lock:
            return max(self.acknowledged.values())

    def lost(self) -> set[str]:
        """What was acknowledged and is not there."""
        there = {found["metadata"]["name"] for found in self._clients[0].list(self._path)}
        return set(self.acknowledged) - there

    def _work(self, writer: int) -> None:
        for number in itertools.count():
            if self._stop.is_set():
                return
            begin, name = time.monotonic(), f"write-{writer}-{number}"
            try:
                made = self._clients[writer].post(self._path, {"metadata": {"name": name}})
            except Exception as error:  # noqa: BLE001 - the test tells of it
                self.refused.append(error)
                return
            with self._lock:
                self.acknowledged[name] = int(made["metadata"]["resourceVersion"])
                self.longest = max(self.longest, time.monotonic() - begin)


class Folder:
    """A backup directory on a control plane."""

    def __init__(self, lab: Lab, path: str, node: str = "cp1") -> None:
        self.path = path
        self._lab, self._node = lab, node

    def shell(self, script: str) -> str:
        return cluster.shell(self._lab, self._node, script)

    def files(self) -> list[str]:
        """Everything that lies in it, but for the tools that a restore would need."""
        script = f"cd {self.path} 2>/dev/null && find . -mindepth 1 -not -path './tools*' -printf '%P\\n' || true"
        return sorted(self.shell(script).split())

    def snapshots(self) -> list[str]:
        """Names of those that look whole, oldest first."""
        return [name for name in self.files() if name.endswith(".db")]

    def sidecar(self, name: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = json.loads(self.shell(f"cat {self.path}/{name}.json"))
        return found

    def fetch(self, name: str, target: Path) -> Path:
        """A file of it, brought to this machine."""
        podman.podman("cp", f"{self._lab.container(self._node)}:{self.path}/{name}", target)
        return target

    def state(self) -> str:
        """What must be the same when nothing has changed."""
        return self.shell(f"find {self.path} -printf '%p %i %m %s %T@\\n' 2>/dev/null | sort")

    @contextlib.contextmanager
    def scratch(self) -> t.Iterator[str]:
        place = self.shell("mktemp -d")
        try:
            yield place
        finally:
            self.shell(f"rm -r {place}")

    @contextlib.contextmanager
    def disk(self, size: int) -> t.Iterator[None]:
        """A filesystem of its own."""
        self.shell(f"mkdir -p {self.path} && mount -t tmpfs -o size={size},mode=0700 tmpfs {self.path}")
        try:
            yield
        finally:
            self.shell(f"umount {self.path}")

    @contextlib.contextmanager
    def met(self, deed: str) -> t.Iterator[Met]:
        """Whoever writes a snapshot meanwhile is killed, or its disk filled, in the middle."""
        command = ("exec", "--interactive", self._lab.container(self._node), "python3", "-", self.path, deed)
        with concurrent.futures.ThreadPoolExecutor(max_workers=1) as beside:
            future = beside.submit(podman.podman, *command, stdin=MEET.read_text())
            yield lambda: json.loads(future.result())

    def remove(self) -> None:
        self.shell(f"rm -rf {self.path}")
