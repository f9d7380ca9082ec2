# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Restores that are refused, with real members beside that go on, and everything as it was."""

from __future__ import annotations

import pathlib
import shutil
import subprocess
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kubeops.maintenance.plugins.filter.restore import restore_plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_restore_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd import restoring
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Etcd,
    Release,
)
from ansible_collections.kubeops.maintenance.tests.integration.etcd.restoring import ID, fill, order, prepared, save

NAMES = ("cp1", "cp2", "cp3")


def refused(etcd: Etcd, wanted: t.Mapping[str, t.Any], **options: t.Any) -> str:
    """Why nothing is prepared. Everything is as it was, and no process of it is left."""
    before, inside = restoring.tree(etcd), sorted(path.name for path in (etcd.data / "member").rglob("*"))
    with pytest.raises(MaintenanceError) as caught:
        prepared(etcd, wanted, **options)
    assert restoring.tree(etcd) == before
    assert sorted(path.name for path in (etcd.data / "member").rglob("*")) == inside
    assert caught.value.data["plan"] is None
    return caught.value.msg


def test_a_file_that_is_not_what_it_was(etcd: Etcd, saved: dict[str, t.Any]) -> None:
    path = etcd.backups / saved["snapshot"]["name"]
    whole = path.read_bytes()
    for content, told in (
        (whole[:200] + bytes([whole[200] ^ 1]) + whole[201:], "its trailer says"),
        (whole[:-4096], "The snapshot is damaged"),
        (b"", "The snapshot is damaged"),
    ):
        path.write_bytes(content)
        message = refused(etcd, saved, drill=True)
        assert told in message
        assert "nothing was prepared, nothing was changed" in message
    path.unlink()
    assert "is not there, so nothing was prepared. Bring it here first" in refused(etcd, saved)
    # Whole, and another one.
    etcd.backup(label=Label("manual", "another"))
    (other,) = etcd.backups.glob("*.db")
    other.rename(path)
    assert f"is a whole snapshot, but not the one that the plan {ID} is for: it has sha256" in refused(etcd, saved)


def test_a_snapshot_of_another_cluster(etcd: Etcd, releases: list[Release], tmp_path: pathlib.Path) -> None:
    fill(etcd)
    with Etcd(releases[-1], tmp_path / "other", "cp1").running() as other:
        fill(other, "00000000-7a52-4e0b-9c3c-0f0f3a2b8a50")
        foreign = other.backup()["snapshot"]
    shutil.copytree(other.backups, etcd.backups)
    before = restoring.tree(etcd)
    said = modules.call(etcd_restore_info, manifest_dir=str(etcd.root), dir=str(etcd.backups))
    with pytest.raises(AnsibleFilterError, match=f"is of another cluster, 00000000-.*: cp1 is of {restoring.UID}"):
        restore_plan({"cp1": said}, "newest", ["cp1"])
    assert restoring.tree(etcd) == before
    planned = restore_plan({"cp1": said}, "newest", ["cp1"], cluster_uid=foreign["kube_system_uid"])
    assert prepared(etcd, planned)["expected"]["kube_system_uid"] == foreign["kube_system_uid"]


