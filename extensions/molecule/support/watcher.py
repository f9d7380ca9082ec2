# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who watches a cluster while its data is taken back: no revision may come that is lower than one seen before."""

from __future__ import annotations

import threading
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._kube_http import KubeError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube_watch import Watch
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

from . import backups
from .restores import CONFIG_MAPS, OWN

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab


class Watcher:
    """A client as controllers are: it lists, watches from there on, and lists anew only when it is told to."""

    def __init__(self, lab: Lab) -> None:
        self._client = backups.kube(lab)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self.names: set[str] = set()
        self.version = 0
        self.lists = 0
        self.backwards: list[tuple[int, int]] = []

    def __enter__(self) -> Watcher:
        self._thread.start()
        until("the first list", lambda: self.lists)
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def until_it_sees(self, names: set[str]) -> None:
        until(f"that a client which watched sees {len(names)} objects", lambda: self.names == names)

    def _work(self) -> None:
        listed = False
        while not self._stop.is_set():
            try:
                if not listed:
                    self._list()
                    listed = True
                self._watch()
            except KubeError as error:
                listed = listed and error.status != 410  # gone: what it knows is too old
                self._stop.wait(0.2)

    def _list(self) -> None:
        found = self._client.list(CONFIG_MAPS)
        self._see(found.version)
        self.names = {one["metadata"]["name"] for one in found} - {OWN}
        self.lists += 1

    def _watch(self) -> None:
        query = {"resourceVersion": str(self.version), "timeoutSeconds": 2, "allowWatchBookmarks": "true"}
        for kind, told in Watch(self._client, CONFIG_MAPS, query):
            metadata = told["metadata"]
            self._see(metadata["resourceVersion"])
            if kind == "DELETED":
                self.names.discard(metadata["name"])
            elif kind != "BOOKMARK" and metadata["name"] != OWN:
                self.names.add(metadata["name"])

    def _see(self, version: str) -> None:
        if int(version) < self.version:
            self.backwards.append((self.version, int(version)))
        self.version = int(version)
