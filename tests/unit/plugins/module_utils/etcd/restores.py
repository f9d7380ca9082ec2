# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plans of restores, as the filter makes them and as they lie beside the data."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import Access
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import order, plan
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile

ID = "20261121T183000Z-4f2a90"
SNAPSHOT = {
    "name": "etcd-cp1-20261120T101112.345Z-manual-rev10432.db",
    "sha256": "b8" * 32,
    "revision": 10432,
    "keys": 312,
    "kube_system_uid": etcdfile.UID,
    "etcd_version": "3.6.16",
}


def told(*names: str, **changes: t.Any) -> dict[str, t.Any]:
    """An order, as the controller sends it."""
    members = [
        {"host": f"{name}.example", "name": name, "peer_urls": [f"https://{name}:2380"]} for name in names or ("cp1",)
    ]
    known = {"id": ID, "snapshot": SNAPSHOT, "members": members, "bump": 10**9, "live_revision": 11000}
    return {**known, "cluster_id": "8cc9da78b36d1115", **changes}


def here(data: pathlib.Path, name: str = "cp1") -> plan.Here:
    access = Access("https://127.0.0.1:2379", "ca.crt", "client.crt", "client.key")
    urls = (f"https://{name}:2380",)
    return plan.Here(name, str(data), urls, plan.Owner(0, 0, 0o700), plan.STATIC_POD, "etcd.yaml", access, urls)


def put(data: pathlib.Path, phase: str, identity: str = ID, **changes: t.Any) -> plan.Plan:
    """A plan beside the data."""
    made = plan.Plan(order.parse(told(**{"id": identity, **changes})), here(data), phase, {})
    pathlib.Path(made.folder).mkdir(parents=True)
    return plan.enter(made, phase)