def test_a_disk_that_is_too_small(
    releases: list[Release], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What etcd itself needs leaves no room for another log; with and without having asked before."""
    small = tmp_path / "cp1"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=180m", "tmpfs", small], check=True)
    try:
        with Etcd(releases[-1], small, "cp1").running() as etcd:
            fill(etcd)
            wanted = order([etcd], save([etcd]))
            message = refused(etcd, wanted)
            assert "FAIL  room for the restore" in message
            assert "goes with restore.yml -e restore_clean=true" in message
            with monkeypatch.context() as patch:
                patch.setattr(disk, "free_bytes", lambda _directory: 1 << 40)
                assert "no space left on device" in refused(etcd, wanted)
            assert etcd.gateway.status().leader
    finally:
        subprocess.run(["umount", "--lazy", small], check=True)


def test_settings_that_what_is_restored_could_not_work_with(etcd: Etcd, saved: dict[str, t.Any]) -> None:
    manifest = etcd.root / "etcd.yaml"
    before = manifest.read_text()
    manifest.write_text(before.replace("- etcd\n", "- etcd\n- --quota-backend-bytes=16384\n"))
    assert "FAIL  room in the quota" in refused(etcd, saved)
    manifest.write_text(before.replace("- etcd\n", "- etcd\n- --force-new-cluster\n"))
    (one,) = saved["members"]
    other = {**one, "name": "cp2", "peer_urls": ["http://127.0.0.1:1"]}
    assert "--force-new-cluster, so it would forget the 1 other" in refused(etcd, {**saved, "members": [one, other]})
    manifest.write_text(before)
    # As where the path in the pod is another one on the host.
    (etcd.root / "elsewhere" / "member").mkdir(parents=True)
    manifest.write_text(before.replace(f"={etcd.data}\n", f"={etcd.root}/elsewhere\n"))
    assert "etcd answers, and no process has member/snap/db in it open" in refused(etcd, saved)
    manifest.write_text(before)
    # What an editor, or somebody careful, has left there is one more static pod.
    (etcd.root / "etcd.yaml.bak").write_text(before)
    assert f"the kubelet also runs etcd from {etcd.root}/etcd.yaml.bak" in refused(etcd, saved)


def test_what_other_restores_have_left(etcd: Etcd, saved: dict[str, t.Any]) -> None:
    """What was only prepared goes, killed checks too, and what may be somebody's data stays."""
    first = prepared(etcd, saved)["plan"]
    top = etcd.data / plan.FOLDER
    (top / f"{ID}.check" / "prepared").mkdir(parents=True)
    kept = top / "20261121T183000Z-000000" / "previous" / "member"
    kept.mkdir(parents=True)
    (top / "20261121T183000Z-000001").mkdir()
    (top / "notes").write_text("mine")
    second = prepared(etcd, {**saved, "id": "20261122T183000Z-4f2a90"})
    assert sorted(path.name for path in top.iterdir()) == [
        "20261121T183000Z-000000",
        "20261122T183000Z-4f2a90",
        "notes",
    ]
    assert len(second["actions"]) == 4
    assert first["id"] == ID
    begun = plan.read(str(etcd.data), "20261122T183000Z-4f2a90")
    assert begun
    plan.enter(begun, plan.STOPPED)
    message = refused(etcd, {**saved, "id": "20261123T183000Z-4f2a90"})
    assert f"another restore of this member, of {saved['snapshot']['name']}, is stopped. Go on with that one" in message
    assert prepared(etcd, {**saved, "id": begun.id})["changed"] is False
    plan.enter(begun, plan.ROLLED_BACK)
    with pytest.raises(MaintenanceError, match="was taken back on this member"):
        prepared(etcd, {**saved, "id": begun.id})
    assert prepared(etcd, {**saved, "id": "20261123T183000Z-4f2a90"})["changed"]


def test_plans_that_are_not_for_this_member(etcd: Etcd, saved: dict[str, t.Any]) -> None:
    (member,) = saved["members"]
    assert "is no member of the plan" in refused(etcd, {**saved, "members": [{**member, "name": "cp9"}]})
    elsewhere = {**member, "peer_urls": ["http://127.0.0.1:1"]}
    assert "the plan 20261121T183000Z-4f2a90 says http://127.0.0.1:1" in refused(
        etcd, {**saved, "members": [elsewhere]}
    )
    prepared(etcd, saved)
    with pytest.raises(MaintenanceError, match="is another plan with the same id"):
        prepared(etcd, {**saved, "bump": 2 * 10**9})


def test_releases(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """A snapshot goes under a later release, and under no earlier one."""
    oldest, newest = releases[0], releases[-1]
    with Etcd(oldest, tmp_path / "old", "cp1").running() as old, Etcd(newest, tmp_path / "new", "cp1").running() as new:
        plans = {}
        for one in (old, new):
            fill(one)
            plans[one.release.version] = save([one])
        for one, other in ((old, new), (new, old)):
            for path in other.backups.glob("etcd-*"):
                shutil.copy(path, one.backups)
            wanted = order([one], plans[other.release.version])
            if one is old:
                assert f"the snapshot's data is of {newest.numbers[0]}.{newest.numbers[1]}" in refused(one, wanted)
            else:
                result = prepared(one, wanted, drill=True)
                assert f"with etcdutl {newest.version} into" in result["actions"][-1]
        new.end()
        shutil.rmtree(new.data / "member")
        (new.data / plan.FOLDER / ID / "prepared" / "member").rename(new.data / "member")
        with new.started():
            new.wait()
            assert new.gateway.count(new.gateway.status().revision) == 30


def test_a_dead_member_and_tools_from_the_vault(etcd: Etcd, saved: dict[str, t.Any]) -> None:
    etcd.end()
    result = prepared(etcd, saved, drill=True, places=())
    tools = next(check for check in result["checks"] if check["name"] == "tools for the restore")
    assert tools["evidence"].count(str(etcd.backups / "tools" / f"etcd-{etcd.release.version}")) == 2
    assert result["durations"]["drill"] > 0
    assert restoring.sidecar(etcd, saved["snapshot"]["name"])["proven"]["etcd_version"] == etcd.release.version
    shutil.rmtree(etcd.backups / "tools")
    assert "FAIL  tools for the restore" in refused(etcd, {**saved, "id": f"{ID[:-1]}9"}, drill=True, places=())
