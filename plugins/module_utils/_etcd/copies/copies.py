# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of a snapshot: which files belong to it, what each has to be, and where copies are known to be.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..._errors import MaintenanceError
from .. import disk
from ..snapshots import identity, store
from ..snapshots.report import Report
from ..snapshots.snapshot import another, is_described


@dataclasses.dataclass(frozen=True)
class File:
    """One file that goes with a snapshot, as it has to be everywhere."""

    path: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return os.path.basename(self.path)


@dataclasses.dataclass
class CopyReport(Report):
    """``copied`` and ``present`` are names of snapshots. ``gone``: they were there once, and nothing of them is now."""

    to: str = ""
    copied: list[str] = dataclasses.field(default_factory=list)
    present: list[str] = dataclasses.field(default_factory=list)
    gone: list[str] = dataclasses.field(default_factory=list)
    durations: dict[str, float] = dataclasses.field(
        default_factory=lambda: {"lock": 0.0, "verify": 0.0, "transfer": 0.0, "read_back": 0.0}
    )

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "changed": self.changed,
            "to": self.to,
            "copied": self.copied,
            "present": self.present,
            "gone": self.gone,
            "checks": [check.as_dict() for check in self.checks],
            "actions": self.actions,
            "durations": {name: round(seconds, 3) for name, seconds in self.durations.items()},
        }


def files(path: str, sidecar: t.Mapping[str, t.Any]) -> list[File]:
    """The snapshot, and what is beside it but the sidecar, as the sidecar describes them; there or not."""
    found = [_file(path, sidecar)]
    for field, suffixes in store.ARCHIVES.items():
        archive = sidecar.get(field)
        if archive:
            names = {os.path.basename(path) + suffix: path + suffix for suffix in suffixes}
            if archive.get("name") not in names:
                raise MaintenanceError(f"{store.sidecar(path)}: {archive.get('name')!r} is no archive of this snapshot")
            found.append(_file(names[archive["name"]], archive))
    return found


def _file(path: str, described: t.Mapping[str, t.Any]) -> File:
    try:
        return File(path, int(described["size"]), str(described["sha256"]))
    except (KeyError, TypeError, ValueError) as error:
        raise MaintenanceError(f"{path}: its sidecar does not say how large it is, or its sha256") from error


def sidecar_file(path: str) -> File:
    """As it is now: it may be written again at any time."""
    name = store.sidecar(path)
    return File(name, *disk.digest(name))


def check(path: str, sidecar: t.Mapping[str, t.Any]) -> None:
    """Raise MaintenanceError where a file is not, just now, what the sidecar describes."""
    if not is_described(path, sidecar):
        raise MaintenanceError(another(path))
    for one in files(path, sidecar)[1:]:
        if disk.digest(one.path) != (one.size, one.sha256):
            raise MaintenanceError(
                f"{one.path}: is not the archive that the sidecar of {os.path.basename(path)} describes"
            )


def chosen(directory: str, names: t.Sequence[str]) -> list[tuple[str, dict[str, t.Any]]]:
    """The named snapshots, or all of the cluster that the newest one is of; newest first."""
    found = store.named(directory, names, "nothing was copied")
    if names:
        return found
    newest = identity.of(found[0][1]) if found else None
    return [one for one in found if newest and identity.same(identity.of(one[1]), newest)]


def had(sidecar: t.Mapping[str, t.Any], to: str) -> bool:
    return any(one.get("to") == to for one in sidecar.get("copies") or ())


def note(path: str, to: str) -> None:
    """Write into the sidecar that there is a verified copy. Under the member's lock: others write sidecars, too."""
    sidecar = store.description(path)
    if sidecar and os.path.lexists(path) and not had(sidecar, to):  # it may have been pruned meanwhile
        store.note(path, sidecar, copies=[*(sidecar.get("copies") or ()), {"to": to, "at": store.now()}])
