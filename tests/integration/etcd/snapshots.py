# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots with sidecars and archives that were taken long ago, as they lie in a directory."""

from __future__ import annotations

import hashlib
import json
import pathlib
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import vault
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import verify
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile

MIB = 1 << 20
UID = etcdfile.UID


def name(hour: int, member: str = "cp1") -> str:
    return f"etcd-{member}-20261120T{hour:02}1112.345Z-hourly-rev{hour}.db"


def put(
    place: pathlib.Path, hour: int, size: int = 0, archive: bytes = b"", control_plane: bytes = b"", **changes: t.Any
) -> pathlib.Path:
    """A snapshot of ``size`` MiB, each its own. Half of it packs to nothing."""
    place.mkdir(mode=0o700, exist_ok=True)
    path = place / name(hour)
    rows = [(b"/registry/namespaces/kube-system", etcdfile.namespace()), (b"/registry/hour", b"%d" % hour)]
    for number in range(size):
        secret = hashlib.shake_256(b"%d" % number).digest(MIB // 2)
        rows.append((b"/registry/secrets/%d" % number, secret + bytes(MIB // 2)))
    path.write_bytes(etcdfile.snapshot(rows))
    facts = verify(str(path))
    sidecar: dict[str, t.Any] = {
        "schema": 1,
        "cluster_id": "8cc9da78b36d1115",
        "kube_system_uid": UID,
        "member": "cp1",
        "started": f"2026-11-20T{hour:02}:11:12.345Z",
        "tier": "hourly",
        "revision": hour,
        "size": facts.size,
        "sha256": facts.sha256,
        "archive": None,
    }
    for field, end, content in (
        ("archive", "files.age", archive),
        ("control_plane_archive", "control-plane.files.age", control_plane),
    ):
        if content:
            beside = pathlib.Path(f"{path}.{end}")
            beside.write_bytes(content)
            sidecar[field] = {
                "name": beside.name,
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "encryption": "age",
                "paths": [],
            }
    (place / f"{path.name}.json").write_text(json.dumps({**sidecar, **changes}, indent=2, sort_keys=True) + "\n")
    return path


def keep_tools(place: pathlib.Path, version: str, **programs: bytes) -> dict[str, t.Any]:
    """What a sidecar says of them."""
    folder = pathlib.Path(vault.directory(str(place), version))
    folder.mkdir(parents=True, mode=0o700)
    for name, content in programs.items():
        (folder / name).write_bytes(content)
        (folder / name).chmod(0o700)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in programs.items()}
    vault.sign(str(folder), digests)
    return {"version": version, "directory": str(folder), "programs": digests}


def sidecar(path: pathlib.Path) -> dict[str, t.Any]:
    content: dict[str, t.Any] = json.loads(pathlib.Path(f"{path}.json").read_text())
    return content


def flip(path: pathlib.Path, at: int = -5000) -> None:
    """One bit."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
