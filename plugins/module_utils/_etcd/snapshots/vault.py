# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd's programs beside the snapshots of the release that they are for: a restore needs no registry then.

``tools/etcd-3.6.16/{etcd,etcdctl,etcdutl,SHA256SUMS}``; ``sha256sum -c SHA256SUMS`` checks them by hand.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import stat
import typing as t

from ..._check import PASS, WARN, Check
from ..._errors import MaintenanceError
from .. import disk
from ..member.programs import NAMES, PLACES, Program, is_safe, minor

_FOLDER = "tools"
_SUMS = "SHA256SUMS"
_VERSION = re.compile(r"\d+\.\d+\.\d+[0-9A-Za-z.+-]*")
_CHUNK = 1 << 20
_LONGEST_SUMS = 1 << 16


@dataclasses.dataclass(frozen=True)
class Copy:
    """A program to be put into the vault. ``replaces``: what is there is not what it was."""

    source: Program
    size: int
    replaces: bool


@dataclasses.dataclass(frozen=True)
class Plan:
    """``digests`` of all programs that will be in the vault then."""

    directory: str
    version: str
    copies: tuple[Copy, ...]
    digests: t.Mapping[str, str]

    @property
    def size(self) -> int:
        return sum(one.size for one in self.copies)

    @property
    def actions(self) -> list[str]:
        new = ", ".join(one.source.name for one in self.copies if not one.replaces)
        old = ", ".join(one.source.name for one in self.copies if one.replaces)
        return ([f"keep {new} of etcd {self.version} in {self.directory}"] if new else []) + (
            [f"replace {old} in {self.directory}, whose digest does not fit any more"] if old else []
        )

    def as_dict(self) -> dict[str, t.Any]:
        return {"version": self.version, "directory": self.directory, "programs": dict(self.digests)}


def plan(backups: str, version: str, found: t.Mapping[str, Program]) -> t.Optional[Plan]:
    """What has to be copied, None where there is nothing to keep. Reads programs and vault whole."""
    if not _VERSION.fullmatch(version):  # it comes from the network and becomes a path
        return None
    folder = directory(backups, version)
    copies, wanted = [], kept(backups, version)
    for name, program in found.items():
        with contextlib.suppress(OSError):  # the member has just ended
            size, digest = disk.digest(program.path)
            if wanted.get(name) != digest:
                copies.append(Copy(program, size, replaces=os.path.lexists(os.path.join(folder, name))))
                wanted[name] = digest
    return Plan(folder, version, tuple(copies), wanted) if wanted else None


def fill(planned: Plan) -> None:
    """Copy what the plan says. Each program is whole at every moment, and the sums say so last."""
    disk.prepare(planned.directory)
    for one in planned.copies:
        path = os.path.join(planned.directory, one.source.name)
        _copy(one.source.path, f"{path}.part", planned.digests[one.source.name])
        os.rename(f"{path}.part", path)
    sign(planned.directory, planned.digests)


def sign(folder: str, digests_of: t.Mapping[str, str]) -> None:
    """Write the sums of all programs in it."""
    sums = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests_of.items()))
    disk.rewrite(os.path.join(folder, _SUMS), sums.encode())


def is_version(text: str) -> bool:
    """Whether it may become a part of a path."""
    return bool(_VERSION.fullmatch(text))


def kept(backups: str, version: str) -> dict[str, str]:
    """Digests of the programs that are what they were, whoever may exchange them."""
    if not is_version(version):
        return {}
    folder = directory(backups, version)
    there = digests(folder)
    return {name: there[name] for name in there if _fits(folder, name, there)}


def programs(backups: str, version: str) -> dict[str, Program]:
    """Those of the vault that still are what they were when they were put there, and that only root can exchange: who
    can exchange a program can exchange its sum, too.
    """
    place = os.path.realpath(backups)
    found = {name: os.path.join(directory(place, version), name) for name in kept(place, version)}
    return {name: Program(name, path, version) for name, path in found.items() if is_safe(path)}


def directory(backups: str, version: str) -> str:
    return os.path.join(backups, _FOLDER, f"etcd-{version}")


def version_for(sidecar: t.Mapping[str, t.Any]) -> str:
    """The version of the programs that a snapshot needs."""
    tools = sidecar.get("tools")
    return str(tools.get("version") if isinstance(tools, dict) else sidecar.get("etcd_version"))


def versions(backups: str) -> list[str]:
    """Of which there is a folder, whatever is in it."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        found = [one[len("etcd-") :] for one in sorted(os.listdir(os.path.join(backups, _FOLDER)))]
        return [one for one in found if _VERSION.fullmatch(one)]
    return []


def unused(backups: str, needed: t.Collection[str]) -> list[str]:
    """The folders of versions that are not needed any more."""
    return [directory(backups, one) for one in versions(backups) if one not in needed]


def remove(folder: str) -> None:
    """Only what was put there: a folder with anything else in it stays."""
    for name in (*NAMES, _SUMS):
        for path in (os.path.join(folder, name), os.path.join(folder, f"{name}.part")):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(folder)
    disk.sync(os.path.dirname(folder))


def check(name: str, version: str, planned: t.Optional[Plan]) -> Check:
    """Whether there is what a restore cannot do without: images of etcd until 3.6.4 have no etcdutl."""
    wanted = ("etcd", "etcdutl")
    missing = [one for one in wanted if not planned or one not in planned.digests]
    if not missing:
        return Check("tools for a restore", PASS, f"etcd/{name}", f"{' and '.join(wanted)} {version}")
    release = ".".join(minor(version))
    evidence = f"no {' and no '.join(missing)} of etcd {release} beside the running member or in {', '.join(PLACES)}"
    fix = (
        f"put {' and '.join(missing)} of https://github.com/etcd-io/etcd/releases/tag/v{version} into {PLACES[0]},"
        " owned by root; the next snapshot keeps a copy"
    )
    return Check("tools for a restore", WARN, f"etcd/{name}", evidence, fix)


def digests(folder: str) -> dict[str, str]:
    """What the sums say."""
    with contextlib.suppress(OSError, ValueError), open(os.path.join(folder, _SUMS), encoding="ascii") as file:
        pairs = (line.split("  ", 1) for line in file.read(_LONGEST_SUMS).splitlines())
        return {name: digest for digest, name in pairs if name in NAMES}
    return {}


def _fits(folder: str, name: str, there: t.Mapping[str, str]) -> bool:
    path = os.path.join(folder, name)
    try:
        return stat.S_ISREG(os.lstat(path).st_mode) and disk.digest(path)[1] == there[name]
    except OSError:
        return False


def _copy(source: str, part: str, wanted: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)  # a killed run has left it
    digest = hashlib.sha256()
    try:
        with open(source, "rb") as file, disk.create(part) as copy:
            for data in iter(lambda: file.read(_CHUNK), b""):
                digest.update(data)
                copy.write(data)
            copy.flush()
            os.fchmod(copy.fileno(), 0o700)
            os.fsync(copy.fileno())
        if digest.hexdigest() != wanted:
            raise MaintenanceError(f"{source}: has changed while it was copied")
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)  # on a disk that is full, the snapshot needs its room
        raise
