# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of a member, on a /proc that is made up."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import programs

WRITES, READS = "02100002", "02100000"


def program(path: pathlib.Path, says: str, mode: int = 0o755) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(mode)
    return path


class Node:
    """A node with a database, processes, and a folder of programs."""

    def __init__(self, root: pathlib.Path) -> None:
        self.proc, self.host, self.data = root / "proc", root / "host", root / "data"
        self.database = self.data / "member" / "snap" / "db"
        for folder in (self.proc, self.host, self.database.parent):
            folder.mkdir(parents=True)
        self.database.touch()

    def process(self, pid: int, opened: pathlib.Path, flags: str = WRITES) -> pathlib.Path:
        """Its container's root, where /usr/local/bin/etcd is what runs."""
        place = self.proc / str(pid)
        for folder in ("fd", "fdinfo", "root"):
            (place / folder).mkdir(parents=True)
        (place / "fd" / "7").symlink_to(opened)
        (place / "fdinfo" / "7").write_text(f"pos:\t0\nflags:\t{flags}\nmnt_id:\t29\n")
        (place / "exe").symlink_to("/usr/local/bin/etcd")
        return place / "root"

    def holder(self) -> int | None:
        return programs.holder(str(self.database), str(self.proc))

    def found(self, version: str = "3.6.16") -> dict[str, str]:
        there = programs.of_member(str(self.data), version, str(self.proc), [str(self.host)])
        assert all(one.name == name for name, one in there.items())
        return {name: f"{one.version} {one.path}" for name, one in there.items()}


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


def test_the_member_is_who_writes_the_database(node: Node, tmp_path: pathlib.Path) -> None:
    other = tmp_path / "other"
    other.touch()
    node.process(12, other)
    node.process(40, node.database, READS)
    node.process(300, tmp_path / "deleted")
    (node.proc / "50").mkdir()  # it has ended, or is somebody else's
    (node.proc / "self").symlink_to("300")
    assert node.holder() is None
    node.process(200, node.database)
    assert node.holder() == 200


def test_a_database_that_is_the_same_under_another_path(node: Node, tmp_path: pathlib.Path) -> None:
    mounted = tmp_path / "mounted" / "db"
    mounted.parent.mkdir()
    os.link(node.database, mounted)
    node.process(7, mounted)
    assert node.holder() == 7


@pytest.mark.parametrize("missing", ["proc", "data"])
def test_nothing_to_look_at(node: Node, missing: str) -> None:
    getattr(node, missing).rename(node.host / "gone")
    assert node.holder() is None


def test_those_beside_the_member_come_first(node: Node) -> None:
    root = node.process(7, node.database)
    for name in ("etcdctl", "etcdutl"):
        program(node.host / name, f"{name} version: 3.6.8\nAPI version: 3.6")
    inside = program(root / "usr/local/bin/etcdctl", "etcdctl version: 3.6.16\nAPI version: 3.6")
    assert node.found() == {"etcdctl": f"3.6.16 {inside}", "etcdutl": f"3.6.8 {node.host}/etcdutl"}


def test_etcd_is_what_runs_and_not_what_has_its_name_now(node: Node) -> None:
    node.process(7, node.database)
    runs = program(node.host / "old", "etcd Version: 3.6.16\nGit SHA: x")
    program(node.host / "etcd", "etcd Version: 3.6.17")
    exe = node.proc / "7" / "exe"
    exe.unlink()
    exe.symlink_to(runs)
    assert node.found() == {"etcd": f"3.6.16 {exe}"}


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ("etcdctl version: 3.6.16\nAPI version: 3.6", "3.6.16"),
        ("etcdctl version: 3.6.0-rc.1\nAPI version: 3.6", "3.6.0-rc.1"),
        ("etcdctl version: 3.5.16\nAPI version: 3.5", ""),
        ("etcdctl version: 3.7.0\nAPI version: 3.7", ""),
        ("etcdctl version: 13.6.1", ""),
        ("etcdctl version: 3.60.1", ""),
        ("redis-cli 3.6.1", ""),
        ("", ""),
    ],
)
def test_only_of_the_same_minor(node: Node, says: str, version: str) -> None:
    path = program(node.host / "etcdctl", says)
    assert node.found() == ({"etcdctl": f"{version} {path}"} if version else {})


