# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.drill import drill_checks
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.programs import Program


@pytest.mark.parametrize(
    ("directory", "status"),
    [
        ("/var/backups/etcd", "pass"),
        ("/var/lib/etcd-backups", "pass"),
        ("/var/lib", "pass"),
        ("/var/lib/etcd", "fail"),
        ("/var/lib/etcd/backups", "fail"),
        ("/var/lib/x/../etcd/backups", "fail"),
    ],
)
def test_nothing_below_the_data(directory: str, status: str) -> None:
    assert drill_checks.apart(directory, "/var/lib/etcd").status == status


def test_a_link_into_the_data(tmp_path: pathlib.Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "backups").symlink_to(tmp_path / "data")
    assert drill_checks.apart(str(tmp_path / "backups"), str(tmp_path / "data")).status == "fail"


@pytest.mark.parametrize(
    ("names", "status", "evidence"),
    [
        (["etcd", "etcdutl"], "pass", "/x/etcd 3.6.16, /x/etcdutl 3.6.16"),
        (["etcd", "etcdctl"], "fail", "no etcdutl of etcd 3.6, of which the snapshot is"),
        ([], "fail", "no etcd and no etcdutl of etcd 3.6, of which the snapshot is"),
    ],
)
def test_tools(names: list[str], status: str, evidence: str) -> None:
    found = {name: Program(name, f"/x/{name}", "3.6.16") for name in names}
    check = drill_checks.tools("/backups", "3.6.8", found)
    assert (check.status, check.evidence) == (status, evidence)
    assert ("releases/tag/v3.6.8 into /usr/local/bin" in check.fix) == (status == "fail")


@pytest.mark.parametrize(("free", "fix"), [(154_800_000, ""), (154_799_999, "free 1 bytes there")])
def test_room(free: int, fix: str) -> None:
    check = drill_checks.room("/backups", 1_000_000, free)
    assert (check.status, check.fix) == ("fail" if fix else "pass", fix)


@pytest.mark.parametrize(("available", "status"), [(None, "pass"), (1 << 30, "pass"), (100 << 20, "fail")])
def test_memory(available: int | None, status: str) -> None:
    assert drill_checks.memory(1000, available).status == status


@pytest.mark.parametrize(("text", "available"), [("MemFree: 1 kB\nMemAvailable:  20 kB\n", 20480), ("x: 1\n", None)])
def test_available(tmp_path: pathlib.Path, text: str, available: int | None) -> None:
    (tmp_path / "meminfo").write_text(text)
    assert drill_checks.available(str(tmp_path / "meminfo")) == available
    assert drill_checks.available(str(tmp_path / "none")) is None
