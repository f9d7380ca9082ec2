# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import inspection, inventory
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.inventory import Look
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import verify
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile

FIRST = "etcd-cp1-20261119T101112.345Z-hourly-rev7.db"
SECOND = "etcd-cp2-20261120T101112.345Z-pre-upgrade-rev9.db"


def put(place: pathlib.Path, name: str, **changes: t.Any) -> pathlib.Path:
    path = place / name
    path.write_bytes(etcdfile.kubernetes())
    facts = verify(str(path))
    sidecar = {"tier": "hourly", "revision": 7, "live_keys": 3, "size": facts.size, "sha256": facts.sha256, **changes}
    (place / f"{name}.json").write_text(json.dumps(sidecar))
    return path


def test_snapshots_newest_first(tmp_path: pathlib.Path) -> None:
    put(tmp_path, FIRST, reason="taken by the schedule")
    put(tmp_path, SECOND, tier="pre-upgrade", reason="before 1.37.1", released="2026-11-21T00:00:00.000Z", proven=True)
    (tmp_path / "etcd-cp1-20261121T101112.345Z-hourly-rev7.db").write_text("no sidecar")
    found = inventory.read(str(tmp_path), [], Look(verify=False))
    assert [(one["name"], one["verified"], one["trouble"]) for one in found] == [(SECOND, None, ""), (FIRST, None, "")]
    assert inventory.table(found) == [
        f"{'snapshot':<{len(SECOND)}}  tier         revision  keys  MiB  state",
        f"{SECOND}  pre-upgrade  7         3     0.1  verified when it was taken, proven, released: before 1.37.1",
        f"{FIRST:<{len(SECOND)}}  hourly       7         3     0.1  verified when it was taken",
    ]


def test_verified_again(tmp_path: pathlib.Path) -> None:
    put(tmp_path, FIRST)
    (one,) = inventory.read(str(tmp_path), [], Look(verify=True))
    assert (one["verified"], one["trouble"]) == (True, "")
    assert "verified again" in inventory.table([one])[1]


@pytest.mark.parametrize(
    ("verified", "damage", "trouble"),
    [
        (True, "flip", "The snapshot is damaged"),
        (True, "other", "not the one that its sidecar describes"),
        (False, "cut", "bytes, "),
        (True, "cut", "bytes, "),
    ],
)
def test_damaged(tmp_path: pathlib.Path, verified: bool, damage: str, trouble: str) -> None:
    path = put(tmp_path, FIRST, **({"sha256": "0" * 64} if damage == "other" else {}))
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[5000] ^= 1
    path.write_bytes(content[:-1] if damage == "cut" else content)
    (one,) = inventory.read(str(tmp_path), [FIRST], Look(verify=verified))
    assert trouble in one["trouble"]
    assert one["verified"] is (False if verified else None)
    assert "DAMAGED: " in inventory.table([one])[1]


def test_names(tmp_path: pathlib.Path) -> None:
    put(tmp_path, FIRST)
    put(tmp_path, SECOND)
    assert [one["name"] for one in inventory.read(str(tmp_path), [FIRST], Look())] == [FIRST]
    with pytest.raises(MaintenanceError, match=f"no snapshot x, y with a sidecar. There: {SECOND}, {FIRST}"):
        inventory.read(str(tmp_path), ["x", "y"], Look())


def test_no_directory(tmp_path: pathlib.Path) -> None:
    assert inventory.read(str(tmp_path / "none"), [], Look()) == []


def test_what_a_snapshot_holds(tmp_path: pathlib.Path) -> None:
    path = put(tmp_path, FIRST)
    (one,) = inventory.read(str(tmp_path), [], Look(inspect=True))
    assert (one["verified"], one["contents"]["objects"], one["contents"]["sha256"]) == (True, 41, one["sha256"])
    assert inspection.lines(FIRST, one["contents"]) == [
        f"{FIRST}: 41 objects of the cluster {etcdfile.UID} at revision 42",
        "resource    objects  MiB  namespaces  encryption",
        "namespaces  1        0.0  -           -",
        "pods        40       0.0  1           -",
    ]
    path.write_bytes(path.read_bytes()[:-512])
    (one,) = inventory.read(str(tmp_path), [], Look(inspect=True))
    assert (one["verified"], one["contents"]) == (False, None)


