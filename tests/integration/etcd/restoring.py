# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members with something in them, a snapshot of it on each, and the plan of its restore."""

from __future__ import annotations

import json
import pathlib
import re
import shutil
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import prepare
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.report import Request
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import store
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd

ID = "20261121T183000Z-4f2a90"
KUBE_SYSTEM = b"/registry/namespaces/kube-system"
UID = "5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50"
Tree = dict[str, tuple[int, bytes]]


def fill(etcd: Etcd, uid: str = UID) -> Client:
    client = Client(etcd.local)
    client.put(KUBE_SYSTEM, json.dumps({"metadata": {"uid": uid}}).encode())
    for number in range(40):
        client.put(b"/registry/pods/default/%d" % (number % 30), b"the value of a pod" * 100)
    client.delete(b"/registry/pods/default/7")
    return client


def save(members: t.Sequence[Etcd]) -> dict[str, t.Any]:
    """A snapshot of the first member, brought to all of them with the tools."""
    taken: dict[str, t.Any] = members[0].backup()["snapshot"]
    for one in members[1:]:
        shutil.copytree(members[0].backups, one.backups)
    return taken


def order(members: t.Sequence[Etcd], taken: t.Mapping[str, t.Any], **changes: t.Any) -> dict[str, t.Any]:
    """As the filter makes it."""
    snapshot = {name: taken[name] for name in ("sha256", "revision", "kube_system_uid", "etcd_version")}
    snapshot.update(name=pathlib.Path(taken["path"]).name, keys=taken["live_keys"])
    listed = [{"host": f"{one.name}.example", "name": one.name, "peer_urls": [one.peer_url]} for one in members]
    known = {"id": ID, "snapshot": snapshot, "members": listed, "bump": 10**9, "live_revision": taken["revision"]}
    return {**known, "cluster_id": taken["cluster_id"], **changes}


def prepared(etcd: Etcd, plan: t.Mapping[str, t.Any], **options: t.Any) -> dict[str, t.Any]:
    wanted = {name: options.pop(name) for name in ("drill", "kubelet", "places", "directory") if name in options}
    request = Request(**{"manifests": str(etcd.root), "lock_path": str(etcd.root / "lock"), **options})
    return prepare.run(request, prepare.Wanted(plan, **{"directory": str(etcd.backups), "kubelet": "active", **wanted}))


def tree(etcd: Etcd) -> Tree:
    """Every file and directory of the member and its snapshots, but for what it writes while it runs."""
    return {
        str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for top in (etcd.data, etcd.backups)
        for path in sorted(top.rglob("*"))
        if not path.is_relative_to(etcd.data / "member")
    }


def plain(action: str) -> str:
    """Without what is made up each time."""
    return re.sub(r"[0-9a-f]{32}", "", action)


def sidecar(etcd: Etcd, name: str) -> dict[str, t.Any]:
    return store.description(str(etcd.backups / name))
