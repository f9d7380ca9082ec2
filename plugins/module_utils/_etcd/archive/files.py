# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of this node, read as they are: content, owner, mode, and links as links.

Directories are walked without following a link out of them. What is left out is told with its reason.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import posixpath
import stat

# Certificates, manifests and settings have a few kilobytes each. Whatever is beyond these is something else.
LARGEST = 1 << 20
MOST = 2000
LARGEST_SUM = 16 << 20


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file, a directory or a link. ``mode`` has the type in it, as stat has it; ``target`` is that of a link."""

    path: str
    mode: int
    uid: int
    gid: int
    mtime: int
    content: bytes = dataclasses.field(default=b"", repr=False)
    target: str = ""

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)


class Collection:
    """What has been read so far, by path, and what has been left out: path -> why."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.left_out: dict[str, str] = {}
        self._size = 0

    @property
    def files(self) -> list[Entry]:
        return [entry for entry in self.entries.values() if entry.is_file]

    def text(self, path: str) -> str:
        """Of a file that was read, or of the one that a link leads to. Empty where there is none."""
        for one in (path, os.path.realpath(path)):
            entry = self.entries.get(one)
            if entry and entry.is_file:
                return entry.content.decode("utf-8", "replace")
        return ""

    def add(self, path: str, named_by: str = "") -> None:
        """A file or a directory with all that is in it. Where the path is a link, what it leads to is added, too.

        ``named_by``: who says that it is there.
        """
        path = posixpath.normpath(path)
        if os.path.exists(path):
            self._walk(path)
            self._walk(os.path.realpath(path))
        elif named_by:
            self._leave(path, f"{named_by} names it, and it is not there. It may be mounted from another place")

    def _walk(self, path: str) -> None:
        if path in self.entries or path in self.left_out:
            return
        try:
            found = os.lstat(path)
            if stat.S_ISDIR(found.st_mode):
                if self._keep(_entry(path, found)):
                    for name in sorted(os.listdir(path)):
                        self._walk(posixpath.join(path, name))
            elif stat.S_ISLNK(found.st_mode):
                self._keep(_entry(path, found, target=os.readlink(path)))
            elif stat.S_ISREG(found.st_mode):
                self._read(path)
            else:
                self._leave(path, "is no file but a socket, a pipe or a device")
        except OSError as error:
            self._leave(path, f"cannot be read: {error.strerror}")

    def _read(self, path: str) -> None:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            content = file.read(LARGEST + 1)
            if len(content) > LARGEST:
                self._leave(path, f"has more than {LARGEST} bytes")
            else:
                self._keep(_entry(path, os.fstat(handle), content=content))

    def _keep(self, entry: Entry) -> bool:
        fits = len(self.entries) < MOST and self._size + len(entry.content) <= LARGEST_SUM
        if fits:
            self.entries[entry.path] = entry
            self._size += len(entry.content)
        else:
            self._leave(entry.path, f"is one too many: {MOST} files of {LARGEST_SUM} bytes in all are the most")
        return fits

    def _leave(self, path: str, why: str) -> None:
        if len(self.left_out) < MOST:
            self.left_out[path] = why

    def mark_links(self) -> None:
        """Tell of links whose targets are not here: they are worth nothing where they are restored."""
        for entry in self.entries.values():
            if entry.target and os.path.realpath(entry.path) not in self.entries:
                self._leave(entry.path, f"is a link to {entry.target}, which is not followed")


def _entry(path: str, found: os.stat_result, content: bytes = b"", target: str = "") -> Entry:
    return Entry(path, found.st_mode, found.st_uid, found.st_gid, int(found.st_mtime), content, target)
