# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What lies in a directory of snapshots.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..._columns import aligned, mebibytes
from ..._errors import MaintenanceError
from .. import disk
from ..copies import copies
from . import inspection, store
from .retention import MANUAL, PRE_UPGRADE
from .snapshot import Facts, another, verify

HEADINGS = ("snapshot", "tier", "revision", "keys", "MiB", "state")


@dataclasses.dataclass(frozen=True)
class Look:
    """``verify``: read the files whole. ``inspect``: so, and say what they hold."""

    verify: bool = False
    inspect: bool = False


def read(directory: str, names: t.Sequence[str], look: Look) -> list[dict[str, t.Any]]:
    """Each snapshot with its sidecar, newest first. ``names``: only those."""
    return [_entry(path, sidecar, look) for path, sidecar in store.named(directory, names)]


def read_one(path: str, look: Look) -> dict[str, t.Any]:
    """A snapshot anywhere. Without a sidecar nothing is known of it, so it is read whole."""
    if not os.path.isfile(path):
        raise MaintenanceError(f"{path}: is no file")
    sidecar = store.description(path)
    return _entry(path, sidecar, look if sidecar else dataclasses.replace(look, verify=True))


def locate(directory: str, name: str) -> str:
    """The path of a snapshot that is called by its name, or by an absolute path."""
    path = os.path.join(directory, name)
    if not os.path.isabs(name) and os.path.basename(name) != name:
        raise MaintenanceError(f"{name}: is neither the name of a file in {directory} nor an absolute path")
    if not os.path.isfile(path):
        there = ", ".join(os.path.basename(one) for one, _sidecar in store.described(os.path.dirname(path))) or "none"
        raise MaintenanceError(f"{path}: is no file. Snapshots there: {there}")
    return path


def _entry(path: str, sidecar: dict[str, t.Any], look: Look) -> dict[str, t.Any]:
    whole = look.verify or look.inspect
    trouble, facts = _examine(path, sidecar, whole, look.inspect)
    known = {} if sidecar or not facts else _known(facts)
    return {
        **known,
        **sidecar,
        "name": os.path.basename(path),
        "path": path,
        "verified": not trouble if whole else None,
        "trouble": trouble,
        **({"contents": inspection.told(facts) if facts and not trouble else None} if look.inspect else {}),
    }


def _known(facts: Facts) -> dict[str, t.Any]:
    """What a sidecar would say that the file says, too."""
    told = inspection.told(facts)
    return {name: value for name, value in told.items() if name not in ("objects", "resources")}


def _examine(path: str, sidecar: t.Mapping[str, t.Any], whole: bool, namespaces: bool) -> tuple[str, t.Optional[Facts]]:
    """What is wrong with it, and what was found where it was read whole."""
    try:
        size = os.path.getsize(path)
        if sidecar and size != sidecar.get("size"):
            return f"{path}: {size} bytes, {sidecar.get('size')} were taken", None
        facts = verify(path, namespaces=namespaces) if whole else None
        if facts and sidecar and facts.sha256 != sidecar.get("sha256"):
            return another(path), facts
        damaged = sidecar.get("damaged")
        if damaged:
            return f"{path}: could not be restored in a drill: {damaged.get('reason')}", facts
        return _trouble_beside(path, sidecar, whole), facts
    except OSError as error:
        return f"{error.filename or path}: cannot be read: {error.strerror}", None
    except MaintenanceError as error:
        return error.msg, None


def _trouble_beside(path: str, sidecar: t.Mapping[str, t.Any], whole: bool) -> str:
    for one in copies.files(path, sidecar)[1:] if sidecar else ():
        known = disk.digest(one.path) if whole else (os.path.getsize(one.path), one.sha256)
        if known != (one.size, one.sha256):
            return f"{one.path}: is not the archive that was saved with the snapshot"
    return ""


def table(found: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Aligned lines, the headings first."""
    lines = [HEADINGS] + [
        (
            str(one["name"]),
            str(one.get("tier", "?")),
            str(one.get("revision", "?")),
            str(one.get("live_keys", "?")),
            mebibytes(int(one.get("size") or 0)),
            _state(one),
        )
        for one in found
    ]
    return aligned(lines)


def _state(one: t.Mapping[str, t.Any]) -> str:
    if one["trouble"]:
        return f"DAMAGED: {one['trouble']}"
    said = ["verified when it was taken" if one["verified"] is None else "verified again"]
    said += ["proven"] if one.get("proven") else []
    said += ["released"] if one.get("released") else []
    # Those that people look for by what they are for. The others are of the clock.
    why = f": {one['reason']}" if one.get("reason") and one.get("tier") in (MANUAL, PRE_UPGRADE) else ""
    return f"{', '.join(said)}{why}"
