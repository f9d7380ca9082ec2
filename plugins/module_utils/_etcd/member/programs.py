# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd's own programs, of the release that the member runs.

They are taken from where the running member is: from its container's root as the kernel shows it, or from its folder on
the host. The member is the process that has its database open for writing, whatever it is called: what a stranger names
"etcd" is not run as root. Only then does a folder of the host count, and nothing counts that says another release of
itself: tools of another minor misread the data, and some of them without a word.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import posixpath
import re
import stat
import typing as t

from ..._wait import Deadline
from .. import process

NAMES = ("etcd", "etcdctl", "etcdutl")
PLACES = ("/usr/local/bin", "/usr/bin", "/opt/bin")
PROC = "/proc"
_VERSION = re.compile(r"^etcd(?:ctl|utl)? version: (\d+\.\d+\.\d+\S*)$", re.IGNORECASE | re.MULTILINE)
# Seconds. A program that is asked for its version answers at once, where it runs at all.
_PATIENCE = 10


@dataclasses.dataclass(frozen=True)
class Program:
    """``path`` is what to run; below /proc it is there as long as the member runs."""

    name: str
    path: str
    version: str


def of_member(data_dir: str, version: str, proc: str = PROC, places: t.Sequence[str] = PLACES) -> dict[str, Program]:
    """Name -> the program of the same minor as the running member, for those that there are.

    ``version``: what the member says of itself.
    """
    pid = holder(posixpath.join(data_dir, "member", "snap", "db"), proc)
    found = {}
    for name in NAMES:
        for path in candidates(name, pid, proc, places):
            said = version_of(name, path)
            if said and minor(said) == minor(version):
                found[name] = Program(name, path, said)
                break
    return found


def minor(version: str) -> tuple[str, ...]:
    return tuple(version.split(".")[:2])


def version_of(name: str, path: str) -> str:
    """What a program says that it is, empty where it says nothing that could be one of etcd's."""
    try:
        said = process.run([path, "--version" if name == "etcd" else "version"], Deadline(_PATIENCE))
    except process.ProcessError:
        return ""
    found = _VERSION.search(said)
    return found[1] if found else ""


def holder(database: str, proc: str = PROC) -> t.Optional[int]:
    """The process that has the database open for writing: etcd locks it, so there is no more than one."""
    try:
        wanted = os.stat(database)
        entries = os.listdir(proc)
    except OSError:
        return None
    for entry in sorted(filter(str.isdigit, entries), key=int):
        # A process may end at any moment; those of others cannot be looked at without being root.
        with contextlib.suppress(OSError):
            for handle in os.listdir(f"{proc}/{entry}/fd"):
                path = f"{proc}/{entry}/fd/{handle}"
                if not _may_be(path, database):
                    continue
                if _is(path, wanted) and _writes(f"{proc}/{entry}/fdinfo/{handle}"):
                    return int(entry)
    return None


def _may_be(path: str, database: str) -> bool:
    """By its name: to look at a file on a server that is gone never ends, and any process may have one open."""
    try:
        return posixpath.basename(os.readlink(path)) == posixpath.basename(database)
    except OSError:  # closed meanwhile
        return False


def _is(path: str, wanted: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), wanted)
    except OSError:  # closed meanwhile
        return False


def _writes(fdinfo: str) -> bool:
    """Whoever reads a copy of the database has it open, too."""
    with open(fdinfo, encoding="ascii") as file:
        flags = re.search(r"^flags:\s*([0-7]+)$", file.read(), re.MULTILINE)
    return flags is not None and int(flags[1], 8) & os.O_ACCMODE != os.O_RDONLY


def candidates(name: str, pid: t.Optional[int], proc: str = PROC, places: t.Sequence[str] = PLACES) -> t.Iterator[str]:
    """Where a program may be, best first."""
    if pid is not None and name == "etcd":
        with contextlib.suppress(OSError):
            if guarded(os.stat(f"{proc}/{pid}/exe")):
                yield f"{proc}/{pid}/exe"  # what runs, even where a newer file has its name now
    elif pid is not None:
        with contextlib.suppress(OSError):
            folder = posixpath.dirname(os.readlink(f"{proc}/{pid}/exe"))
            yield from _executable(f"{proc}/{pid}/root", posixpath.join(folder, name))
    for place in places:
        yield from _executable("/", os.path.realpath(posixpath.join(place, name)))


def guarded(found: os.stat_result) -> bool:
    """Whether nobody but root, and who runs this, can change a file, or exchange what lies in a folder.

    The user that etcd runs as can start whatever it likes, and have the database open. It must not be run as root.
    """
    if found.st_uid not in (0, os.geteuid()):
        return False
    if stat.S_ISDIR(found.st_mode):  # the group of a folder is root's choice, as staff is for Debian's /usr/local
        return not found.st_mode & 0o002 or bool(found.st_mode & stat.S_ISVTX)
    return not found.st_mode & 0o022


def is_safe(path: str) -> bool:
    """Whether a file of the host is a program that only root can change or exchange. Links on the way are none."""
    return any(_executable("/", path))


def _executable(root: str, path: str) -> t.Iterator[str]:
    """The path below ``root``, where it is a program that only root can change or exchange.

    A symbolic link on the way would be followed in the host's root and not in the container's.
    """
    there = root.rstrip("/")
    with contextlib.suppress(OSError):
        mode = 0
        for part in path.strip("/").split("/"):
            there = f"{there}/{part}"
            found = os.lstat(there)
            mode = found.st_mode
            if stat.S_ISLNK(mode) or not guarded(found):
                return
        if stat.S_ISREG(mode) and mode & 0o111:
            yield there
