# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in a directory of snapshots.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import typing as t

from .._errors import MaintenanceError
from . import store
from .snapshot import is_described

HEADINGS = ("snapshot", "tier", "revision", "keys", "MiB", "state")


def read(directory: str, names: t.Sequence[str], verified: bool) -> list[dict[str, t.Any]]:
    """Each snapshot with its sidecar, newest first. ``names``: only those. ``verified``: read the files whole."""
    found = {os.path.basename(path): (path, sidecar) for path, sidecar in store.described(directory)}
    missing = [name for name in names if name not in found]
    if missing:
        there = ", ".join(found) or "none"
        raise MaintenanceError(f"{directory}: there is no snapshot {', '.join(missing)} with a sidecar. There: {there}")
    return [_entry(name, *found[name], verified) for name in found if not names or name in names]


def _entry(name: str, path: str, sidecar: dict[str, t.Any], verified: bool) -> dict[str, t.Any]:
    trouble = _trouble(path, sidecar, verified)
    return {**sidecar, "name": name, "path": path, "verified": not trouble if verified else None, "trouble": trouble}


def _trouble(path: str, sidecar: t.Mapping[str, t.Any], verified: bool) -> str:
    try:
        size = os.path.getsize(path)
        if size != sidecar.get("size"):
            return f"{path}: {size} bytes, {sidecar.get('size')} were taken"
        if verified and not is_described(path, sidecar):
            return f"{path}: is a whole snapshot, but not the one that its sidecar describes"
    except OSError as error:
        return f"{path}: cannot be read: {error.strerror}"
    except MaintenanceError as error:
        return error.msg
    return ""


def table(found: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Aligned lines, the headings first."""
    lines = [HEADINGS] + [
        (
            str(one["name"]),
            str(one.get("tier", "?")),
            str(one.get("revision", "?")),
            str(one.get("live_keys", "?")),
            f"{int(one.get('size') or 0) / (1 << 20):.1f}",
            _state(one),
        )
        for one in found
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


def _state(one: t.Mapping[str, t.Any]) -> str:
    if one["trouble"]:
        return f"DAMAGED: {one['trouble']}"
    said = ["verified again" if one["verified"] else "verified when it was taken"]
    said += ["proven"] if one.get("proven") else []
    said += ["released"] if one.get("released") else []
    return ", ".join(said)
