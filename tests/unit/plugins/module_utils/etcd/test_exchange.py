# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pieces, and what may arrive; the whole way is in tests/integration/etcd."""

from __future__ import annotations

import hashlib
import os
import pathlib
import typing as t
import zlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.copies import copies, exchange, tools
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.copies.exchange import Arrival
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.copies.tools import Tools
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.programs import Program
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import store
from hypothesis import given, settings
from hypothesis import strategies as st

NAME = "etcd-cp1-20261120T101112.345Z-manual-rev77.db"
SIDECAR = {"size": 100, "sha256": "0" * 64}


@settings(max_examples=30, deadline=None)
@given(content=st.binary(max_size=5000), most=st.integers(1, 2000), read=st.integers(1, 3000))
def test_pieces_make_the_file(content: bytes, most: int, read: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("file") / "file"
    path.write_bytes(content)
    found = b""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exchange, "READ", read)
        patch.setattr(exchange, "_STEP", 100)
        while len(found) < len(content):
            piece = bytearray()
            size = exchange.pack(str(path), len(found), piece.extend, most)
            assert 0 < size <= read
            found += b"".join(exchange.unpack([bytes(piece)]))
    assert found == content


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        (b"no piece", "damaged"),
        (zlib.compress(b"x" * 5000)[:-6], "has no end"),
        (b"", "has no end"),
        (zlib.compress(b"x" * 10_001), "larger than pieces are"),
        (zlib.compress(b"x") + b"more", "larger than pieces are"),
    ],
)
def test_what_is_no_piece(piece: bytes, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "READ", 10_000)
    with pytest.raises(MaintenanceError, match=reason):
        list(exchange.unpack([piece]))


TOOLS = {**SIDECAR, "tools": {"version": "3.6.16", "programs": {"etcdutl": hashlib.sha256(b"tool").hexdigest()}}}


def test_programs_arrive_whole_or_not_at_all(tmp_path: pathlib.Path) -> None:
    arrival = Tools(str(tmp_path), NAME, TOOLS, {"etcdutl": 4, "sh": 4})
    assert arrival.begin() == {"etcdutl": 0}
    arrival.append("etcdutl", 0, [b"evil"])
    with pytest.raises(MaintenanceError, match="is not the program that the sidecar .* describes, and was removed"):
        arrival.publish()
    folder = tmp_path / "tools" / "etcd-3.6.16"
    assert list(folder.iterdir()) == []
    arrival.append("etcdutl", 0, [b"tool"])
    arrival.publish()
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "etcdutl"]
    assert Tools(str(tmp_path), NAME, TOOLS, {"etcdutl": 4}).is_here()
    with pytest.raises(MaintenanceError, match="'sh' is no file of"):
        arrival.append("sh", 0, [b"tool"])


def test_a_host_keeps_the_programs_of_its_own_member_where_they_are_the_same(tmp_path: pathlib.Path) -> None:
    for name, content in {"etcdutl": b"tool", "etcd": b"of another build"}.items():
        (tmp_path / name).write_bytes(content)
    own = {name: Program(name, str(tmp_path / name), "3.6.16") for name in ("etcd", "etcdutl")}
    tools.keep(str(tmp_path), TOOLS, own)
    folder = tmp_path / "tools" / "etcd-3.6.16"
    assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "etcdutl"]
    assert [one.name for one in tools.files(str(tmp_path), TOOLS)] == ["etcdutl"]


@pytest.mark.parametrize("gone", ["etcdutl", "tools"])
def test_a_host_without_those_programs_keeps_none(tmp_path: pathlib.Path, gone: str) -> None:
    own = {"etcdutl": Program("etcdutl", str(tmp_path / "etcdutl"), "3.6.16")}
    (tmp_path / "etcdutl").write_bytes(b"tool")
    if gone == "etcdutl":
        (tmp_path / "etcdutl").unlink()
    tools.keep(str(tmp_path), {**TOOLS, gone: None}, own)
    assert not (tmp_path / "tools").exists()


