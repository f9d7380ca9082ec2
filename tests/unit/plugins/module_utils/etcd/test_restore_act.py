# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of a restore on one member, and what is left where a run is killed in any of them."""

from __future__ import annotations

import errno
import functools
import os
import pathlib
import shutil
import socket
import tempfile
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import programs
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import act, gates, order, place, plan

from . import cuts, restored_host, restores
from .restored_host import NEW, OLD, Host, everything, whole

FORWARD = ("stopped", "swapped", "started", "verified", "committed", "finished")


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    return restored_host.host(tmp_path, monkeypatch).prepare()


def test_all_the_way(host: Host) -> None:
    for state in FORWARD:
        result = host.bring(state)
        assert (result["changed"], result["phase"]) == (True, state)
        assert result["plan"] == host.plan.as_dict()
        assert result["actions"]
        again = host.bring(state)
        assert (again["changed"], again["phase"], again["actions"]) == (False, state, [])
        assert set(again) == set(result)
    assert (whole(host.plan.live), whole(host.plan.previous)) == (NEW, OLD)
    when = [host.plan.at[phase] for phase in plan.FORWARD[1:-1]]
    assert when == sorted(when)
    for state in FORWARD[:-1]:  # beyond that already
        assert host.bring(state)["changed"] is False


@pytest.mark.parametrize("state", FORWARD[1:])
def test_a_step_before_its_turn(host: Host, state: str) -> None:
    with pytest.raises(MaintenanceError, match="this restore is prepared on this member and has to be") as caught:
        host.bring(state)
    assert caught.value.data["phase"] == "prepared"
    assert (whole(host.plan.live), host.phase, host.manifest.exists()) == (OLD, "prepared", True)


@pytest.mark.parametrize("state", ["stopped", "rolled_back"])
@pytest.mark.parametrize(
    ("identity", "said"),
    [("20261121T183000Z-000000", "there is no such restore of etcd/cp1"), ("../../etc", "is no id of a restore")],
)
def test_a_restore_that_is_not_there(host: Host, state: str, identity: str, said: str) -> None:
    with pytest.raises(MaintenanceError, match=said):
        host.bring(state, id=identity)


@pytest.mark.parametrize("phases", [FORWARD[:count] for count in range(5)])
def test_back_from_everywhere_before_the_commit(host: Host, phases: t.Sequence[str]) -> None:
    phases = [phase for phase in phases if phase != "committed"]
    for state in phases:
        host.bring(state)
    result = host.bring("rolled_back")
    assert (result["changed"], result["phase"]) == (True, "rolled_back")
    assert (whole(host.plan.live), host.manifest.exists(), host.parked.exists()) == (OLD, True, False)
    assert everything(host.plan) == sorted((OLD, NEW))
    assert host.bring("rolled_back")["changed"] is False
    with pytest.raises(MaintenanceError, match="this restore was taken back on this member"):
        host.bring("stopped")


@pytest.mark.parametrize("state", ["committed", "finished"])
def test_no_renaming_back_after_the_commit(host: Host, state: str) -> None:
    for one in FORWARD[: FORWARD.index(state) + 1]:
        host.bring(one)
    with pytest.raises(MaintenanceError, match=f"this restore is {state}, and .* -e restore_undo={restores.ID}"):
        host.bring("rolled_back")
    assert (whole(host.plan.live), host.phase) == (NEW, state)


