# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores prepared beside real members: what is prepared starts, what cannot be is refused with nothing touched."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.drill import drill
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import state
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.tests.integration.etcd import restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Release,
    make,
    together,
)
from ansible_collections.kubeops.maintenance.tests.integration.etcd.restoring import ID, fill, order, prepared, save

NAMES = ("cp1", "cp2", "cp3")


def test_what_is_prepared_is_one_cluster_at_the_snapshot(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """With one member and with three, of each release there is."""
    for release in releases:
        for count in (1, 3):
            root = tmp_path / f"{release.version}-{count}"
            root.mkdir()
            members = make(release, root, NAMES[:count])
            with together(members):
                client = fill(members[0])
                taken = save(members)
                old = members[0].gateway.status().cluster_id
                keys = client.put(b"/registry/pods/default/later", b"x")
                wanted = order(members, taken)
                before = {one.name: restoring.tree(one) for one in members}
                results = [prepared(one, wanted) for one in members]
                assert members[0].gateway.status().revision == keys
                for one, result in zip(members, results, strict=True):
                    assert {check["status"] for check in result["checks"]} <= {"pass", "skip"}
                    assert result["changed"]
                    assert result["phase"] == plan.PREPARED
                    made = plan.read(str(one.data), ID)
                    assert made
                    assert result["plan"] == made.as_dict()
                    assert prepared(one, wanted)["changed"] is False
                    here = {name: what for name, what in restoring.tree(one).items() if plan.FOLDER not in name}
                    assert here == before[one.name]
            for one in members:
                (one.data / "member").rename(one.data / "old")
                (one.data / plan.FOLDER / ID / "prepared" / "member").rename(one.data / "member")
            with together(members):
                said: list[state.Status] = [one.gateway.status() for one in members]
                assert {one.cluster_id for one in said} - {old} == {said[0].cluster_id}
                at = min(one.revision for one in said)
                assert at >= taken["revision"] + 10**9 == results[0]["expected"]["revision"]
                assert len({one.gateway.hash_kv(at).hash for one in members}) == 1
                assert {one.gateway.count(at) for one in members} == {results[0]["expected"]["keys"]} == {30}
                assert sorted(one.name for one in members[0].gateway.members()) == list(NAMES[:count])
                Client(members[0].local).put(b"/registry/pods/default/new", b"x")
                assert "required revision has been compacted" in refusal(members[-1], at - 10**6)


def refusal(etcd: Etcd, revision: int) -> str:
    """What a client is told that goes on from a revision of before."""
    with pytest.raises(GatewayError) as caught:
        etcd.gateway.count(revision)
    return caught.value.msg


def test_a_cluster_that_was_restored_is_saved_proven_and_restored_again(etcd: Etcd) -> None:
    """A restore leaves a row of no key, which is in the snapshots from then on and which etcd does not count."""
    fill(etcd)
    taken = save([etcd])
    for number in range(2):
        identity = f"2026112{number}T183000Z-4f2a90"
        result = prepared(etcd, order([etcd], taken, id=identity), drill=True)
        assert result["expected"]["keys"] == taken["live_keys"] == 30
        etcd.end()
        (etcd.data / "member").rename(etcd.root / f"old{number}")
        (etcd.data / plan.FOLDER / identity / "prepared" / "member").rename(etcd.data / "member")
        with etcd.started():
            etcd.wait()
            assert etcd.gateway.status().revision >= result["expected"]["revision"]
            taken = save([etcd])
            hold = drill.Request(str(etcd.backups), manifests=str(etcd.root), lock_path=str(etcd.root / "lock"))
            assert drill.run(hold)["snapshot"]["proven"]