def test_a_program_that_fails_to_say_what_it_is(node: Node) -> None:
    (node.host / "etcdctl").write_text("#!/bin/sh\necho etcdctl version: 3.6.16; exit 1\n")
    (node.host / "etcdctl").chmod(0o755)
    (node.host / "etcdutl").write_text("#!/no/such/interpreter\n")
    (node.host / "etcdutl").chmod(0o755)
    assert node.found() == {}


@pytest.mark.parametrize("mode", [0o644, 0o775, 0o757])
def test_no_program_or_one_that_others_can_change(node: Node, mode: int) -> None:
    program(node.host / "etcdctl", "etcdctl version: 3.6.16", mode)
    assert node.found() == {}


@pytest.mark.parametrize("link", ["usr/local/bin/etcdctl", "usr/local/bin", "usr"])
def test_no_link_leads_out_of_a_container(node: Node, tmp_path: pathlib.Path, link: str) -> None:
    root = node.process(7, node.database)
    outside = tmp_path / "outside"
    program(outside / "usr/local/bin/etcdctl", "etcdctl version: 3.6.16")
    (root / link).parent.mkdir(parents=True, exist_ok=True)
    (root / link).symlink_to(outside / link)
    assert (root / "usr/local/bin/etcdctl").exists()
    assert node.found() == {}


def test_a_link_on_the_host_is_followed(node: Node, tmp_path: pathlib.Path) -> None:
    real = program(tmp_path / "etcd-3.6.16" / "etcdctl", "etcdctl version: 3.6.16")
    (node.host / "etcdctl").symlink_to(real)
    assert node.found() == {"etcdctl": f"3.6.16 {real}"}


def test_no_folder_is_a_program(node: Node) -> None:
    (node.host / "etcdctl").mkdir()
    assert node.found() == {}


def test_the_real_proc_knows_this_process(tmp_path: pathlib.Path) -> None:
    database = tmp_path / "db"
    with database.open("w"):
        assert programs.holder(str(database)) == os.getpid()
    with database.open():
        assert programs.holder(str(database)) is None


def test_no_program_in_a_folder_where_everybody_can_exchange_it(node: Node) -> None:
    path = program(node.host / "etcdctl", "etcdctl version: 3.6.16")
    node.host.chmod(0o777)
    assert node.found() == {}
    assert not programs.is_safe(str(path))
    node.host.chmod(0o1777)
    assert programs.is_safe(str(path))
    assert sorted(node.found()) == ["etcdctl"]


def test_what_runs_is_not_run_as_root_where_others_can_change_it(node: Node) -> None:
    node.process(7, node.database)
    exe = node.proc / "7" / "exe"
    exe.unlink()
    exe.symlink_to(program(node.host / "mine", "etcd Version: 3.6.16", 0o757))
    assert node.found() == {}


@pytest.mark.parametrize(
    ("mode", "owner", "guarded"),
    [
        (0o100755, 0, True),
        (0o100755, os.geteuid(), True),
        (0o100755, 4711, False),
        (0o100775, 0, False),
        (0o100757, 0, False),
        (0o040755, 0, True),
        (0o042775, 0, True),
        (0o040777, 0, False),
        (0o041777, 0, True),
        (0o041777, 4711, False),
    ],
)
def test_whose_it_is_counts(mode: int, owner: int, guarded: bool) -> None:
    """What etcd's own user has put there would be run as root otherwise."""
    assert programs.guarded(os.stat_result((mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))) is guarded


def test_files_of_other_names_are_not_looked_at(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """One on a server that is gone would never answer."""
    node.process(7, node.database)
    (node.proc / "7" / "fd" / "3").symlink_to("/mnt/gone/file")
    stat, looked = os.stat, []

    def look(path: str, **options: object) -> os.stat_result:
        looked.append(str(path))
        return stat(path, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", look)
    assert node.holder() == 7
    assert [path for path in looked if path.endswith("/fd/3")] == []
