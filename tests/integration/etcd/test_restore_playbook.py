# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook where an earlier run has left something, on hosts whose members are real and that have no kubelet."""

from __future__ import annotations

import json
import pathlib
import shutil
import signal
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run
from ansible_collections.kubeops.maintenance.tests.integration.etcd import restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Etcd, Release, make, together
from ansible_collections.kubeops.maintenance.tests.integration.etcd.restoring import ID
from ansible_collections.kubeops.maintenance.tests.integration.etcd.test_defrag_playbook import host
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.restores import put

Play = t.Callable[..., playbook_run.Run]
Plan = dict[str, t.Any]


@pytest.fixture
def members(releases: list[Release], tmp_path: pathlib.Path) -> t.Iterator[t.Sequence[Etcd]]:
    with together(make(releases[-1], tmp_path, ("m1", "m2", "m3"))) as started:
        yield started


@pytest.fixture
def wanted(members: t.Sequence[Etcd]) -> Plan:
    """Of a restore that an earlier run has made."""
    restoring.fill(members[0])
    return restoring.order(members, restoring.save(members))


def control_plane(folder: pathlib.Path, interpreter: str = sys.executable) -> dict[str, t.Any]:
    """A node with a network of its own, where no API server runs, whatever runs on this machine."""
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec unshare --net {interpreter} "$@"\n')
    python.chmod(0o755)
    return {**playbook_run.HERE, "ansible_python_interpreter": str(python)}


@pytest.fixture
def play(members: t.Sequence[Etcd], wanted: Plan, tmp_path: pathlib.Path) -> Play:
    def run(*options: str, **variables: t.Any) -> playbook_run.Run:
        hosts = {f"host-of-{one.name}": {**host(one), "etcd_backup_dir": str(one.backups)} for one in members}
        groups = {"kube_control_plane": {"hosts": {"cp1": control_plane(tmp_path)}}, "etcd": {"hosts": hosts}}
        told = {"snapshot": "newest", "restore_confirmed": True, "restore_nodes": [], **variables}
        return playbook_run.play(
            tmp_path, {"all": {"children": groups}}, "kubeops.maintenance.restore", *options, **told
        )

    return run


def phases(members: t.Sequence[Etcd]) -> list[str]:
    found = [plan.read(str(one.data), ID) for one in members]
    return [one.phase if one else "" for one in found]


def test_the_end_of_a_restore_that_is_committed(members: t.Sequence[Etcd], wanted: Plan, play: Play) -> None:
    """Nothing is stopped again, and nothing is restored again, also where a member was cleaned or replaced since."""
    first, _last = [put(one.data, plan.COMMITTED, **wanted) for one in members[1:]]
    plan.enter(first, plan.FINISHED)
    run = play()
    assert run.code == 0, run.said
    assert "GO ON with the restore of" in run.said
    assert "Stop the apiservers" not in run.said
    assert "Restore the snapshot beside the data" not in run.said
    (told,) = [line for line in run.said.splitlines() if line.startswith("Restored ")]
    assert sorted(told.rpartition(" on ")[2].split(", ")) == ["host-of-m2", "host-of-m3"]
    assert phases(members) == ["", plan.FINISHED, plan.FINISHED]


def test_what_one_member_may_need_is_deleted_on_none(members: t.Sequence[Etcd], wanted: Plan, play: Play) -> None:
    """Without the plans of the others, one that was lost while all went back would lead them forward again."""
    told = [plan.ROLLED_BACK, plan.ROLLED_BACK, plan.STARTED]
    for one, phase in zip(members, told, strict=True):
        put(one.data, phase, **wanted)
    run = play(restore_clean=True)
    assert run.code
    assert "host-of-m3 has a restore that is not finished. Nothing was deleted. Go on with it" in run.said
    run = play("--limit", "host-of-m1,host-of-m2", restore_clean=True)
    assert run.code
    assert "host-of-m3: not in this run, and may need still what is deleted" in run.said
    assert phases(members) == told
    for one in members[2:]:
        plan.enter(t.cast(plan.Plan, plan.read(str(one.data), ID)), plan.ROLLED_BACK)
    run = play(restore_clean=True)
    assert run.code == 0, run.said
    assert phases(members) == ["", "", ""]


def test_who_joins_a_restore_that_was_begun_is_asked_for(members: t.Sequence[Etcd], wanted: Plan, play: Play) -> None:
    put(members[2].data, plan.STOPPING, **wanted)
    run = play(restore_confirmed=False, restore_drill=False)
    assert run.code
    assert "compare, and remove it" not in run.said
    assert "Nobody said yes, so nothing was stopped" in run.said
    assert phases(members) == [plan.PREPARED, plan.PREPARED, plan.STOPPING]


