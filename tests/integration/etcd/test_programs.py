# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of members that run, and what they are used for."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import programs
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import fetch, snapshot, vault
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import NAMES, Client, Etcd, Release

Checks = dict[str, tuple[str, str]]


def checks(result: dict[str, t.Any]) -> Checks:
    return {check["name"]: (check["status"], check["evidence"]) for check in result["checks"]}


def test_the_programs_of_each_member(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            assert programs.holder(str(etcd.data / "member" / "snap" / "db")) == etcd.process.pid
            found = programs.of_member(str(etcd.data), release.version)
            assert {name: one.version for name, one in found.items()} == dict.fromkeys(NAMES, release.version)
            assert {one.path.split("/")[2] for one in found.values()} == {str(etcd.process.pid)}


def test_both_ways_bring_the_same(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            for number in range(30):
                Client(etcd.local).put(b"/registry/pods/%d" % number, b"p" * 5000)
            etcd.noted()  # or it comes in between
            first, second = (etcd.backup(save_with=way)["snapshot"] for way in ("etcdctl", "gateway"))
        assert (first["save_method"], second["save_method"]) == (f"etcdctl {release.version}", "gateway")
        # Not the size: pages that were freed meanwhile are in one of the files.
        same = ("revision", "live_keys", "rows", "members", "cluster_id")
        assert {name: first[name] for name in same} == {name: second[name] for name in same}
        one, other = (snapshot.verify(taken["path"]).contents for taken in (first, second))
        assert one == other
        assert {path.suffix for path in etcd.backups.iterdir() if path.is_file()} == {".db", ".json"}


def test_the_module_prefers_etcdctl(etcd: Etcd) -> None:
    places = {"dir": str(etcd.backups), "manifest_dir": str(etcd.root)}
    forecast = modules.call(etcd_snapshot, check=True, **places)
    assert not etcd.backups.exists()
    result = modules.call(etcd_snapshot, **places)
    # Of what it has just begun with, its file may have grown meanwhile.
    told = [[re.sub(r"\d+ bytes at", "bytes at", action) for action in one["actions"]] for one in (forecast, result)]
    assert told[0] == told[1]
    assert result["snapshot"]["save_method"] == f"etcdctl {etcd.release.version}"
    assert checks(result)["tools for a restore"] == ("pass", f"etcd and etcdutl {etcd.release.version}")
    assert modules.call(etcd_snapshot, save_with="gateway", **places)["snapshot"]["save_method"] == "gateway"


def test_one_that_cannot_ask_the_member_gives_way_to_the_gateway(etcd: Etcd, tmp_path: pathlib.Path) -> None:
    """Its certificate authority is another, as where a certificate has just been renewed."""
    found = programs.of_member(str(etcd.data), etcd.release.version)
    local = dataclasses.replace(etcd.local, ca_file="/no/such/ca.crt")
    way = fetch.Fetch(Gateway(etcd.local), local, found["etcdctl"])
    assert way(str(tmp_path / "x.part"), Deadline(120)) == "gateway"
    assert "/no/such/ca.crt" in way.told[0].evidence
    snapshot.verify(str(tmp_path / "x.part"))


def test_a_member_without_tls(releases: list[Release], tmp_path: pathlib.Path) -> None:
    etcd = Etcd(releases[-1], tmp_path / "cp1", tls=False)
    with etcd.running():
        assert etcd.backup()["snapshot"]["save_method"].startswith("etcdctl")
        assert etcd.backup(save_with="gateway")["snapshot"]["save_method"] == "gateway"


def test_a_run_of_another_minor_on_the_host_is_not_used(releases: list[Release], etcd: Etcd) -> None:
    other = next(release for release in releases if release.numbers[:2] != etcd.release.numbers[:2])
    found = programs.of_member("/no/such/member", etcd.release.version, places=[str(other.directory)])
    assert found == {}
    found = programs.of_member("/no/such/member", other.version, places=[str(other.directory)])
    assert {name: one.path for name, one in found.items()} == {name: str(other.directory / name) for name in NAMES}


def test_the_vault(etcd: Etcd) -> None:
    version = etcd.release.version
    first = etcd.backup()
    folder = etcd.backups / "tools" / f"etcd-{version}"
    assert f"keep etcd, etcdctl, etcdutl of etcd {version} in {folder}" in first["actions"]
    assert sorted(os.listdir(folder)) == ["SHA256SUMS", *NAMES]
    assert first["snapshot"]["tools"] == {
        "version": version,
        "directory": str(folder),
        "programs": vault.digests(str(folder)),
    }
    kept = vault.programs(str(etcd.backups), version)
    assert {name: programs.version_of(name, one.path) for name, one in kept.items()} == dict.fromkeys(NAMES, version)
    etcd.release.snapshot_restore(first["snapshot"]["path"], etcd.root / "restored")
    second = etcd.backup()
    assert [action for action in second["actions"] if str(folder) in action] == []
    assert second["snapshot"]["tools"] == first["snapshot"]["tools"]
    (folder / "etcdutl").write_bytes(b"rotten")
    third = etcd.backup()
    assert f"replace etcdutl in {folder}, whose digest does not fit any more" in third["actions"]
    assert len(vault.programs(str(etcd.backups), version)) == len(NAMES)


def test_room_is_needed_for_the_vault_too(etcd: Etcd) -> None:
    before = checks(etcd.backup(dry_run=True))["room for the snapshot"][1]
    assert "bytes that go with it" in before
    etcd.backup()
    assert "bytes that go with it" not in checks(etcd.backup(dry_run=True))["room for the snapshot"][1]


def test_programs_of_no_snapshot_go_with_a_prune(etcd: Etcd) -> None:
    etcd.backup()
    old = etcd.backups / "tools" / "etcd-3.4.1"
    old.mkdir()
    (old / "etcd").touch()
    places = {"dir": str(etcd.backups), "manifest_dir": str(etcd.root)}
    for check in (True, False):
        assert old.exists()
        result = modules.call(etcd_snapshot, state="pruned", check=check, **places)
        assert result["actions"] == [f"delete {old}, which is for no snapshot any more"]
    assert os.listdir(etcd.backups / "tools") == [f"etcd-{etcd.release.version}"]


@pytest.mark.parametrize("save_with", ["auto", "etcdctl"])
def test_where_no_programs_are_to_be_found(etcd: Etcd, monkeypatch: pytest.MonkeyPatch, save_with: str) -> None:
    monkeypatch.setattr(programs, "holder", lambda *_place: None)
    if save_with == "etcdctl":
        with pytest.raises(snapshot.MaintenanceError, match="no etcdctl .* beside the running member or on the host"):
            etcd.backup(save_with=save_with, places=())
        assert not etcd.backups.exists()
        return
    result = etcd.backup(save_with=save_with, places=())
    assert (result["snapshot"]["save_method"], result["snapshot"]["tools"]) == ("gateway", None)
    assert checks(result)["tools for a restore"][0] == "warn"
