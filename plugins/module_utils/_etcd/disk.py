# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files that appear whole or not at all, for their owner alone; and how much room there is for them.

A file is written under its name with ``.part``, synced and renamed.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import typing as t

from .._errors import MaintenanceError

_CHUNK = 1 << 20


def write_whole(path: str, content: bytes) -> None:
    part = f"{path}.part"
    _write(part, content)
    publish(part, path)


def rewrite(path: str, content: bytes) -> None:
    """Put something else in the place of a file, whole at every moment."""
    part = f"{path}.part"
    with contextlib.suppress(FileNotFoundError):
        os.unlink(part)  # a killed run has left it
    _write(part, content)
    os.rename(part, path)
    sync(os.path.dirname(path))


def create(path: str) -> t.BinaryIO:
    """A new file for its owner alone; never one that is there already."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    return os.fdopen(handle, "wb", _CHUNK)


def _write(path: str, content: bytes) -> None:
    with create(path) as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def publish(part: str, path: str) -> None:
    """Give a synced file its name, for good: the directory is synced too. Where that fails, it has its old one."""
    if os.path.lexists(path):
        raise MaintenanceError(f"{path}: is there already; nothing is overwritten")
    os.rename(part, path)
    try:
        sync(os.path.dirname(path))
    except OSError:
        os.rename(path, part)
        raise


def sync(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        # Some shares (CIFS, 9p) sync no directories: their servers do with names what they want.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def sync_tree(folder: str) -> None:
    """Everything in it, also what others have written without waiting for the disk."""
    for place, _folders, names in os.walk(folder):
        for name in names:
            handle = os.open(os.path.join(place, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync(place)


def prepare(directory: str) -> bool:
    """Make the directory, for its owner alone. Whether it had to be made."""
    missing = []
    parent = directory
    while not os.path.isdir(parent):
        missing.append(parent)
        parent = os.path.dirname(parent)
    for one in reversed(missing):
        os.mkdir(one, 0o700)
        sync(os.path.dirname(one))
    return bool(missing)


def free_bytes(directory: str) -> int:
    """What is free in a directory, or where it would be made."""
    while not os.path.isdir(directory) and os.path.dirname(directory) != directory:
        directory = os.path.dirname(directory)
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def used_bytes(folder: str) -> int:
    files = (os.path.join(place, name) for place, _folders, names in os.walk(folder) for name in names)
    return sum(os.lstat(path).st_blocks * 512 for path in files)


def digest(path: str) -> tuple[int, str]:
    """Size and sha256 of a file."""
    found, size = hashlib.sha256(), 0
    with open(path, "rb") as file:
        while data := file.read(_CHUNK):
            found.update(data)
            size += len(data)
    return size, found.hexdigest()