def test_encryption_in_the_table() -> None:
    plain = {"provider": "identity", "key": "", "objects": 2}
    key1 = {"provider": "aescbc", "key": "key1", "objects": 3}
    rows = [
        {"resource": name, "objects": 5, "bytes": 5 << 20, "namespaces": {}, "encryption": encryption}
        for name, encryption in [("a", [plain]), ("b", [key1]), ("c", [plain, key1])]
    ]
    lines = inspection.lines("x", {"objects": 15, "revision": 3, "kube_system_uid": "", "resources": rows})
    assert lines[0] == "x: 15 objects at revision 3"
    assert [line.split("  ")[-1].strip() for line in lines[2:]] == ["-", "aescbc key1", "identity: 2, aescbc key1: 3"]


def test_a_file_without_sidecar_is_read_whole(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "copy"
    path.write_bytes(etcdfile.kubernetes())
    one = inventory.read_one(str(path), Look())
    assert (one["name"], one["verified"], one["revision"], one["live_keys"]) == ("copy", True, 42, 41)
    assert "contents" not in one
    path.write_bytes(etcdfile.kubernetes()[:-32])
    one = inventory.read_one(str(path), Look(inspect=True))
    assert (one["verified"], one["contents"]) == (False, None)
    assert "The snapshot is damaged" in one["trouble"]
    with pytest.raises(MaintenanceError, match=f"{tmp_path}: is no file"):
        inventory.read_one(str(tmp_path), Look())


def test_a_file_with_its_sidecar_is_compared_with_it(tmp_path: pathlib.Path) -> None:
    path = put(tmp_path, "renamed.db", sha256="0" * 64)
    assert inventory.read_one(str(path), Look())["verified"] is None
    assert "not the one that its sidecar" in inventory.read_one(str(path), Look(verify=True))["trouble"]


def test_where_a_snapshot_is(tmp_path: pathlib.Path) -> None:
    path = put(tmp_path, FIRST)
    assert inventory.locate(str(tmp_path), FIRST) == str(path)
    assert inventory.locate("/nowhere", str(path)) == str(path)
    for name in ("../x", "a/b", "./" + FIRST):
        with pytest.raises(MaintenanceError, match="neither the name of a file"):
            inventory.locate(str(tmp_path), name)
    for name in ("x.db", "..", ""):
        with pytest.raises(MaintenanceError, match="is no file. Snapshots there: "):
            inventory.locate(str(tmp_path), name)


@pytest.mark.parametrize(
    ("field", "end"), [("archive", "files.age"), ("control_plane_archive", "control-plane.files.tar")]
)
@pytest.mark.parametrize(
    ("content", "verified", "trouble"),
    [
        (b"archive", True, ""),
        (b"archive", False, ""),
        (b"Archive", False, ""),
        (b"Archive", True, "is not the archive that was saved with the snapshot"),
        (b"archiv", False, "is not the archive that was saved with the snapshot"),
        (None, False, "cannot be read: No such file"),
    ],
)
def test_the_archives_beside_it(
    tmp_path: pathlib.Path, field: str, end: str, content: bytes | None, verified: bool, trouble: str
) -> None:
    name = f"{FIRST}.{end}"
    put(tmp_path, FIRST, **{field: {"name": name, "size": 7, "sha256": hashlib.sha256(b"archive").hexdigest()}})
    if content is not None:
        (tmp_path / name).write_bytes(content)
    (one,) = inventory.read(str(tmp_path), [], Look(verify=verified))
    assert trouble in one["trouble"]
    assert bool(trouble) == bool(one["trouble"])


def test_one_that_a_drill_could_not_restore(tmp_path: pathlib.Path) -> None:
    path = put(tmp_path, FIRST, damaged={"at": "2026-11-20T10:00:00.000Z", "reason": "it does not start"})
    for look in (Look(), Look(verify=True)):
        (found,) = inventory.read(str(tmp_path), [], look)
        assert found["trouble"] == f"{path}: could not be restored in a drill: it does not start"