def test_a_committed_restore_is_undone_by_another_one(members: t.Sequence[Etcd], wanted: Plan, play: Play) -> None:
    """As far as it comes on hosts where nothing can be stopped."""
    for one in members:
        made = put(one.data, plan.COMMITTED, **wanted)
        one.process.send_signal(signal.SIGSTOP)  # or it may write meanwhile
        shutil.copytree(made.live, made.previous)
        one.process.send_signal(signal.SIGCONT)
    before = [restoring.tree(one) for one in members]
    run = play("--check", snapshot="", restore_undo=ID)
    assert run.code == 0, run.said
    assert f"UNDO the restore {ID} of" in run.said
    assert "would start a copy of" in run.said
    assert "RESTORE" not in run.said
    assert [restoring.tree(one) for one in members] == before
    run = play(snapshot="", restore_undo=ID, restore_confirmed=False)
    assert run.code
    assert f"all that was written since the restore {ID} is LOST" in run.said
    assert "Nobody said yes, so nothing was stopped" in run.said
    (name,) = {path.name for one in members for path in one.backups.glob("*.db")} - {wanted["snapshot"]["name"]}
    assert [restoring.sidecar(one, name)["run_key"] for one in members] == [f"before-restore-{ID}"] * 3
    found = [plan.unfinished(str(one.data)) for one in members]
    assert {(one.phase, one.order.undoes) for one in found if one} == {(plan.PREPARED, ID)}
    assert found[0]
    plan.enter(found[0], plan.STOPPING)
    run = play("--check", snapshot="", restore_undo=ID)
    assert f"GO ON with the restore of {name}" in run.said
    assert phases(members) == [plan.COMMITTED] * 3
    assert [path for one in members for path in one.backups.glob("*.part")] == []


def test_control_planes_that_are_left_out(members: t.Sequence[Etcd], play: Play) -> None:
    run = play("--limit", "etcd")
    assert run.code
    assert "cp1: not in this run. An API server that is not stopped writes into what is restored" in run.said
    assert not any((one.data / plan.FOLDER).exists() for one in members)


def test_somebody_else_prepares_while_somebody_is_asked(
    members: t.Sequence[Etcd], play: Play, tmp_path: pathlib.Path
) -> None:
    """Who is asked first finds nothing to stop for any more."""
    other = put(tmp_path / "elsewhere", plan.PREPARED)
    hooked = tmp_path / "hooked.yml"
    hooked.write_text(json.dumps({"restore_confirmed": "{{ lookup('ansible.builtin.pipe', hook) and true }}"}))
    theirs = members[2].data / plan.FOLDER / "20991121T183000Z-4f2a90"
    text = (pathlib.Path(other.folder) / "plan.json").read_text().replace(other.id, theirs.name)
    moved = tmp_path / "plan.json"
    moved.write_text(text.replace(str(tmp_path / "elsewhere"), str(members[2].data)))
    run = play("-e", f"@{hooked}", hook=f"mkdir -p {theirs} && cp {moved} {theirs} && echo made")
    assert run.code
    assert "compare, and remove it" in run.said  # the drill
    assert f", and restore {theirs.name} is: somebody else has run this meanwhile. Nothing was stopped" in run.said
    assert "Stop the apiservers" not in run.said


def test_killed_before_the_first_member_was_stopped(members: t.Sequence[Etcd], wanted: Plan, play: Play) -> None:
    """Control planes may be stopped then, and there is nothing else to take back."""
    for one in members:
        put(one.data, plan.PREPARED, **wanted)
    run = play(snapshot="", restore_undo=True)
    assert run.code == 0, run.said
    assert "TAKE BACK the restore of" in run.said
    assert "Stop the apiservers" in run.said
    assert "skipping: [cp1]" in run.said.partition("Stop the apiservers")[2].partition("TASK")[0]
    assert "ok: [cp1]" in run.said.partition("Start the control planes")[2].partition("TASK")[0]
    assert phases(members) == [plan.ROLLED_BACK] * 3
    assert "changed: [cp1]" not in run.said


def test_a_cluster_without_the_group_etcd_beside_one_with_it(releases: list[Release], tmp_path: pathlib.Path) -> None:
    with Etcd(releases[-1], tmp_path / "m1", "m1").running() as etcd:
        there = host(etcd)
        there.update(control_plane(tmp_path, there["ansible_python_interpreter"]), etcd_backup_dir=str(etcd.backups))
        two = {"hosts": {"host-of-m1": there}}
        groups = {"kube_control_plane": two, "two": two, "etcd": {"hosts": {"elsewhere": {}}}}
        inventory = {"all": {"children": groups}}
        run = playbook_run.play(tmp_path, inventory, "kubeops.maintenance.restore", cluster="two", snapshot="none.db")
    assert run.code
    assert "no restore, and nothing was changed: no host has none.db" in run.said
