# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A committed restore undone: what was set aside becomes a snapshot, and that is restored as any other."""

from __future__ import annotations

import datetime
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import live
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import facts, plan, recover
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.report import Request
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import snapshot, store
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.cluster_plan import Wish, make
from ansible_collections.kubeops.maintenance.tests.integration.etcd import restoring, test_drill
from ansible_collections.kubeops.maintenance.tests.integration.etcd.kubelet import Hosts, clean
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release
from ansible_collections.kubeops.maintenance.tests.integration.etcd.restoring import ID, prepared
from ansible_collections.kubeops.maintenance.tests.integration.etcd.test_restore import (
    AFTER,
    NAMES,
    NEW,
    OLD,
    STEPS,
    holds,
    made,
    watched,
)

LATER = b"/registry/configmaps/default/later"
FRESH = "20261122T183000Z-00000%d"


def recovered(etcd: Etcd, identity: str = ID, **options: t.Any) -> dict[str, t.Any]:
    request = Request(**{"manifests": str(etcd.root), "lock_path": str(etcd.root / "lock"), **options})
    return recover.run(request, recover.Wanted(identity, str(etcd.backups)))


def refused(etcd: Etcd, identity: str = ID) -> str:
    """Nothing was written then."""
    before = restoring.tree(etcd)
    with pytest.raises(MaintenanceError) as caught:
        recovered(etcd, identity)
    assert restoring.tree(etcd) == before
    return caught.value.msg


def bring(hosts: Hosts, identity: str = ID, steps: t.Sequence[str] = STEPS) -> None:
    for step in steps:
        hosts.bring(step, identity)


def look(hosts: Hosts, name: str, undo: str) -> dict[str, t.Any]:
    looks = {
        one.name: facts.Look(str(one.backups), name, before=undo, manifests=str(one.root)) for one in hosts.members
    }
    return {name: facts.read(one) for name, one in looks.items()}


def planned(hosts: Hosts, undo: str, fresh: str, name: str = "newest") -> dict[str, t.Any]:
    """As the role asks for it."""
    names = [one.name for one in hosts.members]
    return make(look(hosts, name, undo), names, Wish(name, undo, recovered=name != "newest"), fresh)


def undone(hosts: Hosts, undo: str, fresh: str) -> dict[str, t.Any]:
    """As the playbook does it. Return the plan."""
    first = planned(hosts, undo, fresh)["recover"]
    source = next(one for one in hosts.members if one.name == first["host"])
    taken = recovered(source, undo)["snapshot"]
    assert taken["revision"] >= first["revision"]
    for one in hosts.members:
        if one is not source:
            for path in (taken["path"], store.sidecar(taken["path"])):
                shutil.copy(path, one.backups)
    wanted = planned(hosts, undo, fresh, pathlib.Path(taken["path"]).name)
    for one in hosts.members:
        prepared(one, wanted, drill=one is source)
    bring(hosts, wanted["id"])
    return wanted


@pytest.mark.parametrize("count", [1, 3])
def test_undone_and_undone_again(releases: list[Release], tmp_path: pathlib.Path, count: int) -> None:
    """For who watches no revision goes backwards, whatever is restored."""
    with Hosts(releases[-1], tmp_path, NAMES[:count]).running() as hosts:
        made(hosts)
        one = hosts.members[-1]
        bring(hosts)
        assert holds(hosts) == [NEW] * count
        seen = Client(one.local).put(LATER, b"x")
        with pytest.raises(MaintenanceError, match="clients have seen its revisions. Nothing was done"):
            hosts.bring("rolled_back", ID)

        first = undone(hosts, ID, FRESH % 1)
        assert (first["id"], first["undoes"]) == (FRESH % 1, ID)
        assert holds(hosts) == [OLD] * count
        assert [one.gateway.value(LATER) for one in hosts.members] == [b""] * count
        gone = watched(one, seen + 1)
        assert gone["canceled"]
        assert int(gone["compact_revision"]) > seen
        assert Client(one.local).put(AFTER, b"y") > int(gone["compact_revision"])
        seen = max(one.gateway.status().revision for one in hosts.members)

        second = undone(hosts, first["id"], FRESH % 2)
        assert holds(hosts) == [NEW] * count
        assert [one.gateway.value(LATER) for one in hosts.members] == [b"x"] * count
        assert min(one.gateway.status().revision for one in hosts.members) > seen
        assert second["snapshot"]["revision"] + second["bump"] > seen
        for one in hosts.members:
            assert plan.folders(str(one.data)) == [ID, FRESH % 1, FRESH % 2]
            assert {found.phase for found in plan.all_of(str(one.data))} == {"finished"}
            clean(one)
            assert [path.name for path in one.data.iterdir()] == ["member"]


