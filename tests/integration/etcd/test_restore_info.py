# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What hosts say of real members, alive, dead and wiped; the plan made of it; and what a restore has changed."""

from __future__ import annotations

import os
import pathlib
import shutil
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kubeops.maintenance.plugins.filter.restore import restore_plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import store
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_restore_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd import restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Pki,
    Release,
    make,
    together,
)
from ansible_collections.kubeops.maintenance.tests.integration.etcd.restoring import UID, fill, order, prepared, save

NAMES = ("cp1", "cp2", "cp3")


def look(etcd: Etcd, **options: t.Any) -> modules.Result:
    result = modules.call(etcd_restore_info, manifest_dir=str(etcd.root), dir=str(etcd.backups), **options)
    assert not result.get("failed"), result["msg"]
    return result


def infos(members: t.Sequence[Etcd], **options: t.Any) -> dict[str, modules.Result]:
    return {one.name: look(one, **options) for one in members}


@pytest.fixture
def members(releases: list[Release], tmp_path: pathlib.Path) -> t.Iterator[t.Sequence[Etcd]]:
    with together(make(releases[-1], tmp_path, NAMES)) as started:
        fill(started[0])
        yield started


def test_a_cluster_that_is_well(members: t.Sequence[Etcd]) -> None:
    taken = save(members)
    last = Client(members[0].local).put(b"/registry/pods/default/later", b"x")
    found = infos(members)
    for one in members:
        said = found[one.name]
        assert said["member"] == {
            "name": one.name,
            "peer_urls": [one.peer_url],
            "data_dir": str(one.data),
            "version": one.release.version,
            "endpoint": one.client_url,
            "managed_by": "static pod",
        }
        assert (said["live"]["answers"], said["live"]["kube_system_uid"]) == (True, UID)
        assert said["live"]["cluster_id"] == taken["cluster_id"]
        assert sorted(member["name"] for member in said["live"]["members"]) == list(NAMES)
        assert said["snapshot"]["path"] == str(one.backups / pathlib.Path(taken["path"]).name)
        assert said["snapshot"]["sha256"] == taken["sha256"]
        assert (said["unfinished"], said["restores"], said["clusters"], said["trouble"]) == (None, [], {}, "")
    planned = restore_plan(found, "newest", NAMES)
    assert planned["live_revision"] == last
    assert planned["cluster_id"] == taken["cluster_id"]
    for one in members:
        assert prepared(one, planned)["changed"]
    again = infos(members)
    assert {said["unfinished"]["phase"] for said in again.values()} == {plan.PREPARED}
    assert restore_plan(again, "newest", NAMES)["resume"] is False


def test_a_cluster_that_is_dead_and_a_disk_that_is_lost(members: t.Sequence[Etcd]) -> None:
    taken = save(members)
    for number in range(30):
        last = Client(members[0].local).put(b"/registry/pods/default/later-%d" % number, b"x")
    for one in members:
        one.caught_up(last)
    for one in members:
        one.process.terminate()
        one.process.wait()
    shutil.rmtree(members[2].data / "member")
    found = infos(members)
    for one in members[:2]:
        live = found[one.name]["live"]
        assert (live["answers"], live["kube_system_uid"], live["cluster_id"]) == (False, UID, "")
        assert live["revision"] == last
        assert sorted(member["name"] for member in live["members"]) == list(NAMES)
        assert "does not answer" in found[one.name]["trouble"]
    assert found["cp3"]["live"] is None
    assert "does not answer" in found["cp3"]["trouble"]
    assert "snap/db: cannot be read: No such file" in found["cp3"]["trouble"]
    assert {said["member"]["version"] for said in found.values()} == {members[0].release.version}
    planned = restore_plan(found, pathlib.Path(taken["path"]).name, NAMES)
    assert (planned["live_revision"], planned["cluster_id"]) == (last, "")


def test_a_member_without_a_quorum(members: t.Sequence[Etcd]) -> None:
    save(members)
    for one in members[1:]:
        one.end()
    members[0].leaderless()
    live = look(members[0])["live"]
    assert (live["answers"], live["kube_system_uid"]) == (True, UID)
    assert len(live["members"]) == len(NAMES)


def test_which_api_servers_run(etcd: Etcd) -> None:
    client, leases = fill(etcd), b"/registry/masterleases"
    assert look(etcd)["live"]["apiservers"] == []
    for key in (leases, leases + b"/2001:db8::b", leases + b"/192.0.2.11", leases + b"0"):
        client.put(key, b"x")
    assert look(etcd)["live"]["apiservers"] == ["192.0.2.11", "2001:db8::b"]


