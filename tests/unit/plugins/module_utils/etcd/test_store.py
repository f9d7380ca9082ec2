# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import json
import os
import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import disk
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import sidecars, store

WHEN = datetime.datetime(2026, 11, 20, 11, 11, 12, 345678, datetime.timezone(datetime.timedelta(hours=1)))
NAME = "etcd-cp1-20261120T101112.345Z-pre-upgrade-rev77.db"


def test_names() -> None:
    assert store.timestamp(WHEN) == "2026-11-20T10:11:12.345Z"
    assert store.name("cp1", WHEN, "pre-upgrade", 77) == NAME
    assert store.name("cp1", WHEN, "pre-upgrade") == "etcd-cp1-20261120T101112.345Z-pre-upgrade.db.part"
    assert store.sidecar("/b/x.db") == "/b/x.db.json"


def test_leftovers_are_our_own_unfinished_files(tmp_path: pathlib.Path) -> None:
    ours = [
        "etcd-cp1-20261120T101112.345Z-manual.db.part",
        *(f"etcd-cp1-20261120T101112.345Z-manual-rev7.db.files.{end}.part" for end in ("age", "cms", "tar")),
        "etcd-cp1-20261120T101112.345Z-manual-rev7.db.json.part",
        "etcd-cp1-20261120T101112.345Z-manual.db.part.part",
    ]
    others = [
        NAME,
        f"{NAME}.json",
        "etcd-cp2-20261120T101112.345Z-manual.db.part",
        "etcd-cp1-20261120T101112.345Z-mine.db.part",
        "etcd-cp1-20261120-manual.db.part",
        "etcd-cp1-20261120T101112.345Z-manual.db.part.bak",
        "snapshot.db.part",
        "notes.txt",
    ]
    for name in (*ours, *others):
        (tmp_path / name).touch()
    assert store.leftovers(str(tmp_path), "cp1") == sorted(str(tmp_path / name) for name in ours)
    assert store.leftovers(str(tmp_path / "missing"), "cp1") == []


