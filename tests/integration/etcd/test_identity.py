# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that was restored: etcd has a new id, and what was taken before is its own still."""

from __future__ import annotations

import json
import pathlib

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.drill import drill
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import retention, store, upkeep
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.where import Where
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release

LABEL = Label("pre-upgrade", run_key="to 1.37.1")
ONE = retention.Policy(hourly=0, daily=0, weekly=0, monthly=0, at_least=1)


def test_after_a_restore(releases: list[Release], tmp_path: pathlib.Path) -> None:
    before, after = (Etcd(releases[-1], tmp_path / name) for name in ("before", "after"))
    with before.running():
        Client(before.local).put(b"/registry/namespaces/kube-system", json.dumps({"metadata": {"uid": "u"}}).encode())
        old, upgrade = before.backup(label=Label("hourly")), before.backup(label=LABEL)
    path = upgrade["snapshot"]["path"]
    peers = [f"--initial-cluster=cp1={after.peer_url}", f"--initial-advertise-peer-urls={after.peer_url}"]
    after.release.snapshot_restore(path, after.data, "--name=cp1", "--initial-cluster-token=another", *peers)
    before.backups.rename(after.backups)
    with after.running():
        places = {"directory": str(after.backups), "manifests": str(after.root), "lock_path": str(after.root / "lock")}
        newest = pathlib.Path(path).name
        assert after.gateway.status().cluster_id != old["snapshot"]["cluster_id"]
        # A drill before the first snapshot of the new etcd takes the newest of the old one.
        proven = drill.run(drill.Request(**places))["snapshot"]
        assert (pathlib.Path(proven["path"]).name, bool(proven["proven"])) == (newest, True)
        # What an upgrade goes back to has to know what has happened since.
        taken = after.backup(label=LABEL, reuse_within=86400)
        assert taken["changed"]
        assert taken["snapshot"]["cluster_id"] != old["snapshot"]["cluster_id"]
        assert after.backup(label=LABEL, reuse_within=86400)["snapshot"] == taken["snapshot"]
        # The old hourly one is judged with the others, as their own.
        after.backup(label=Label("hourly"))
        result = upkeep.prune(Where(**places), ONE)
        assert [one["name"] for one in result["removed"]] == [pathlib.Path(old["snapshot"]["path"]).name]
        assert len(list(store.described(str(after.backups)))) == 3