def test_what_was_only_in_the_log(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        root = tmp_path / release.version
        root.mkdir()
        hosts = Hosts(release, root, NAMES[:1])
        (one,), (kubelet,) = hosts.members, hosts.kubelets
        one.flags = (*one.flags, "--backend-batch-interval=1h", "--backend-batch-limit=1000000")
        with hosts.running():
            made(hosts)
            before = one.gateway.status()
            client = Client(one.local)
            last = [client.put(AFTER, b"%d" % number) for number in range(20)][-1]
            kubelet.lose()
            assert kubelet.process
            kubelet.process.kill()
            kubelet.process.wait()
            assert (live.revision(str(one.data)) or 0) < last
            hosts.bring("stopped", ID)
            kubelet.lost = False
            bring(hosts, steps=STEPS[1:5])
            aside = contents(one)
            result = recovered(one)
            assert contents(one) == aside
            assert {check["status"] for check in result["checks"]} == {"pass"}
            taken = result["snapshot"]
            assert (taken["revision"], taken["live_keys"]) == (last, 31)
            assert release.snapshot_status(taken["path"]).returncode == 0
            assert (taken["cluster_id"], taken["member_id"]) == (before.cluster_id, before.member_id)
            assert (taken["tier"], taken["run_key"]) == ("manual", f"before-restore-{ID}")
            assert store.time_of(taken) < datetime.datetime.now(datetime.UTC)
            assert taken["started"] == plan.all_of(str(one.data))[0].at["stopped"]
            drill = test_drill.hold(one, name=pathlib.Path(taken["path"]).name)
            assert drill["snapshot"]["proven"]
            again = recovered(one)
            assert (again["changed"], again["actions"]) == (False, [])
            assert again["snapshot"]["sha256"] == taken["sha256"]
            assert list(one.backups.glob("*.part")) == []


def contents(etcd: Etcd) -> dict[str, bytes]:
    top = etcd.data / plan.FOLDER
    return {str(path): path.read_bytes() for path in top.rglob("*") if path.is_file()}


def test_what_cannot_be_recovered(releases: list[Release], tmp_path: pathlib.Path) -> None:
    with Hosts(releases[-1], tmp_path, NAMES[:1]).running() as hosts:
        made(hosts)
        (one,) = hosts.members
        assert "this restore is prepared and not committed" in refused(one)
        bring(hosts, steps=STEPS[:4])
        assert "this restore is verified and not committed" in refused(one)
        bring(hosts, steps=STEPS[4:])
        assert "there is no such restore of etcd/cp1" in refused(one, FRESH % 1)
        would = recovered(one, dry_run=True)
        assert (would["changed"], would["snapshot"]) == (True, None)
        folder = one.data / plan.FOLDER / ID / "previous" / "member"
        (folder / "wal" / "link").symlink_to("/etc/shadow")
        assert "link: is no file and no directory" in refused(one)
        (folder / "wal" / "link").unlink()
        spoilt = (folder / "snap" / "db").read_bytes()
        (folder / "snap" / "db").write_bytes(spoilt[:4096])
        assert "snap/db" in refused(one)
        (folder / "snap" / "db").write_bytes(spoilt)
        os.rename(folder / "wal", folder.with_name("log"))
        assert "wal: has no log, without which etcd does not start" in refused(one)
        os.rename(folder.with_name("log"), folder / "wal")
        logs = {path: path.read_bytes() for path in (folder / "wal").glob("*.wal")}
        for path, text in logs.items():
            path.write_bytes(b"\xff" * 64 + text[64:])
        before = restoring.tree(one)
        with pytest.raises(MaintenanceError, match="does not start from it"):
            recovered(one)
        assert restoring.tree(one) == before
        for path, text in logs.items():
            path.write_bytes(text)
        taken = recovered(one)["snapshot"]
        store.note(taken["path"], taken, damaged={"at": store.now(), "reason": "a flipped bit"})
        assert "was recovered already, and is of no use: a flipped bit. Delete it" in refused(one)
        os.rename(folder, folder.with_name("elsewhere"))
        os.unlink(taken["path"])
        os.unlink(store.sidecar(taken["path"]))
        assert "is not there, so nothing was recovered: it was cleaned" in refused(one)


CODE = """
import os, signal, sys
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import recover
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.report import Request
def die(*_arguments, **_named):
    os.kill(os.getpid(), signal.SIGKILL)
step, directory, manifests, lock, identity = sys.argv[1:]
if step == "publish":  # of the snapshot, after that of its sidecar
    publish = recover.disk.publish
    recover.disk.publish = lambda part, path: publish(part, path) if path.endswith(".json") else die()
else:
    room, name = step.split(".")
    setattr(getattr(recover, room), name, die)
recover.run(Request(manifests=manifests, lock_path=lock), recover.Wanted(identity, directory))
"""


@pytest.mark.parametrize("step", ["throwaway.serving", "health.observe", "snapshot.verify", "publish"])
def test_killed_while_it_recovers(releases: list[Release], tmp_path: pathlib.Path, step: str) -> None:
    with Hosts(releases[-1], tmp_path, NAMES[:1]).running() as hosts:
        made(hosts)
        (one,) = hosts.members
        bring(hosts)
        there = sorted(path.name for path in one.backups.iterdir())
        words = [step, str(one.backups), str(one.root), str(one.root / "lock"), ID]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        killed = subprocess.run([sys.executable, "-c", CODE, *words], env=environment, timeout=300, check=False)
        assert killed.returncode == -signal.SIGKILL
        until(
            lambda: None if test_drill.working_in(one.backups) else True,
            Deadline(120),
            lambda: "etcd runs",
            interval=0.02,
        )
        left = sorted(path.name for path in one.backups.iterdir() if path.name not in there)
        assert [name for name in left if name.startswith("drill-")]
        assert [name for name in left if store.is_snapshot(name)] == []
        taken = recovered(one)["snapshot"]
        assert snapshot.is_described(taken["path"], taken)
        now = sorted(path.name for path in one.backups.iterdir())
        assert now == sorted(
            [*there, *(pathlib.Path(path).name for path in (taken["path"], store.sidecar(taken["path"])))]
        )


def test_the_copy_reaches_nobody(
    releases: list[Release], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its database names the members of a cluster that is not there any more, at addresses where others may be."""
    with Hosts(releases[-1], tmp_path, NAMES).running() as hosts:
        made(hosts)
        bring(hosts)
        one, networks = hosts.members[0], []
        observe = recover.health.observe

        def seen(gateway: t.Any) -> t.Any:
            networks.extend(os.readlink(f"/proc/{pid}/ns/net") for pid in test_drill.working_in(one.backups))
            return observe(gateway)

        monkeypatch.setattr(recover.health, "observe", seen)
        taken = recovered(one)["snapshot"]
        assert len(networks) == 1
        assert networks != [os.readlink("/proc/self/ns/net")]
        assert [found["name"] for found in taken["members"]] == [one.name]


def test_a_disk_without_room(releases: list[Release], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Hosts(releases[-1], tmp_path, NAMES[:1]).running() as hosts:
        made(hosts)
        bring(hosts)
        (one,) = hosts.members
        monkeypatch.setattr(disk, "free_bytes", lambda _directory: 1000)
        assert "room for the drill" in refused(one)
