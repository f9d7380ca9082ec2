# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import inventory
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshot import verify
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
    put(tmp_path, FIRST)
    put(tmp_path, SECOND, tier="pre-upgrade", released="2026-11-21T00:00:00.000Z", proven=True)
    (tmp_path / "etcd-cp1-20261121T101112.345Z-hourly-rev7.db").write_text("no sidecar")
    found = inventory.read(str(tmp_path), [], verified=False)
    assert [(one["name"], one["verified"], one["trouble"]) for one in found] == [(SECOND, None, ""), (FIRST, None, "")]
    assert inventory.table(found) == [
        f"{'snapshot':<{len(SECOND)}}  tier         revision  keys  MiB  state",
        f"{SECOND}  pre-upgrade  7         3     0.1  verified when it was taken, proven, released",
        f"{FIRST:<{len(SECOND)}}  hourly       7         3     0.1  verified when it was taken",
    ]


def test_verified_again(tmp_path: pathlib.Path) -> None:
    put(tmp_path, FIRST)
    (one,) = inventory.read(str(tmp_path), [], verified=True)
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
    (one,) = inventory.read(str(tmp_path), [FIRST], verified)
    assert trouble in one["trouble"]
    assert one["verified"] is (False if verified else None)
    assert "DAMAGED: " in inventory.table([one])[1]


def test_names(tmp_path: pathlib.Path) -> None:
    put(tmp_path, FIRST)
    put(tmp_path, SECOND)
    assert [one["name"] for one in inventory.read(str(tmp_path), [FIRST], False)] == [FIRST]
    with pytest.raises(MaintenanceError, match=f"no snapshot x, y with a sidecar. There: {SECOND}, {FIRST}"):
        inventory.read(str(tmp_path), ["x", "y"], False)


def test_no_directory(tmp_path: pathlib.Path) -> None:
    assert inventory.read(str(tmp_path / "none"), [], False) == []