def test_a_name_that_is_the_beginning_of_another(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etcd-cp1-b-20261120T101112.345Z-manual.db.part").touch()
    assert store.leftovers(str(tmp_path), "cp1") == []
    assert len(store.leftovers(str(tmp_path), "cp1-b")) == 1


def test_described_are_finished_snapshots_with_a_sidecar_newest_first(tmp_path: pathlib.Path) -> None:
    def add(name: str, sidecar: str | None) -> None:
        (tmp_path / name).touch()
        if sidecar is not None:
            (tmp_path / f"{name}.json").write_text(sidecar)

    add("etcd-cp1-20261120T101112.345Z-manual-rev9.db", '{"revision": 9}')
    add("etcd-cp1-20261121T101112.345Z-hourly-rev8.db", '{"revision": 8}')
    add("etcd-cp1-20261122T101112.345Z-manual-rev7.db", None)
    add("etcd-cp1-20261122T101112.345Z-manual-rev6.db", "{")
    add("etcd-cp1-20261122T101112.345Z-manual-rev5.db", "[]")
    add("etcd-cp2-20261122T101112.345Z-manual-rev4.db", '{"revision": 4}')
    add("etcd-cp1-20261122T101112.345Z-manual.db.part", '{"revision": 3}')
    assert [sidecar["revision"] for _path, sidecar in store.described(str(tmp_path), "cp1")] == [8, 9]


def test_one_from_the_future_is_not_the_newest(tmp_path: pathlib.Path) -> None:
    """Nor would anything be before that time: no drill would prove what is new, and who restores would get the old."""
    now = datetime.datetime.now(datetime.UTC)
    hours = {"1": 24 * 300, "2": -48, "3": 0.5, "4": -1, "5": 3}
    for revision, ahead in hours.items():
        path = tmp_path / store.name("cp1", now + datetime.timedelta(hours=ahead), "hourly", int(revision))
        path.touch()
        (tmp_path / f"{path.name}.json").write_text(f'{{"revision": {revision}}}')
    assert [sidecar["revision"] for _path, sidecar in store.described(str(tmp_path))] == [3, 4, 2, 1, 5]


def test_a_directory_where_everybody_may_write(tmp_path: pathlib.Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(MaintenanceError, match=f"everybody may write to it.* chmod 0700 {tmp_path}"):
        store.check_directory(str(tmp_path))
    tmp_path.chmod(0o1777)
    with pytest.raises(MaintenanceError, match="everybody may write to it. Choose another$"):
        store.check_directory(str(tmp_path))
    tmp_path.chmod(0o770)
    store.check_directory(str(tmp_path))
    store.check_directory(str(tmp_path / "missing"))


def test_a_directory_without_root() -> None:
    with pytest.raises(MaintenanceError, match="backups: is no absolute path"):
        store.check_directory("backups")


def test_sidecars_are_json(tmp_path: pathlib.Path) -> None:
    path = tmp_path / NAME
    path.touch()
    disk.write_whole(store.sidecar(str(path)), json.dumps({"schema": 1}).encode())
    assert list(store.described(str(tmp_path), "cp1")) == [(str(path), {"schema": 1})]


def test_what_goes_with_a_snapshot_ends_with_its_sidecar(tmp_path: pathlib.Path) -> None:
    snapshot = tmp_path / NAME
    for suffix in ("", ".json", ".files.age", ".files.age.part", ".control-plane.files.age", ".txt"):
        (tmp_path / f"{NAME}{suffix}").touch()
    archives = [f"{snapshot}.files.age", f"{snapshot}.control-plane.files.age"]
    assert store.companions(str(snapshot)) == [*archives, f"{snapshot}.json"]
    assert store.orphans(str(tmp_path)) == []
    snapshot.unlink()
    assert store.orphans(str(tmp_path)) == [*archives, f"{snapshot}.json"]
    pathlib.Path(f"{snapshot}.json").unlink()
    assert store.orphans(str(tmp_path)) == archives
    pathlib.Path(archives[0]).unlink()
    assert store.orphans(str(tmp_path)) == archives[1:]


def test_a_note_is_added_to_the_sidecar(tmp_path: pathlib.Path) -> None:
    snapshot = tmp_path / NAME
    snapshot.touch()
    pathlib.Path(store.sidecar(str(snapshot))).write_text('{"revision": 77}')
    assert store.note(str(snapshot), {"revision": 77}, released="today") == {"revision": 77, "released": "today"}
    assert [content for _path, content in store.described(str(tmp_path))] == [{"revision": 77, "released": "today"}]


@pytest.mark.parametrize(
    "content",
    [
        {"archive": "x"},
        {"control_plane_archive": "x"},
        {"damaged": "yes"},
        {"tools": ["etcd"]},
        {"copies": ["tape"]},
        {"copies": {"to": "tape"}},
        {"size": "1"},
        {"rows": 1.5},
        [],
        "x",
        None,
    ],
)
def test_what_is_no_sidecar_describes_nothing(tmp_path: pathlib.Path, content: object) -> None:
    (tmp_path / NAME).touch()
    sidecar = tmp_path / f"{NAME}.json"
    sidecar.write_text(json.dumps(content))
    assert list(store.described(str(tmp_path))) == []
    assert not sidecars.is_one(content)
    sidecar.write_text(json.dumps({"archive": None, "revision": "x", "size": 1, "copies": [{"to": "tape"}]}))
    assert len(list(store.described(str(tmp_path)))) == 1


def test_a_pipe_in_the_place_of_a_sidecar_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    (tmp_path / NAME).touch()
    os.mkfifo(tmp_path / f"{NAME}.json")
    assert store.description(str(tmp_path / NAME)) == {}


def test_named_tells_what_there_is_instead(tmp_path: pathlib.Path) -> None:
    other = NAME.replace("pre-upgrade", "hourly")
    for name in (NAME, other):
        (tmp_path / name).touch()
        (tmp_path / f"{name}.json").write_text(json.dumps({"tier": "hourly" if name == other else "pre-upgrade"}))
    directory = str(tmp_path)
    assert len(store.named(directory, [])) == 2
    assert [path for path, _sidecar in store.named(directory, [NAME])] == [str(tmp_path / NAME)]
    with pytest.raises(MaintenanceError, match="no snapshot x.db with a sidecar, so nothing was copied. There: etcd-"):
        store.named(directory, [NAME, "x.db"], "nothing was copied")
    with pytest.raises(MaintenanceError, match=f"no pre-upgrade snapshot {other} with a sidecar. There: {NAME}$"):
        store.named(directory, [other], tier="pre-upgrade")
    with pytest.raises(MaintenanceError, match="There: none"):
        store.named(str(tmp_path / "none"), [NAME])
