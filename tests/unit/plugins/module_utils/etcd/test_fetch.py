# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a snapshot is fetched, with scripts in the place of etcdctl."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shlex
import stat

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import process
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import LocalMember
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.programs import Program
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import fetch
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd

# It writes beside its target first, as etcdctl does. Its target is its last argument.
SAVES = 'for last; do :; done; echo snapshot > "$last.part"; mv "$last.part" "$last"'
FAILS = 'for last; do :; done; echo half > "$last.part"; echo half > "$last"; echo "Error: {}" >&2; exit 4'
LOCAL = LocalMember("https://127.0.0.1:2379", "/pki/ca.crt", "/pki/c.crt", "/pki/c.key", "cp1", "/data", (), "", "x")


class Node:
    """A folder with a program and what it was called with."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.part = root / "x.db.part"
        self.called = root / "called"

    def etcdctl(self, script: str) -> Program:
        path = self.root / "etcdctl"
        path.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {shlex.quote(str(self.called))}\n{script}\n')
        path.chmod(0o755)
        return Program("etcdctl", str(path), "3.6.16")

    def fetch(self, script: str, etcd: FakeEtcd | None = None, fall_back: bool = True) -> tuple[str, fetch.Fetch]:
        local = dataclasses.replace(LOCAL, endpoint=etcd.url, ca_file="", cert_file="", key_file="") if etcd else LOCAL
        gateway = Gateway(dataclasses.replace(local, endpoint=local.endpoint.replace("https", "http")))
        way = fetch.Fetch(gateway, local, self.etcdctl(script), fall_back)
        return way(str(self.part), Deadline(60)), way

    def left(self) -> set[str]:
        return set(os.listdir(self.root)) - {"etcdctl", "called"}


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


def test_with_etcdctl(node: Node) -> None:
    method, way = node.fetch(SAVES)
    assert (method, str(way), way.told) == ("etcdctl 3.6.16", "etcdctl 3.6.16", [])
    assert node.part.read_text() == "snapshot\n"
    assert stat.S_IMODE(node.part.stat().st_mode) == 0o600
    assert node.left() == {"x.db.part"}
    *flags, snapshot, save, path = node.called.read_text().split()
    assert (snapshot, save, path) == ("snapshot", "save", str(node.part))
    left = flags.pop().removeprefix("--command-timeout=").removesuffix("s")
    assert 0 < int(left) <= 60
    assert flags == [
        "--endpoints=https://127.0.0.1:2379",
        "--cacert=/pki/ca.crt",
        "--cert=/pki/c.crt",
        "--key=/pki/c.key",
    ]


def test_a_member_without_tls_that_serves_grpc_elsewhere(node: Node) -> None:
    local = LocalMember("http://127.0.0.1:1", "", "", "", "cp1", "/data", (), "", "x", 0, "http://127.0.0.1:2379")
    fetch.through_etcdctl(node.etcdctl(SAVES), local, str(node.part), Deadline(60))
    assert node.called.read_text().split()[:-4] == ["--endpoints=http://127.0.0.1:2379"]


def test_the_gateway_takes_over_from_one_that_fails(node: Node) -> None:
    with FakeEtcd() as etcd:
        method, way = node.fetch(FAILS.format("connection refused"), etcd)
        assert node.part.read_bytes() == etcd.database
    assert method == "gateway"
    (told,) = way.told
    assert told.status == "warn"
    assert "Error: connection refused. The gateway was used instead" in told.evidence
    assert node.left() == {"x.db.part"}


def test_the_gateway_does_not_where_it_was_not_asked_for(node: Node) -> None:
    with FakeEtcd() as etcd, pytest.raises(process.ProcessError, match="connection refused"):
        node.fetch(FAILS.format("connection refused"), etcd, fall_back=False)
    assert "maintenance/snapshot" not in etcd.asked


@pytest.mark.parametrize("problem", ["no space left on device", "disk quota exceeded", "file too large"])
def test_a_full_disk_is_none_for_the_gateway_either(node: Node, problem: str) -> None:
    with FakeEtcd() as etcd, pytest.raises(OSError, match="(?i)" + problem) as caught:
        node.fetch(FAILS.format(f"could not write snapshot: write /x.part: {problem}"), etcd)
    assert caught.value.filename == str(node.part)
    assert "maintenance/snapshot" not in etcd.asked


def test_one_that_takes_all_the_time_leaves_none_to_the_gateway(node: Node) -> None:
    with FakeEtcd() as etcd, pytest.raises(process.ProcessError, match="not done in 0 s"):
        local = dataclasses.replace(LOCAL, endpoint=etcd.url)
        fetch.Fetch(Gateway(local), local, node.etcdctl("sleep 600"))(str(node.part), Deadline(0))
    assert "maintenance/snapshot" not in etcd.asked


@pytest.mark.parametrize(
    ("save_with", "there", "method", "refused"),
    [
        ("auto", True, "etcdctl 3.6.8", False),
        ("auto", False, "gateway", False),
        ("gateway", True, "gateway", False),
        ("gateway", False, "gateway", False),
        ("etcdctl", True, "etcdctl 3.6.8", False),
        ("etcdctl", False, "gateway", True),
    ],
)
def test_the_choice(save_with: str, there: bool, method: str, refused: bool) -> None:
    found = {"etcdctl": Program("etcdctl", "/x", "3.6.8")} if there else {}
    gateway = Gateway(dataclasses.replace(LOCAL, endpoint="http://127.0.0.1:1"))
    way, checks = fetch.choose(save_with, found, gateway, LOCAL, "3.6.16")
    assert str(way) == method
    assert way.fall_back == (save_with == "auto")
    assert [check.status for check in checks] == (["fail"] if refused else [])
    assert all("no etcdctl 3.6 beside" in check.evidence for check in checks)