def test_members_that_could_not_be_compared(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """One says that it is where another is. All of them serve, and what the restore has made would not be proven."""
    made = make(releases[-1], tmp_path, NAMES)
    made[1].flags = (*made[1].flags, f"--advertise-client-urls={made[0].client_url}")
    with together(made):
        fill(made[0])
        save(made)
        with pytest.raises(AnsibleFilterError) as caught:
            restore_plan(infos(made), "newest", NAMES)
        told = str(caught.value)
        assert "cp1: etcd/cp2 answers on cp2, and not from here, so the two could not be compared: member " in told
        assert f"answers at {made[0].client_url}. Open its client port to all members, or put right" in told
        assert "cp3: etcd/cp2 answers on cp2" in told
        assert "cp2: etcd/" not in told
        # Who is dead needs to be reached by nobody.
        made[1].end()
        assert restore_plan(infos(made), "newest", NAMES)["members"]


def test_certificates_that_no_restore_mends(etcd: Etcd, tmp_path: pathlib.Path) -> None:
    fill(etcd)
    save([etcd])
    (tmp_path / "other").mkdir()
    shutil.copy(Pki(tmp_path / "other").ca, etcd.local.ca_file)
    with pytest.raises(AnsibleFilterError, match="cp1: its etcd cannot be asked, and no restore .* CERTIFICATE_VERIFY"):
        restore_plan(infos([etcd]), "newest", ["cp1"])


def test_which_snapshot(etcd: Etcd) -> None:
    fill(etcd)
    first, second, third = (etcd.backup()["snapshot"] for _each in range(3))
    known = restoring.sidecar(etcd, pathlib.Path(second["path"]).name)
    assert look(etcd)["snapshot"]["path"] == third["path"]
    assert look(etcd)["clusters"] == {UID: second["revision"]}
    store.note(third["path"], restoring.sidecar(etcd, pathlib.Path(third["path"]).name), damaged={"reason": "x"})
    assert look(etcd)["snapshot"]["path"] == second["path"]
    store.note(second["path"], known, kube_system_uid="another")
    assert look(etcd)["snapshot"]["path"] == first["path"]
    assert look(etcd)["clusters"] == {UID: third["revision"], "another": second["revision"]}
    os.truncate(first["path"], 4096)
    assert look(etcd)["snapshot"]["path"] == second["path"]
    assert look(etcd, name=pathlib.Path(third["path"]).name)["snapshot"]["damaged"] == {"reason": "x"}
    assert look(etcd, name=pathlib.Path(first["path"]).name)["snapshot"] is None


def test_a_host_without_a_member(tmp_path: pathlib.Path) -> None:
    said = modules.call(etcd_restore_info, manifest_dir=str(tmp_path), dir=str(tmp_path / "backups"))
    assert [said[name] for name in ("member", "live", "snapshot", "unfinished", "report")] == [None] * 5
    assert said["restores"] == []


def test_what_a_restore_has_changed(etcd: Etcd) -> None:
    client = fill(etcd)
    client.put(b"/registry/minions/w1", b"x")
    client.put(b"/registry/persistentvolumes/kept", b"x")
    taken = save([etcd])
    client.put(b"/registry/minions/w2", b"x")
    client.put(b"/registry/pods/default/7", b"again")
    client.put(b"/registry/pods/default/8", b"changed")
    client.delete(b"/registry/persistentvolumes/kept")
    prepared(etcd, order([etcd], taken))
    etcd.process.terminate()
    etcd.process.wait()
    made = plan.read(str(etcd.data), restoring.ID)
    assert made
    assert "is not there" in look(etcd, id=made.id)["report_trouble"]
    os.mkdir(os.path.dirname(made.previous))
    os.rename(made.live, made.previous)
    os.rename(made.prepared, made.live)
    plan.enter(made, plan.FINISHED)
    with etcd.started():
        etcd.wait()
        said = look(etcd, id=made.id)
    assert [one["id"] for one in said["restores"]] == [made.id]
    report = said["report"]
    assert (report["lost"], report["back"], report["changed"]) == (2, 1, 1)
    assert report["names"] == {
        "nodes": {"lost": ["w2"], "back": []},
        "pods": {"lost": ["default/7"], "back": []},
        "persistentvolumes": {"lost": [], "back": ["kept"]},
    }
    assert report["lines"] == [
        f"from revision {report['from']['revision']} back to {taken['revision']}: 2 objects are lost, 1 that had been"
        " deleted are back, 1 are as they were then",
        "resource           lost  back  changed",
        "nodes              1     0     0",
        "persistentvolumes  0     1     0",
        "pods               1     0     1",
        "nodes lost: w2",
        "pods lost: default/7",
        "persistentvolumes back: kept",
    ]
    assert "there is no restore 20261121T183000Z-000000" in look(etcd, id="20261121T183000Z-000000")["report_trouble"]
