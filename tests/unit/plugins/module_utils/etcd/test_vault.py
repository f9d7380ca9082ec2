# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import hashlib
import os
import pathlib
import stat
import subprocess

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.programs import Program
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import vault

VERSION = "3.6.16"


class Node:
    """A node with programs, and a directory of backups."""

    def __init__(self, root: pathlib.Path) -> None:
        self.bin, self.backups = root / "bin", root / "backups"
        self.bin.mkdir()
        self.folder = self.backups / "tools" / f"etcd-{VERSION}"
        self.found = {name: self.program(name) for name in ("etcd", "etcdctl", "etcdutl")}

    def program(self, name: str, content: str = "") -> Program:
        (self.bin / name).write_text(content or f"this is {name}")
        return Program(name, str(self.bin / name), VERSION)

    def plan(self) -> vault.Plan:
        planned = vault.plan(str(self.backups), VERSION, self.found)
        assert planned
        return planned

    def fill(self) -> vault.Plan:
        planned = self.plan()
        vault.fill(planned)
        return planned

    def known(self) -> list[str]:
        return sorted(vault.programs(str(self.backups), VERSION))


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


def test_all_are_copied_once(node: Node) -> None:
    planned = node.fill()
    assert planned.actions == [f"keep etcd, etcdctl, etcdutl of etcd {VERSION} in {node.folder}"]
    assert planned.size == sum(path.stat().st_size for path in node.bin.iterdir())
    assert {path.name: path.read_bytes() for path in node.folder.iterdir() if path.name != "SHA256SUMS"} == {
        path.name: path.read_bytes() for path in node.bin.iterdir()
    }
    for path in (node.backups, node.folder.parent, node.folder, node.folder / "etcd"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert planned.as_dict() == {
        "version": VERSION,
        "directory": str(node.folder),
        "programs": {name: hashlib.sha256(f"this is {name}".encode()).hexdigest() for name in node.found},
    }
    again = node.plan()
    assert (again.copies, again.size, again.actions) == ((), 0, [])
    assert again.as_dict() == planned.as_dict()
    assert node.known() == ["etcd", "etcdctl", "etcdutl"]


def test_sha256sum_reads_the_sums(node: Node) -> None:
    node.fill()
    checked = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=node.folder, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0
    assert checked.stdout == "etcd: OK\netcdctl: OK\netcdutl: OK\n"


def test_what_has_changed_in_the_vault_is_replaced_and_told(node: Node) -> None:
    node.fill()
    (node.folder / "etcdutl").write_text("rotten")
    (node.folder / "etcdctl").unlink()
    assert node.known() == ["etcd"]
    assert node.fill().actions == [
        f"keep etcdctl of etcd {VERSION} in {node.folder}",
        f"replace etcdutl in {node.folder}, whose digest does not fit any more",
    ]
    assert (node.folder / "etcdutl").read_text() == "this is etcdutl"
    assert node.known() == ["etcd", "etcdctl", "etcdutl"]


def test_a_link_in_the_vault_is_replaced_and_not_followed(node: Node, tmp_path: pathlib.Path) -> None:
    node.fill()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("this is etcdutl")
    (node.folder / "etcdutl").unlink()
    (node.folder / "etcdutl").symlink_to(elsewhere)
    node.fill()
    assert not (node.folder / "etcdutl").is_symlink()
    assert elsewhere.read_text() == "this is etcdutl"


def test_what_was_kept_stays_where_the_member_has_it_no_longer(node: Node) -> None:
    kept = node.fill()
    node.found.clear()
    assert node.plan().digests == kept.digests
    (node.folder / "etcd").write_text("rotten")
    assert sorted(node.plan().digests) == ["etcdctl", "etcdutl"]


def test_what_a_killed_run_left_is_written_over(node: Node) -> None:
    node.folder.mkdir(parents=True)
    (node.folder / "etcd.part").write_text("half")
    node.fill()
    assert sorted(path.name for path in node.folder.iterdir()) == ["SHA256SUMS", "etcd", "etcdctl", "etcdutl"]


def test_a_program_that_changes_meanwhile_is_not_kept(node: Node) -> None:
    planned = node.plan()
    node.program("etcd", "another")
    with pytest.raises(MaintenanceError, match="has changed while it was copied"):
        vault.fill(planned)
    assert list(node.folder.iterdir()) == []


def test_a_program_that_is_gone(node: Node) -> None:
    (node.bin / "etcd").unlink()
    assert sorted(node.fill().digests) == ["etcdctl", "etcdutl"]


@pytest.mark.parametrize("version", ["", "3.6", "../../x", "3.6.16/../x"])
def test_a_version_that_is_none_becomes_no_path(node: Node, version: str) -> None:
    assert vault.plan(str(node.backups), version, node.found) is None


def test_nor_one_from_a_sidecar(node: Node, tmp_path: pathlib.Path) -> None:
    node.fill()
    (node.folder.parent / "etcd-3.6.17").symlink_to(node.folder)
    assert vault.programs(str(node.backups), "3.6.17") == {}
    elsewhere = tmp_path / "elsewhere"
    node.folder.rename(elsewhere)
    node.folder.mkdir()
    assert vault.programs(str(node.backups), f"{VERSION}/../../../elsewhere") == {}


def test_the_backups_may_lie_behind_a_link(node: Node, tmp_path: pathlib.Path) -> None:
    node.fill()
    (tmp_path / "link").symlink_to(node.backups)
    assert sorted(vault.programs(str(tmp_path / "link"), VERSION)) == ["etcd", "etcdctl", "etcdutl"]


@pytest.mark.parametrize("place", ["", "tools", f"tools/etcd-{VERSION}"])
def test_nothing_is_run_that_others_can_exchange_together_with_its_sum(node: Node, place: str) -> None:
    node.fill()
    (node.backups / place).chmod(0o777)
    assert node.known() == []


def test_a_full_disk_is_left_as_it_was(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    node.folder.mkdir(parents=True)
    with pytest.raises(OSError, match="No space left"):
        vault.fill(node.plan())
    assert list(node.folder.iterdir()) == []


def test_nothing_there(node: Node) -> None:
    assert vault.plan(str(node.backups), VERSION, {}) is None
    assert vault.programs(str(node.backups), VERSION) == {}
    assert vault.unused(str(node.backups), []) == []


def test_folders_that_are_needed_no_more(node: Node) -> None:
    node.fill()
    for name in ("etcd-3.5.35", "etcd-3.6.8-rc.1", "mine", "etcd-mine"):
        (node.folder.parent / name).mkdir()
    unused = vault.unused(str(node.backups), [VERSION])
    assert [pathlib.Path(path).name for path in unused] == ["etcd-3.5.35", "etcd-3.6.8-rc.1"]
    (node.folder / "mine").touch()
    for path in [*unused, str(node.folder)]:
        vault.remove(path)
    assert sorted(path.name for path in node.folder.parent.iterdir()) == ["etcd-3.6.16", "etcd-mine", "mine"]
    assert [path.name for path in node.folder.iterdir()] == ["mine"]


@pytest.mark.parametrize(
    ("missing", "status", "evidence"),
    [
        ([], "pass", "etcd and etcdutl 3.6.16"),
        (["etcdctl"], "pass", "etcd and etcdutl 3.6.16"),
        (["etcdutl"], "warn", "no etcdutl of etcd 3.6 beside"),
        (["etcd", "etcdutl", "etcdctl"], "warn", "no etcd and no etcdutl of etcd 3.6 beside"),
    ],
)
def test_the_check(node: Node, missing: list[str], status: str, evidence: str) -> None:
    found = {name: program for name, program in node.found.items() if name not in missing}
    check = vault.check("cp1", VERSION, vault.plan(str(node.backups), VERSION, found))
    assert check.status == status
    assert check.evidence.startswith(evidence)
    assert ("releases/tag/v3.6.16" in check.fix) == (status == "warn")
