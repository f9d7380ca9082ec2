# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot that travels in pieces: packed where it is, put together under names with ``.part``, verified, published.

Both ends use this, the node and the controller. No end has more than a piece in memory. A transfer that was broken off
goes on with the bytes that are missing; the checksum of the whole tells whether they belong together.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import typing as t
import zlib

from ..._check import FAIL
from ..._errors import MaintenanceError
from .. import disk
from ..member import health
from ..snapshots import sidecars, store
from ..snapshots.snapshot import another, verify
from . import copies
from .copies import File

# Of a file, in one piece. Free pages of a database pack to nothing.
READ = 128 << 20
# Of a piece that is an answer, and so in memory: about so much when it is packed.
ANSWER = 10 << 20
_STEP = 1 << 20
# Seconds after which nobody goes on with what a broken transfer has left.
_ABANDONED = 2 * 86400
_QUICK = 1


def pack(path: str, offset: int, write: t.Callable[[bytes], t.Any], most: int = READ) -> int:
    """Write the next piece of a file, of about ``most`` bytes when it is packed. How many bytes of the file it has."""
    packer = zlib.compressobj(_QUICK)
    taken = packed = 0
    with open(path, "rb") as file:
        file.seek(offset)
        while taken < READ and packed < most:
            data = file.read(min(_STEP, READ - taken))
            if not data:
                break
            taken += len(data)
            ready = packer.compress(data)
            packed += len(ready)
            write(ready)
    write(packer.flush())
    return taken


def unpack(piece: t.Iterable[bytes]) -> t.Iterator[bytes]:
    """What is in a piece, step by step, and no more of it than there may be."""
    unpacker = zlib.decompressobj()
    left = READ
    try:
        for data in piece:
            step = b"-"
            while data or len(step) == _STEP:  # all may be taken in, and not all given out
                step = unpacker.decompress(data, _STEP)
                left -= len(step)
                if left < 0 or unpacker.unused_data:
                    raise MaintenanceError("a piece of a snapshot arrived that is larger than pieces are")
                yield step
                data = unpacker.unconsumed_tail
    except zlib.error as error:
        raise MaintenanceError("a piece of a snapshot arrived damaged. Run it again") from error
    if not unpacker.eof:
        raise MaintenanceError("a piece of a snapshot arrived that has no end. Run it again")


def steps(file: t.BinaryIO) -> t.Iterator[bytes]:
    while data := file.read(_STEP):
        yield data


class Arrival:
    """One snapshot on its way into a directory."""

    def __init__(self, directory: str, name: str, sidecar: t.Mapping[str, t.Any]) -> None:
        if not store.is_snapshot(name):
            raise MaintenanceError(f"{name!r} is no name of a snapshot")
        if not sidecars.is_one(sidecar):
            raise MaintenanceError(f"{name}: what was sent as its sidecar is none. Look at it where it comes from")
        self.path = os.path.join(directory, name)
        self.directory, self.sidecar = directory, sidecar
        self.files = copies.files(self.path, sidecar)

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    def is_here(self) -> bool:
        """Whole, and of the same content; refused where there is something else of its name."""
        described = store.description(self.path)
        sizes = [(os.path.getsize(one.path) if os.path.exists(one.path) else None, one.size) for one in self.files]
        if described.get("sha256") == self.files[0].sha256 and all(found == wanted for found, wanted in sizes):
            return True
        if os.path.lexists(self.path):
            raise MaintenanceError(
                f"{self.path}: there is another file of that name, or not all that belongs to it. Nothing is"
                " overwritten: look at it, and move it away"
            )
        return False

    def begin(self) -> dict[str, int]:
        """Make the directory, see that there is room, and say how much of each file is here already."""
        store.check_directory(self.directory)
        disk.prepare(self.directory)
        for part in store.abandoned(self.directory, time.time() - _ABANDONED):
            os.unlink(part)
        here = {one.name: self._size(one) for one in self.files}
        missing = sum(one.size - here[one.name] for one in self.files)
        room = health.room(self.directory, disk.free_bytes(self.directory), missing)
        if room.status == FAIL:
            raise MaintenanceError(f"{room.sentence()}. Nothing was copied")
        return here

    def append(self, name: str, offset: int, pieces: t.Iterable[bytes]) -> int:
        """Add to a file what comes after ``offset``, on disk when this returns. Its size then."""
        one = self._file(name)
        with self._held(one) as handle, open(handle, "r+b", closefd=False) as file:
            if os.fstat(handle).st_size < offset:
                raise MaintenanceError(f"{one.path}.part: is shorter than it was. Run it again")
            file.truncate(offset)
            file.seek(offset)
            for data in pieces:
                file.write(data)
            if file.tell() > one.size:
                raise MaintenanceError(f"{one.path}.part: is larger than it may be. Run it again")
            file.flush()
            os.fsync(handle)
            return file.tell()

    def publish(self) -> None:
        """Verify all of it. Only then it gets its name, after everything that goes with it."""
        with self._held(self.files[0]):
            self._publish()

    def _publish(self) -> None:
        try:
            self._verify()
        except MaintenanceError as error:
            self._forget()
            raise MaintenanceError(
                f"{error.msg}. What has arrived of it was removed; the snapshot itself is where it was. Verify that"
                " (snapshots.yml -e verify=true), and run it again"
            ) from None
        for one in self.files[1:]:
            os.rename(f"{one.path}.part", one.path)
        disk.rewrite(store.sidecar(self.path), store.as_text(self.sidecar))
        disk.publish(f"{self.path}.part", self.path)

    @contextlib.contextmanager
    def _held(self, one: File) -> t.Iterator[int]:
        """A file that is not whole yet, for us alone: what another run writes now would not be what was verified."""
        part = f"{one.path}.part"
        handle = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not (os.path.lexists(part) and os.path.samestat(os.fstat(handle), os.lstat(part))):
                raise BlockingIOError  # it has got its name, or was removed, before we had the lock
            yield handle
        except BlockingIOError:
            raise MaintenanceError(
                f"{part}: another run brings it just now. Run it again when that has ended"
            ) from None
        finally:
            os.close(handle)

    def _verify(self) -> None:
        whole = self.files[0]
        if verify(f"{whole.path}.part").sha256 != whole.sha256:
            raise MaintenanceError(another(f"{whole.path}.part"))
        for one in self.files[1:]:
            if disk.digest(f"{one.path}.part") != (one.size, one.sha256):
                raise MaintenanceError(f"{one.path}.part: is not the archive that the sidecar of {self.name} describes")

    def _forget(self) -> None:
        for one in self.files:
            with contextlib.suppress(OSError):
                os.unlink(f"{one.path}.part")

    def _file(self, name: str) -> File:
        for one in self.files:
            if one.name == name:
                return one
        raise MaintenanceError(f"{name!r} is no file of {self.name}")

    def _size(self, one: File) -> int:
        """Of what a broken transfer has left, if it can be a part of it."""
        with contextlib.suppress(FileNotFoundError):
            size = os.path.getsize(f"{one.path}.part")
            return size if size <= one.size else 0
        return 0
