# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the module says of real members, well and ill."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Release,
    Writer,
    make,
    together,
)

NAMES = ("cp1", "cp2", "cp3")


def look(etcd: Etcd, **options: t.Any) -> modules.Result:
    result = modules.call(etcd_info, manifest_dir=str(etcd.root), **options)
    assert not result.get("failed"), result["msg"]
    return result


def told(result: modules.Result, *statuses: str) -> dict[str, str]:
    return {check["name"]: check["evidence"] for check in result["checks"] if check["status"] in statuses}


@pytest.fixture
def members(releases: list[Release], tmp_path: pathlib.Path) -> t.Iterator[t.Sequence[Etcd]]:
    with together(make(releases[-1], tmp_path, NAMES)) as started:
        yield started


def test_three_members_under_write_load(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        place = tmp_path / release.version
        place.mkdir()
        with together(make(release, place, NAMES)) as started, Writer(started[0]) as writer:
            result = look(started[1])
        assert not writer.failed
        assert result["ok"], result["summary"]
        assert told(result, "warn", "fail", "skip") == {}
        assert result["leader"] in NAMES
        assert sorted(result["snapshot_members"]) == list(NAMES)
        assert result["snapshot_members"][-1] == result["leader"]
        assert (result["member"], result["data_dir"]) == ("cp2", str(started[1].data))
        assert [member["name"] for member in sorted(result["members"], key=lambda one: one["name"])] == list(NAMES)
        assert {member["version"] for member in result["members"]} == {release.version}
        assert {str(member["hash"]) for member in result["members"]} == {str(result["members"][0]["hash"])}
        assert result["summary"] == ["etcd is well: 3 members, 19 checks"]


def test_members_that_are_down(members: t.Sequence[Etcd]) -> None:
    members[2].end()
    result = look(members[0])
    assert "2 of 3 voting members answer, 2 are needed: none may be lost" in told(result, "warn")["etcd quorum"]
    assert "does not answer" in told(result, "fail")["etcd member answers"]
    assert [member["trouble"] != "" for member in result["members"]].count(True) == 1
    members[1].end()
    members[0].leaderless()
    result = look(members[0])
    failed = told(result, "fail")
    assert not result["ok"]
    assert failed["etcd quorum"] == "1 of 3 voting members answer, 2 are needed"
    assert "the members do not agree on one (cp1: none)" in failed["etcd has a leader"]
    assert "needs a quorum" in told(result, "skip")["etcd has no alarm"]
    assert result["leader"] == ""


def test_members_that_were_restored_from_different_snapshots(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """All of them look healthy to etcdctl."""
    old = Etcd(releases[-1], tmp_path / "old")
    with old.running():
        client = Client(old.local)
        client.put(b"/registry/pods/1", b"one")
        first = old.backup()["snapshot"]["path"]
        client.put(b"/registry/pods/1", b"two")
        second = old.backup()["snapshot"]["path"]
    pair = make(releases[-1], tmp_path, NAMES[:2])
    peers = ",".join(f"{one.name}={one.peer_url}" for one in pair)
    for one, path in zip(pair, (first, second), strict=True):
        own = [f"--name={one.name}", f"--initial-advertise-peer-urls={one.peer_url}"]
        one.release.snapshot_restore(path, one.data, f"--initial-cluster={peers}", *own)
    with together(pair):
        # Up to the older snapshot's end their data is the same. What comes after that shows it.
        Client(pair[0].local).put(b"/registry/pods/2", b"after")
        failed = told(look(pair[0]), "fail")
        compared = told(look(pair[0], compare_data=False), "skip")
    assert list(failed) == ["etcd data equal"]
    assert " on cp1" in failed["etcd data equal"]
    assert " on cp2" in failed["etcd data equal"]
    assert compared == {"etcd data equal": "0 members have been compared"}


def test_a_learner_and_one_that_never_started(etcd: Etcd, tmp_path: pathlib.Path) -> None:
    with Etcd(etcd.release, tmp_path / "cp2", "cp2").running(join=etcd):
        result = look(etcd)
        assert told(result, "warn")["etcd members vote"] == "learners: cp2"
        assert result["snapshot_members"] == ["cp1"]
        assert told(result, "skip")["etcd snapshot member"].startswith("passed over: ")
    etcd.ctl("member", "remove", next(one["id"] for one in look(etcd)["members"] if one["name"] == "cp2"))
    etcd.ctl("member", "add", "cp3", "--learner", "--peer-urls=http://127.0.0.1:1")
    result = look(etcd)
    assert "added and never started: (not started)" in told(result, "fail")["etcd members vote"]
    assert {member["trouble"] for member in result["members"]} == {"", "it has not started, so it has no address yet"}


def test_an_alarm(etcd: Etcd) -> None:
    member = int(etcd.gateway.status().member_id, 16)
    Client(etcd.local).call("maintenance/alarm", action="ACTIVATE", memberID=str(member), alarm="NOSPACE")
    result = look(etcd)
    assert result["alarms"] == [{"member": "cp1", "kind": "NOSPACE"}]
    assert told(result, "fail") == {"etcd has no alarm": "NOSPACE of cp1"}


def test_seen_from_an_apiserver_whose_etcd_is_elsewhere(members: t.Sequence[Etcd], tmp_path: pathlib.Path) -> None:
    local = members[0].local
    place = tmp_path / "manifests"
    place.mkdir()
    flags = {
        "etcd-servers": f"https://127.0.0.1:1,{members[1].client_url}",
        "etcd-cafile": local.ca_file,
        "etcd-certfile": local.cert_file,
        "etcd-keyfile": local.key_file,
    }
    lines = "".join(f"- --{name}={value}\n" for name, value in flags.items())
    (place / "kube-apiserver.yaml").write_text(f"command:\n- kube-apiserver\n{lines}image: kube-apiserver:v1\n")
    result = modules.call(etcd_info, manifest_dir=str(place))
    assert result["ok"], result
    assert (result["source"], result["member"]) == ("the flags of kube-apiserver", "")
    assert list(told(result, "skip")) == ["etcd member list"]


def test_run_by_systemd(etcd: Etcd, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """systemctl is played; the member, the unit's files and what they say are real."""
    local = etcd.local
    file = tmp_path / "etcd.env"
    file.write_text(
        f"# as kubespray writes it\nETCD_NAME=cp1\nETCD_DATA_DIR={local.data_dir}\n"
        f"ETCD_LISTEN_CLIENT_URLS={local.endpoint}\nETCD_TRUSTED_CA_FILE={local.ca_file}\n"
        f"ETCDCTL_CERT={local.cert_file}\nETCDCTL_KEY={local.key_file}\nETCD_CERT_FILE=/x\nETCD_KEY_FILE=/y\n"
    )
    systemctl = tmp_path / "systemctl"
    command = "{ path=/usr/local/bin/etcd ; argv[]=/usr/local/bin/etcd ; ignore_errors=no ; pid=0 }"
    shown = f"LoadState=loaded\nExecStart={command}\nEnvironmentFiles={file} (ignore_errors=yes)\n"
    systemctl.write_text(f"#!/bin/sh\ncat <<'END'\n{shown}END\n")
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    result = modules.call(etcd_info, manifest_dir=str(tmp_path / "none"))
    assert result["ok"], result
    assert (result["source"], result["member"], result["data_dir"]) == ("etcd.service", "cp1", local.data_dir)


@pytest.mark.parametrize("there", ["etcd", "kube-apiserver"])
def test_nothing_to_ask(there: str, tmp_path: pathlib.Path) -> None:
    flags = "- --etcd-servers=http://127.0.0.1:1\n" if there == "kube-apiserver" else ""
    if flags:
        (tmp_path / "kube-apiserver.yaml").write_text(f"command:\n- kube-apiserver\n{flags}image: x:v1\n")
    result = modules.call(etcd_info, manifest_dir=str(tmp_path))
    assert result["failed"]
    assert ("no member of etcd says who the members are" if flags else "this node knows no etcd") in result["msg"]
