# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that are kept with a snapshot, on their way to where it goes: without them nobody restores it there.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..._errors import MaintenanceError
from .. import disk
from ..member.programs import NAMES, Program
from ..snapshots import vault
from .copies import File
from .exchange import Arrival

# Far above what they have.
_LARGEST = 512 << 20


def files(directory: str, sidecar: t.Mapping[str, t.Any]) -> list[File]:
    """Those that are here, and are what the sidecar says. They are read whole."""
    version = vault.version_for(sidecar)
    here, said = vault.kept(directory, version), _digests(sidecar)
    paths = {name: os.path.join(vault.directory(directory, version), name) for name in here if name in said}
    return [File(path, os.path.getsize(path), here[name]) for name, path in paths.items() if here[name] == said[name]]


def keep(directory: str, sidecar: t.Mapping[str, t.Any], own: t.Mapping[str, Program]) -> None:
    """Those of this host's own member, where they are what the sidecar says: nothing has to be brought for that, and
    whoever took the snapshot may be the one that is lost. A copy without them is better than none.
    """
    said = _digests(sidecar)
    with contextlib.suppress(MaintenanceError, OSError):
        same = {name: one for name, one in own.items() if disk.digest(one.path)[1] == said.get(name)}
        planned = vault.plan(directory, vault.version_for(sidecar), same)
        if planned and planned.copies:
            vault.fill(planned)


def sizes(found: t.Iterable[File]) -> dict[str, int]:
    """How they are told to who gets them; the digests are in the sidecar."""
    return {one.name: one.size for one in found}


class Tools(Arrival):
    """The programs of one snapshot on their way into a directory. What is kept there already stays as it is."""

    def __init__(self, directory: str, name: str, sidecar: t.Mapping[str, t.Any], known: t.Mapping[str, t.Any]) -> None:
        super().__init__(directory, name, sidecar)
        version, said = vault.version_for(sidecar), _digests(sidecar)
        if not vault.is_version(version):
            raise MaintenanceError(f"{name}: its sidecar names no release of its tools. Look at it where it comes from")
        self.folder = vault.directory(directory, version)
        self._there = vault.kept(directory, version)
        self.files = [
            File(os.path.join(self.folder, one), _size(one, known[one]), said[one])
            for one in NAMES
            if one in known and one in said and one not in self._there
        ]

    def is_here(self) -> bool:
        return not self.files

    def begin(self) -> dict[str, int]:
        disk.prepare(self.folder)
        return super().begin()

    def _publish(self) -> None:
        for one in self.files:
            if disk.digest(f"{one.path}.part") != (one.size, one.sha256):
                self._forget()
                raise MaintenanceError(
                    f"{one.path}.part: is not the program that the sidecar of {self.name} describes, and was removed."
                    " Run it again"
                )
        for one in self.files:
            os.chmod(f"{one.path}.part", 0o700)
            os.rename(f"{one.path}.part", one.path)
        vault.sign(self.folder, {**self._there, **{one.name: one.sha256 for one in self.files}})


def _digests(sidecar: t.Mapping[str, t.Any]) -> dict[str, str]:
    programs = (sidecar.get("tools") or {}).get("programs")
    return {name: str(programs[name]) for name in NAMES if name in programs} if isinstance(programs, dict) else {}


def _size(name: str, size: t.Any) -> int:
    if not isinstance(size, int) or not 0 < size <= _LARGEST:
        raise MaintenanceError(f"{name}: {size!r} is no size of a program")
    return size
