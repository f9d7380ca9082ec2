# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The members in a database that is written meanwhile."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import contents, live
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.bolt import Database
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import Damaged
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile


@pytest.fixture
def data(tmp_path: pathlib.Path) -> pathlib.Path:
    place = tmp_path / "member" / "snap"
    place.mkdir(parents=True)
    # etcd grows the file ahead of what it writes.
    (place / "db").write_bytes(etcdfile.kubernetes()[:-32] + b"\0" * 65536)
    return tmp_path


def test_members(data: pathlib.Path) -> None:
    found = live.members(str(data))
    assert found
    assert [member.name for member in found] == [member["name"] for member in etcdfile.MEMBERS]


def test_the_last_revision(data: pathlib.Path) -> None:
    with (data / "member" / "snap" / "db").open("rb") as file:
        wanted = contents.read(Database(file.fileno())).revision
    assert live.revision(str(data)) == wanted > 2


@pytest.mark.parametrize(("times", "read"), [(4, True), (5, False)])
def test_what_is_written_meanwhile_is_read_again(
    data: pathlib.Path, monkeypatch: pytest.MonkeyPatch, times: int, read: bool
) -> None:
    real, left = contents.members, [Damaged("page 7")] * times

    def disturbed(database: contents.Database) -> object:
        if left:
            raise left.pop()
        return real(database)

    monkeypatch.setattr(contents, "members", disturbed)
    assert (live.members(str(data)) is not None) == read


def test_no_file(tmp_path: pathlib.Path) -> None:
    assert live.members(str(tmp_path)) is None


def test_a_file_that_is_cut_off(data: pathlib.Path) -> None:
    path = data / "member" / "snap" / "db"
    path.write_bytes(path.read_bytes()[:8192])
    assert live.members(str(data)) is None


def test_what_opens_and_cannot_be_read(tmp_path: pathlib.Path) -> None:
    """As on a disk that is ill."""
    (tmp_path / "member" / "snap" / "db").mkdir(parents=True)
    assert live.revision(str(tmp_path)) is None
    with pytest.raises(MaintenanceError, match="snap/db: cannot be read: Is a directory"):
        live.everything(str(tmp_path))
