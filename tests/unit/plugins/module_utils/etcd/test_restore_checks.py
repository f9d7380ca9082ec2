# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore is refused for on a member, check by check."""

from __future__ import annotations

import dataclasses
import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import contents, objects
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.layout import Place
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.stored import PLAIN, Encryption
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import state
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import (
    LocalMember,
    Settings,
    from_settings,
)
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.programs import Program
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import (
    order,
    prepare_checks,
    restored,
    tools,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import restores

PODS = objects.Group(Place("pods", ""), PLAIN, 30, 3000)
SECRETS = objects.Group(Place("secrets", ""), Encryption("aescbc", "key1"), 3, 300)
MADE_UP = objects.Group(objects.MADE_UP, PLAIN, 1, 10)
MEMBER = state.Member("1", "cp1", ("https://cp1:2380",))
FOUND = contents.Contents(
    revision=10432,
    head=10432,
    keys=30,
    rows=60,
    members=(MEMBER,),
    alarms=(),
    storage_version="3.6.0",
    cluster_version="3.6.0",
    kube_system_uid="a uid",
    hash=None,
    objects=(PODS,),
    kept={},
)
POD = LocalMember("http://127.0.0.1:2379", "", "", "", "cp1", "/var/lib/etcd", (), "etcd:3.6.16-0", "etcd.yaml")
UNIT = dataclasses.replace(POD, image="", source="etcd.service")


@pytest.mark.parametrize(
    ("version", "storage", "cluster", "status"),
    [
        ("3.6.16", "3.6.0", "3.6.0", "pass"),
        ("3.7.0", "3.6.0", "3.6.0", "pass"),
        ("3.5.35", "3.6.0", "3.6.0", "fail"),
        ("3.5.35", "", "3.5.0", "pass"),
        ("3.6.16", "", "3.5.0", "pass"),
        ("3.10.0", "3.9.0", "3.9.0", "pass"),
        ("3.9.0", "3.10.0", "3.10.0", "fail"),
        ("", "3.6.0", "3.6.0", "warn"),
        # A file that says nothing: then what took it.
        ("3.5.35", "", "", "fail"),
    ],
)
def test_release(version: str, storage: str, cluster: str, status: str) -> None:
    found = dataclasses.replace(FOUND, storage_version=storage, cluster_version=cluster)
    assert prepare_checks.release("cp1", version, found, "3.6.16").status == status


@pytest.mark.parametrize(
    ("version", "names", "wanted", "status"),
    [
        ("3.6.16", ("etcd", "etcdutl"), ("etcdutl", "etcd"), "pass"),
        ("3.6.16", ("etcdutl",), ("etcdutl",), "pass"),
        ("3.6.16", ("etcdutl",), ("etcdutl", "etcd"), "fail"),
        ("3.6.16", (), ("etcdutl",), "fail"),
        ("3.5.9", ("etcdutl",), ("etcdutl",), "fail"),
        ("3.5.10", ("etcdutl",), ("etcdutl",), "pass"),
    ],
)
def test_programs(version: str, names: tuple[str, ...], wanted: tuple[str, ...], status: str) -> None:
    found = {name: Program(name, f"/bin/{name}", version) for name in names}
    check = prepare_checks.programs("/backups", version, found, wanted)
    assert check.status == status
    assert (f"releases/tag/v{version}" in check.fix) == (status == "fail")


def test_data_that_one_rename_does_not_exchange(tmp_path: pathlib.Path) -> None:
    (tmp_path / "member" / "snap").mkdir(parents=True)
    (passed,) = prepare_checks.names(str(tmp_path), "")
    assert passed.status == "pass"
    (tmp_path / "wal").mkdir()
    (tmp_path / "member" / "wal").symlink_to(tmp_path / "wal")
    elsewhere, link = prepare_checks.names(str(tmp_path), "/fast/wal")
    assert "--wal-dir=/fast/wal" in elsewhere.evidence
    assert f"{tmp_path}/member/wal is a link" in link.evidence
    assert {elsewhere.status, link.status} == {"fail"}


@pytest.mark.parametrize(("kubelet", "status"), [("active", "pass"), ("inactive", "fail"), ("", "fail")])
def test_who_starts_it(kubelet: str, status: str) -> None:
    assert prepare_checks.starter(POD, kubelet).status == status
    assert prepare_checks.starter(UNIT, kubelet).status == "pass"


def test_room() -> None:
    needed = (1000 + prepare_checks.LOGS) * 12 // 10
    assert prepare_checks.room("/var/lib/etcd", 1000, needed).status == "pass"
    check = prepare_checks.room("/var/lib/etcd", 1000, needed - 7)
    assert (check.status, check.fix[:17]) == ("fail", "free 7 bytes ther")


@pytest.mark.parametrize(
    ("quota", "size", "status"),
    [(0, 2**31 - 1, "pass"), (0, 2**31, "fail"), (2**33, 2**32, "pass"), (1000, 1000, "fail"), (1000, 999, "pass")],
)
def test_the_quota(quota: int, size: int, status: str) -> None:
    assert prepare_checks.quota(dataclasses.replace(POD, quota=quota), size).status == status


@pytest.mark.parametrize(
    ("flags", "members", "status"),
    [
        ({}, 3, "pass"),
        ({"force-new-cluster": "false"}, 3, "pass"),
        ({"force-new-cluster": ""}, 3, "fail"),
        ({"force-new-cluster": "True"}, 3, "fail"),
        ({"force-new-cluster": "true"}, 1, "pass"),
    ],
)
def test_a_member_that_forgets_the_others(flags: dict[str, str], members: int, status: str) -> None:
    urls = {"listen-client-urls": "http://127.0.0.1:2379", "data-dir": "/var/lib/etcd", "name": "cp1"}
    local = from_settings(Settings("etcd.yaml", {**urls, **flags}), lambda _path: True)
    assert prepare_checks.together(local, members).status == status


def test_alarms() -> None:
    raised = dataclasses.replace(FOUND, alarms=(state.Alarm("1", "NOSPACE"),))
    assert prepare_checks.alarms("x.db", FOUND).status == "pass"
    assert prepare_checks.alarms("x.db", raised).evidence == "NOSPACE of 1"


@pytest.mark.parametrize(
    ("groups", "known", "status"),
    [
        ((PODS,), None, "pass"),
        ((SECRETS,), {("aescbc", "key1")}, "pass"),
        ((SECRETS,), {("aescbc", "key2")}, "fail"),
        ((SECRETS,), {("aesgcm", "key1")}, "fail"),
        ((SECRETS,), set(), "fail"),
        ((SECRETS,), None, "warn"),
    ],
)
def test_keys(groups: tuple[objects.Group, ...], known: set[tuple[str, str]] | None, status: str) -> None:
    check = prepare_checks.keys("/etc/kubernetes/enc.yaml", known, dataclasses.replace(FOUND, objects=groups))
    assert check.status == status
    assert ("secrets with aescbc, key key1" in check.evidence) == (groups == (SECRETS,))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"revision": 10432}, ["it ends at revision 10432 and not at 1000010432"]),
        ({"objects": (PODS,)}, []),
        (
            {"objects": (SECRETS, MADE_UP), "keys": 3},
            ["it holds 3 keys, the snapshot 30, and they are not the same ones"],
        ),
        ({"kube_system_uid": ""}, ["its kube-system has the UID none"]),
        ({"members": ()}, ["its members are "]),
        (
            {"members": (dataclasses.replace(MEMBER, is_learner=True),)},
            ["its members are cp1 (1, https://cp1:2380, learner)"],
        ),
        (
            {"members": (MEMBER, dataclasses.replace(MEMBER, name="zombie"))},
            ["its members are cp1 (1, https://cp1:2380), zombie (1, https://cp1:2380)"],
        ),
    ],
)
def test_what_was_restored(changes: dict[str, object], told: list[str]) -> None:
    made = dataclasses.replace(FOUND, **{"revision": 1000010432, "objects": (PODS, MADE_UP), **changes})
    assert restored.differences(made, FOUND, order.parse(restores.told("cp1"))) == told


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("registry.k8s.io/etcd:3.6.16-0", "3.6.16"),
        ("registry.example:5000/etcd:v3.5.21", "3.5.21"),
        ("registry.example:5000/etcd:3.6.4-0@sha256:1234", "3.6.4"),
        ("registry.example:5000/etcd", ""),
        ("etcd:latest", ""),
    ],
)
def test_the_release_of_a_member_that_does_not_answer(image: str, version: str) -> None:
    silent = dataclasses.replace(POD, image=image, endpoint="http://127.0.0.1:9")
    assert tools.release(silent, ()) == version


def test_versions_are_compared_as_numbers() -> None:
    assert sorted(["3.5.10", "3.5.9", "3.10.0-rc.1", "3.6"], key=tools.numbers) == [
        "3.5.9",
        "3.5.10",
        "3.6",
        "3.10.0-rc.1",
    ]