@pytest.mark.parametrize(
    ("tools", "known", "reason"),
    [
        ({"version": "../../x", "programs": {"etcdutl": ""}}, {"etcdutl": 4}, "names no release of its tools"),
        (None, {"etcdutl": 4}, "names no release of its tools"),
        (TOOLS["tools"], {"etcdutl": -1}, "-1 is no size of a program"),
        (TOOLS["tools"], {"etcdutl": 1 << 40}, "is no size of a program"),
        (TOOLS["tools"], {"etcdutl": "4"}, "'4' is no size of a program"),
    ],
)
def test_what_is_no_programs(tools: t.Any, known: dict[str, t.Any], reason: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(MaintenanceError, match=reason):
        Tools(str(tmp_path), NAME, {**SIDECAR, "tools": tools}, known)


@pytest.mark.parametrize(
    ("name", "sidecar", "reason"),
    [
        ("../x.db", SIDECAR, "is no name of a snapshot"),
        (f"../{NAME}", SIDECAR, "is no name of a snapshot"),
        (NAME, {"sha256": ""}, "does not say how large it is"),
        (NAME, {**SIDECAR, "archive": "../x"}, "what was sent as its sidecar is none"),
        (NAME, [SIDECAR], "what was sent as its sidecar is none"),
        (NAME, {**SIDECAR, "archive": {"name": "../x", "size": 1, "sha256": ""}}, "is no archive of this snapshot"),
        (NAME, {**SIDECAR, "archive": {"name": f"{NAME}.json", "size": 1, "sha256": ""}}, "is no archive"),
        (NAME, {**SIDECAR, "control_plane_archive": {"name": f"{NAME}.files.age", "size": 1, "sha256": ""}}, "is no"),
    ],
)
def test_what_a_node_cannot_make_the_controller_write(
    tmp_path: pathlib.Path, name: str, sidecar: t.Any, reason: str
) -> None:
    with pytest.raises(MaintenanceError, match=reason):
        Arrival(str(tmp_path), name, sidecar)


def test_nor_more_than_it_says(tmp_path: pathlib.Path) -> None:
    arrival = Arrival(str(tmp_path), NAME, SIDECAR)
    assert arrival.begin() == {NAME: 0}
    assert arrival.append(NAME, 0, [b"x" * 60]) == 60
    assert arrival.begin() == {NAME: 60}
    assert arrival.append(NAME, 60, [b"x" * 40]) == 100
    assert arrival.append(NAME, 60, [b"x" * 40]) == 100
    with pytest.raises(MaintenanceError, match="larger than it may be"):
        arrival.append(NAME, 60, [b"x" * 41])
    with pytest.raises(MaintenanceError, match="shorter than it was"):
        arrival.append(NAME, 200, [b"x"])
    with pytest.raises(MaintenanceError, match="is no file of"):
        arrival.append("x", 0, [b"x"])


def test_no_room(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MaintenanceError, match="bytes free.*Nothing was copied"):
        Arrival(str(tmp_path), NAME, {**SIDECAR, "size": 1 << 60}).begin()


def test_two_runs_that_bring_the_same(tmp_path: pathlib.Path) -> None:
    """What one of them has verified, the other one does not change."""
    first, second = Arrival(str(tmp_path), NAME, SIDECAR), Arrival(str(tmp_path), NAME, SIDECAR)
    first.append(NAME, 0, [b"x" * 100])

    def pieces() -> t.Iterator[bytes]:
        with pytest.raises(MaintenanceError, match="another run brings it just now"):
            second.append(NAME, 0, [b"y"])
        with pytest.raises(MaintenanceError, match="another run brings it just now"):
            second.publish()
        yield b"z"

    assert first.append(NAME, 99, pieces()) == 100
    assert (tmp_path / f"{NAME}.part").read_bytes() == b"x" * 99 + b"z"


def test_what_nobody_goes_on_with_is_removed(tmp_path: pathlib.Path) -> None:
    old, new = NAME.replace("rev77", "rev70"), NAME.replace("rev77", "rev76")
    for name in (f"{old}.part", f"{old}.files.age.part", f"{new}.part", "etcd-cp1-20261120T101112.345Z-manual.db.part"):
        (tmp_path / name).touch()
        if name != f"{new}.part":
            os.utime(tmp_path / name, (0, 0))
    Arrival(str(tmp_path), NAME, SIDECAR).begin()
    # The one without a revision is a save's, and removed by the next save.
    assert {path.name for path in tmp_path.iterdir()} == {
        f"{new}.part",
        "etcd-cp1-20261120T101112.345Z-manual.db.part",
    }


def test_one_of_many_is_looked_at_alone(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a directory of thousands is read thousands of times."""
    path = tmp_path / NAME
    path.write_bytes(b"x" * 100)
    store.note(str(path), SIDECAR)
    monkeypatch.delattr(store, "described")
    assert Arrival(str(tmp_path), NAME, SIDECAR).is_here()
    copies.note(str(path), "tape")
    assert copies.had(store.description(str(path)), "tape")
    path.unlink()
    assert not Arrival(str(tmp_path), NAME, SIDECAR).is_here()
    copies.note(str(path), "disk")
    assert not copies.had(store.description(str(path)), "disk")
