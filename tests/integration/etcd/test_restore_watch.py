# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client of Kubernetes that watches through a restore: for it no revision ever goes backwards."""

from __future__ import annotations

import pathlib
import threading
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import act, recover, service
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.report import Request
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube_http import Kube
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube_watch import Watch
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.cluster_plan import bump
from ansible_collections.kubeops.maintenance.tests.api import cluster
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.integration.etcd import restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Etcd
from ansible_collections.kubeops.maintenance.tests.integration.etcd.restoring import ID
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
GONE = 410
SECONDS = 300
SECOND = "20261122T183000Z-4f2a90"


class Reflector:
    """What a client keeps of a collection: a list, then a watch from there on, and a new list only where the watch
    cannot go on. ``seen`` are the revisions in the order in which they came, ``gone`` those that a watch was refused.
    """

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._leave = threading.Event()
        self._watch: Watch | None = None
        self._thread = threading.Thread(target=self._work)
        self.names: set[str] = set()
        self.seen: list[int] = []
        self.gone: list[int] = []
        self.lists = 0

    def __enter__(self) -> Reflector:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._leave.set()
        if self._watch:
            self._watch.close()
        self._thread.join()

    def _work(self) -> None:
        fresh = True
        while not self._leave.wait(0.05):
            try:
                if fresh:
                    self._list()
                fresh = False
                self._follow()
            except KubeError as error:
                if error.status == GONE:
                    self.gone.append(self.seen[-1])
                    fresh = True

    def _list(self) -> None:
        found = self._kube.get(CONFIGMAPS)
        self.lists += 1
        self.names = {one["metadata"]["name"] for one in found["items"]}
        self.seen.append(int(found["metadata"]["resourceVersion"]))

    def _follow(self) -> None:
        query = {"resourceVersion": self.seen[-1], "timeoutSeconds": 300}
        self._watch = Watch(self._kube, CONFIGMAPS, query)
        for kind, told in self._watch:
            name = told["metadata"]["name"]
            self.seen.append(int(told["metadata"]["resourceVersion"]))
            self.names = self.names - {name} if kind == "DELETED" else self.names | {name}


class Host:
    """The host of the API's etcd, as `restoring` wants a member."""

    def __init__(self, api: ApiCluster, root: pathlib.Path) -> None:
        self.root, self.backups = root / "manifests", root / "backups"
        self.root.mkdir(parents=True)
        flags = api.etcd_flags()
        self.name, self.peer_url = str(flags["name"]), str(flags["initial-advertise-peer-urls"])
        lines = "".join(f"- --{flag}={value}\n" for flag, value in flags.items())
        (self.root / "etcd.yaml").write_text(f"command:\n- etcd\n{lines}image: registry.k8s.io/etcd:x\n")

    def backup(self) -> dict[str, t.Any]:
        where = {"directory": str(self.backups), "manifests": str(self.root), "lock_path": str(self.root / "lock")}
        return backup.run(backup.Request(label=Label("manual", "test"), **where))


class EtcdOfTheApi(service.Service):
    stops, starts = "stop the API's etcd", "start the API's etcd"

    def __init__(self, api: ApiCluster) -> None:
        self._api = api

    def check(self) -> None:
        pass

    def is_stopped(self) -> bool:
        return all(program.name != "etcd" for program in self._api.programs)

    def stop(self) -> None:
        self._api.stop_etcd()

    def start(self) -> None:
        self._api.start_etcd()


def request(host: Host) -> Request:
    return Request(manifests=str(host.root), lock_path=str(host.root / "lock"), timeout=SECONDS)


def restore(api: ApiCluster, host: Host, identity: str) -> None:
    def bring(state: str) -> None:
        # Other tests on this machine may have an apiserver.
        wanted = act.Wanted(state, identity, lambda _here: EtcdOfTheApi(api), apiservers=lambda: ())
        act.run(request(host), wanted)

    api.stop_control_plane()
    for state in ("stopped", "swapped", "started", "verified", "committed"):
        bring(state)
    api.start_control_plane()
    bring("finished")


def make(kube: Kube, name: str) -> None:
    kube.post(CONFIGMAPS, {"metadata": {"name": name}})


def test_a_client_that_watches_through_a_restore_and_its_undo(tmp_path: pathlib.Path) -> None:
    with cluster.running(tmp_path / "cluster") as api:
        kube, host = api.kube(), Host(api, tmp_path / "host")
        member = t.cast(Etcd, host)
        with Reflector(api.kube()) as client:
            # Kubernetes' own in every namespace, which the controllers come to when they come to it.
            until("a ConfigMap of its own", lambda: "kube-root-ca.crt" in client.names, SECONDS)
            make(kube, "before")
            taken = restoring.save([member])
            kube.delete(f"{CONFIGMAPS}/before")
            make(kube, "after")
            until(
                "what came after the snapshot",
                lambda: client.names >= {"after"} and "before" not in client.names,
                SECONDS,
            )
            wanted = restoring.order([member], taken)
            restoring.prepared(member, wanted)
            known, lists = len(client.seen), client.lists
            restore(api, host, ID)
            until("what the snapshot has", lambda: client.names >= {"before"} and "after" not in client.names, SECONDS)
            make(kube, "later")
            until("what came after the restore", lambda: "later" in client.names, SECONDS)

            # The controllers see it, too.
            kube.post("/api/v1/namespaces", {"metadata": {"name": "new"}})
            accounts = "/api/v1/namespaces/new/serviceaccounts"
            until("a ServiceAccount of a new namespace", lambda: kube.list(accounts), SECONDS)

            undone, lists_before = len(client.seen), client.lists
            taken = recover.run(request(host), recover.Wanted(ID, str(host.backups)))["snapshot"]
            least = bump(taken["revision"], client.seen[-1], age=0)
            second = restoring.order([member], taken, id=SECOND, bump=least, undoes=ID)
            restoring.prepared(member, second)
            restore(api, host, SECOND)
            until("what was there before the restore", lambda: client.names >= {"after"}, SECONDS)
            until("that nothing else is", lambda: not client.names & {"before", "later"}, SECONDS)
            make(kube, "last")
            until("what came after the undo", lambda: "last" in client.names, SECONDS)
        assert client.seen == sorted(client.seen)
        assert client.seen[known] >= wanted["snapshot"]["revision"] + wanted["bump"] > client.seen[known - 1]
        assert client.seen[undone] >= second["snapshot"]["revision"] + second["bump"] > client.seen[undone - 1]
        assert client.gone == [client.seen[known - 1], client.seen[undone - 1]]
        assert (lists_before, client.lists) == (lists + 1, lists + 2)