def test_what_waits_for_its_end_when_another_is_committed(host: Host) -> None:
    """Also where a run was killed before it could note that."""
    early = [f"2026111{day}T183000Z-4f2a90" for day in range(4)]
    later = "20261130T183000Z-4f2a90"
    phases = ["committed", "finished", "rolled_back", "committed", "committed"]
    for one, phase in zip([*early, later], phases, strict=True):
        put_finished(host, one, phase)
    for state in FORWARD[:4]:
        host.bring(state)
    result = host.bring("committed", dry_run=True)
    assert f"note that the restore {early[0]} is superseded" in result["actions"]
    host.bring("committed")
    found = {one.id: one.phase for one in plan.all_of(str(host.data))}
    assert [found[one] for one in early] == ["superseded", "finished", "rolled_back", "superseded"]
    assert (found[restores.ID], found[later]) == ("committed", "committed")
    made = plan.read(str(host.data), early[0])
    assert made
    plan.enter(made, "committed")
    again = host.bring("committed")
    assert again["actions"] == [f"note that the restore {early[0]} is superseded"]
    assert host.clean(early[0])["changed"]


def test_a_member_whose_disk_was_lost_stays_stopped_on_the_way_back(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An etcd without data would make a cluster of its own."""
    host = restored_host.host(tmp_path, monkeypatch).prepare(disk_lost=True)
    for state in ("stopped", "swapped", "started"):
        host.bring(state)
    assert (whole(host.plan.live), host.manifest.exists()) == (NEW, True)
    result = host.bring("rolled_back")
    assert (whole(host.plan.live), whole(host.plan.rejected), host.phase) == ("", NEW, "rolled_back")
    assert (host.manifest.exists(), host.parked.exists()) == (False, True)
    (check,) = result["checks"]
    assert (check["status"], check["fix"][:16]) == ("warn", "it stays stopped")
    assert f"and then move {host.parked} to {host.manifests}" in check["fix"]


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_back_on_a_disk_that_is_full(host: Host, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Renames go on when nothing can be written, and whoever comes next sees it from the directories."""
    for state in FORWARD[:steps]:
        host.bring(state)

    def full(*_arguments: t.Any, **_options: t.Any) -> t.NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        for where, name in ((disk, "rewrite"), (os, "mkdir")):
            patch.setattr(where, name, full)
        with pytest.raises(MaintenanceError, match="the disk is full, so that this member went back") as caught:
            host.bring("rolled_back")
    assert caught.value.data["phase"] == "rolled_back"
    assert (whole(host.plan.live), host.manifest.exists(), host.phase) == (OLD, True, FORWARD[steps - 1])
    assert everything(host.plan) == sorted([OLD, NEW])
    host.bring("rolled_back")
    assert (whole(host.plan.live), host.manifest.exists(), host.phase) == (OLD, True, "rolled_back")


def test_an_apiserver_that_runs(host: Host) -> None:
    host.apiservers = (77, 78)
    with pytest.raises(MaintenanceError, match="kube-apiserver runs on this node as process 77 and 78"):
        host.bring("stopped")
    assert (host.phase, host.manifest.exists()) == ("prepared", True)


def test_a_kubelet_that_does_not_run(host: Host) -> None:
    host.kubelet = "inactive"
    with pytest.raises(MaintenanceError, match="kubelet.service is inactive"):
        host.bring("stopped")
    assert (host.phase, host.manifest.exists()) == ("prepared", True)


def test_a_bump_that_is_too_small(host: Host, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = host.plan.order.revision
    for revision, refused in ((wanted - 1, False), (wanted, True)):
        monkeypatch.setattr(act.live, "revision", lambda _data, found=revision: found)
        if refused:
            with pytest.raises(MaintenanceError, match=f"is at revision {wanted}, and what was restored goes on from"):
                host.bring("stopped")
        else:
            host.bring("stopped", dry_run=True)
        assert (host.phase, host.manifest.exists(), host.parked.exists()) == ("prepared", True, False)


def test_an_etcd_that_does_not_end(host: Host) -> None:
    host.stubborn = True
    with pytest.raises(MaintenanceError, match="process 4242 has .*/member open.* Its data was left as it is"):
        host.bring("stopped")
    assert host.phase == "stopping"
    host.stubborn = False
    host.bring("stopped")
    assert host.phase == "stopped"


@pytest.mark.parametrize(
    ("pod", "uid", "waits"),
    [
        ("kube-system_etcd-cp1", "5d41402abc4b2a76b9719d911017c592", True),
        ("kube-system_kube-apiserver-cp1", "5d41402abc4b2a76b9719d911017c592", False),
        ("kube-system_etcd-backup-x4c5j", "91d0efc1-710d-484e-8f1f-031ac2df2597", False),
        ("shop_etcd-0", "5d41402abc4b2a76b9719d911017c592", False),
    ],
)
def test_an_etcd_that_is_between_two_crashes(host: Host, pod: str, uid: str, waits: bool) -> None:
    """It has no process, and as long as its pod is there the kubelet starts it again."""
    host.lost = True
    (host.root / "var/log/pods" / f"{pod}_{uid}").mkdir(parents=True)
    sandbox = host.root / "proc" / "77"
    sandbox.mkdir(parents=True)
    (sandbox / "cgroup").write_text(f"0::/kubepods/burstable/pod{uid}/3f2a\n")
    if waits:
        with pytest.raises(MaintenanceError, match="the kubelet has not ended the pod kube-system/etcd-cp1 yet"):
            host.bring("stopped")
        assert (host.phase, host.parked.exists()) == ("stopping", True)
        shutil.rmtree(sandbox)
    host.bring("stopped")
    assert host.phase == "stopped"


def test_somebody_who_listens_at_its_port(host: Host) -> None:
    with (
        socket.create_server(("127.0.0.1", int(host.peer_url.rpartition(":")[2]))),
        pytest.raises(MaintenanceError, match=f"somebody listens at {host.peer_url}"),
    ):
        host.bring("stopped")
    assert host.phase == "stopping"


def test_an_etcd_that_does_not_start(host: Host) -> None:
    host.bring("stopped")
    host.bring("swapped")
    host.lost = True
    with pytest.raises(MaintenanceError, match="was told to start, and after 0 s no process has"):
        host.bring("started")
    assert host.phase == "starting"
    host.lost = False
    host.bring("started")


def test_one_that_somebody_has_started_again(host: Host) -> None:
    host.bring("stopped")
    shutil.move(host.parked, host.manifest)
    host.apiservers = (77,)
    with pytest.raises(MaintenanceError, match="kube-apiserver runs"):
        host.bring("swapped")
    host.apiservers = ()
    assert host.bring("swapped")["actions"][0].startswith("move ")
    assert (whole(host.plan.live), host.manifest.exists()) == (NEW, False)


def test_nothing_is_started_that_is_not_what_was_restored(host: Host) -> None:
    for state in ("stopped", "swapped"):
        host.bring(state)
    shutil.move(host.plan.live, host.plan.prepared)
    shutil.move(host.plan.previous, host.plan.live)
    with pytest.raises(MaintenanceError, match="Nothing was started. Somebody has renamed it"):
        host.bring("started")
    assert not host.manifest.exists()


def test_check_mode_changes_nothing(host: Host) -> None:
    def seen() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(host.root.rglob("*")) if path.is_file()}

    for state in FORWARD:
        before = seen()
        for one in (state, *(["rolled_back"] if state != "finished" else [])):
            result = host.bring(one, dry_run=True)
            assert (result["changed"], result["phase"]) == (True, host.phase)
            assert result["actions"] or host.phase == "prepared"
        assert seen() == before
        host.bring(state)


def test_a_gate_that_fails(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    for state in ("stopped", "swapped", "started"):
        host.bring(state)

    def differs(*_arguments: object) -> t.NoReturn:
        raise MaintenanceError("hashes differ", checks=[{"name": "etcd data equal"}])

    monkeypatch.setattr(gates, "passed", differs)
    with pytest.raises(MaintenanceError, match="hashes differ") as caught:
        host.bring("verified")
    assert caught.value.data["phase"] == "started"
    assert caught.value.data["checks"] == [{"name": "etcd data equal"}]


def put_finished(host: Host, identity: str, phase: str) -> plan.Plan:
    local = place.discover(str(host.manifests), "")
    here = place.here(local, str(host.manifests))
    made = plan.Plan(order.parse(restores.told(id=identity)), here, phase, {})
    restored_host.fill(made.previous, OLD)
    return plan.enter(made, phase)


def test_what_finished_restores_have_left_is_deleted(host: Host) -> None:
    ids = [f"2026112{day}T183000Z-4f2a90" for day in range(2, 6)]
    made = [
        put_finished(host, one, phase)
        for one, phase in zip(ids, ["finished", "rolled_back", "committed", "finished"], strict=True)
    ]
    assert len(host.clean(dry_run=True)["actions"]) == 4
    assert len(host.clean(keep=1)["actions"]) == 3
    assert plan.folders(str(host.data)) == [ids[2], ids[3]]
    with pytest.raises(
        MaintenanceError, match="this restore is committed, so what it would be taken back to is needed"
    ):
        host.clean(ids[2])
    assert host.clean(ids[3], keep=1)["changed"]
    assert not host.clean(ids[3])["changed"]
    assert not host.clean()["changed"]
    assert plan.folders(str(host.data)) == [ids[2]]
    assert whole(f"{host.data}/member") == OLD
    with pytest.raises(MaintenanceError, match="is no id of a restore"):
        host.clean("..")
    assert whole(made[2].previous) == OLD


def test_what_was_only_prepared_is_deleted_with_the_rest(host: Host) -> None:
    """Somebody has said no, and the room of it is missed."""
    (told,) = host.clean()["actions"]
    assert told == f"delete {host.data}/kubeops-restore/{restores.ID}, which was prepared and never begun"
    assert [path.name for path in host.data.iterdir()] == ["member"]


def test_a_deletion_that_is_killed_never_leaves_a_half_of_somebodys_data(host: Host) -> None:
    identity = "20261122T183000Z-4f2a90"
    at = 0
    while True:
        made, at = put_finished(host, identity, "finished"), at + 1
        done = not cuts.killed(host.clean, at, after=True)
        assert whole(made.previous) in ("", OLD)
        host.clean()
        assert not (host.data / plan.FOLDER).exists()
        if done:
            break
    assert at > 5


def counted(states: t.Sequence[str], last: str) -> int:
    """The calls of a run that comes to its end."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        host = restored_host.host(pathlib.Path(folder), patch).prepare()
        for state in states:
            host.bring(state)
        return cuts.run(functools.partial(host.bring, last))[1]


BEFORE = [list(FORWARD[:count]) for count in range(4)]
CUTS = [
    pytest.param(states, last, at, after, end, id=f"{len(states)}-{last}-{at}{'-after' if after else ''}-{end}")
    for before in BEFORE
    for states, last in [(before, FORWARD[len(before)]), (before, "rolled_back")]
    for at, after in cuts.places(counted(states, last))
    for end in ((last,) if last == "rolled_back" else ("started", "rolled_back"))
]


@pytest.mark.parametrize(("states", "last", "at", "after", "end"), CUTS)
def test_a_run_that_is_killed_at_each_call(
    host: Host, states: t.Sequence[str], last: str, at: int, after: bool, end: str
) -> None:
    for state in states:
        host.bring(state)
    assert cuts.killed(functools.partial(host.bring, last), at, after)
    assert everything(host.plan) == sorted((OLD, NEW))
    for state in FORWARD[:3] if end == "started" else [end]:
        host.bring(state)
    assert everything(host.plan) == sorted((OLD, NEW))
    assert (host.manifest.exists(), host.parked.exists()) == (True, False)
    assert whole(host.plan.live) == (NEW if end == "started" else OLD)
    assert host.phase == end or plan.reached(host.phase, end)
    assert programs.holder(f"{host.plan.live}/snap/db")
