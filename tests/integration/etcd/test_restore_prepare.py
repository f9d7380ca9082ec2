# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores prepared beside real members: what is prepared starts, what cannot be is refused with nothing touched."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.drill import drill
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import state
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan, restored
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_restore
from ansible_collections.kubeops.maintenance.tests.api import modules
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
                assert {one.gateway.count(at) for one in members} == {results[0]["expected"]["live_keys"]} == {30}
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
        assert result["expected"]["live_keys"] == taken["live_keys"] == 30
        etcd.end()
        (etcd.data / "member").rename(etcd.root / f"old{number}")
        (etcd.data / plan.FOLDER / identity / "prepared" / "member").rename(etcd.data / "member")
        with etcd.started():
            etcd.wait()
            assert etcd.gateway.status().revision >= result["expected"]["revision"]
            taken = save([etcd])
            hold = drill.Request(str(etcd.backups), manifests=str(etcd.root), lock_path=str(etcd.root / "lock"))
            assert drill.run(hold)["snapshot"]["proven"]


def test_check_mode_does_all_of_it_and_leaves_nothing(etcd: Etcd, saved: dict[str, t.Any]) -> None:
    before = restoring.tree(etcd)
    forecast = prepared(etcd, saved, dry_run=True, drill=True)
    assert restoring.tree(etcd) == before
    assert (forecast["changed"], forecast["plan"], forecast["phase"]) == (True, None, "")
    assert forecast["durations"].keys() >= {"verify", "drill", "restore"}
    result = prepared(etcd, saved, drill=True)
    assert [restoring.plain(action) for action in forecast["actions"]] == [
        restoring.plain(action) for action in result["actions"]
    ]
    assert forecast["expected"] == result["expected"]
    said = [[(check["name"], check["status"]) for check in one["checks"]] for one in (forecast, result)]
    assert said[0] == said[1]
    assert restoring.sidecar(etcd, saved["snapshot"]["name"])["proven"]


def test_the_module(etcd: Etcd, saved: dict[str, t.Any], monkeypatch: pytest.MonkeyPatch) -> None:
    places = {"manifest_dir": str(etcd.root), "dir": str(etcd.backups), "state": "prepared", "plan": saved}
    monkeypatch.setattr(etcd_restore, "kubelet", lambda _module: "inactive")
    failed = modules.call(etcd_restore, **places)
    assert "FAIL  member can be started: kubelet.service: inactive" in failed["msg"]
    monkeypatch.setattr(etcd_restore, "kubelet", lambda _module: "active")
    said = modules.call(etcd_restore, check=True, **places)
    done = modules.call(etcd_restore, **places)
    again = modules.call(etcd_restore, **places)
    assert [said["changed"], done["changed"], again["changed"]] == [True, True, False]
    assert done.keys() - {"invocation"} == failed.keys() - {"invocation", "failed", "msg"}
    assert again["plan"] == done["plan"]


def test_a_disk_that_was_lost(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """One member's data is gone, and it does not start: it is restored like the others."""
    members = make(releases[-1], tmp_path, NAMES)
    with together(members):
        fill(members[0])
        wanted = order(members, save(members))
        members[2].end()
        shutil.rmtree(members[2].data)
        with pytest.raises(MaintenanceError, match="data directory is not there. Mount its disk"):
            prepared(members[2], wanted)
        members[2].data.mkdir(mode=0o750)
        results = [prepared(one, wanted, places=()) for one in members]
    assert {result["expected"]["live_keys"] for result in results} == {30}
    assert results[2]["plan"]["owner"]["mode"] == 0o750
    assert len({result["expected"]["revision"] for result in results}) == 1


@pytest.mark.parametrize("step", ["restore", "check"])
def test_killed_and_run_again(etcd: Etcd, saved: dict[str, t.Any], step: str) -> None:
    code = (
        "import json, sys, time\n"
        "from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import prepare, report\n"
        "step = getattr(prepare.restored, sys.argv[1])\n"
        "def hang(*arguments):\n"
        "    if sys.argv[1] == 'restore':\n"
        "        step(*arguments)\n"
        "    print('here', flush=True)\n"
        "    time.sleep(600)\n"
        "setattr(prepare.restored, sys.argv[1], hang)\n"
        "request = report.Request(manifests=sys.argv[2], lock_path=sys.argv[3])\n"
        "prepare.run(request, prepare.Wanted(json.loads(sys.argv[5]), sys.argv[4], kubelet='active'))\n"
    )
    words = [step, str(etcd.root), str(etcd.root / "lock"), str(etcd.backups), json.dumps(saved)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout
        assert process.stdout.readline() == b"here\n"
        process.kill()
    left = plan.read(str(etcd.data), ID)
    assert left
    assert left.phase == plan.PREPARING
    result = prepared(etcd, saved)
    assert result["phase"] == plan.PREPARED
    assert result["actions"][0] == f"remove {left.folder}, which was prepared and never begun"
    assert restored.read(os.path.dirname(left.prepared))[0].keys == 30
