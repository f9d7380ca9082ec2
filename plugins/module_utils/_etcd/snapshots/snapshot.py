# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot: verified from its file alone, and saved so that a file with its name is known to restore.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import os
import stat
import time
import types
import typing as t

from ..._errors import MaintenanceError
from ..._wait import Deadline
from .. import disk
from ..archive.archive import Archive
from ..database import contents, objects
from ..database.bolt import Database
from ..database.pages import Damaged
from ..member.health import Observation
from ..member.local_member import LocalMember
from . import store

SCHEMA = 1
TRAILER = 32
_CHUNK = 256 << 10


@dataclasses.dataclass(frozen=True)
class Facts:
    """What verification found. ``sha256`` is of the whole file, as sha256sum prints it."""

    size: int
    sha256: str
    contents: contents.Contents


@dataclasses.dataclass(frozen=True)
class Label:
    """Why a snapshot is taken. Two of the same tier and ``run_key`` are for the same purpose."""

    tier: str
    reason: str = ""
    run_key: str = ""


def verify(path: str, with_hash: bool = False, namespaces: bool = False) -> Facts:
    """Check everything that a file alone can tell. Raise Damaged where a restore would fail, or worse, not fail."""
    with opened(path) as handle, naming(path):
        return check(handle, with_hash, namespaces)


@contextlib.contextmanager
def opened(path: str) -> t.Iterator[int]:
    """The file for those who read it more than once."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise MaintenanceError(f"{path}: cannot be opened: {error.strerror}") from error
    try:
        yield handle
    finally:
        os.close(handle)


@contextlib.contextmanager
def naming(path: str) -> t.Iterator[None]:
    """What is raised while the file is read names it."""
    try:
        yield
    except Damaged as error:
        raise Damaged(
            f"{path}: {error.msg}. The snapshot is damaged: do not restore it, take or choose another"
        ) from None
    except OSError as error:
        raise MaintenanceError(f"{path}: cannot be read: {error.strerror}") from error


def check(
    handle: int, with_hash: bool = False, namespaces: bool = False, visit: t.Optional[contents.Visitor] = None
) -> Facts:
    """As `verify`, of an open file. What ``visit`` sees is true when this returns."""
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        raise Damaged("is no regular file")
    sha256 = _check_trailer(handle, found.st_size)
    database = Database(handle, found.st_size - TRAILER)
    return Facts(found.st_size, sha256, contents.read(database, with_hash, namespaces, visit))


def is_described(path: str, sidecar: t.Mapping[str, t.Any]) -> bool:
    """Whether the file, which has to be a whole snapshot, is the one that the sidecar describes. Raises as `verify`."""
    return verify(path).sha256 == sidecar.get("sha256")


def another(path: str) -> str:
    """What is said of a file that verifies, and is not described by its sidecar."""
    return f"{path}: is a whole snapshot, but not the one that its sidecar describes"


def save(
    fetch: t.Callable[[str, Deadline], str],
    local: LocalMember,
    seen: Observation,
    label: Label,
    directory: str,
    deadline: Deadline,
    noted: t.Mapping[str, t.Any] = types.MappingProxyType({}),
    archive: t.Optional[Archive] = None,
    as_of: t.Optional[datetime.datetime] = None,
) -> dict[str, t.Any]:
    """Fetch, verify, compare with what the member said before, describe, rename. Return path and sidecar.

    ``fetch`` writes the file, synced, and returns how. ``noted``: what else the sidecar says. ``as_of``: when the data
    was in use, where that is not now. Where anything fails, nothing is left in the directory.
    """
    started = as_of or datetime.datetime.now(datetime.timezone.utc)
    clock = time.monotonic()
    part = os.path.join(directory, store.name(local.name, started, label.tier))
    made = [part]
    try:
        save_method = fetch(part, deadline)
        fetched = time.monotonic()
        facts = verify(part)
        _compare(facts.contents, seen)
        path = os.path.join(directory, store.name(local.name, started, label.tier, facts.contents.revision))
        if os.path.lexists(path):  # a clock was set back; what is there is not ours to be cleaned up
            raise MaintenanceError(f"{path}: is there already; nothing is overwritten")
        made += [f"{name}{end}" for name in store.beside(path) for end in ("", ".part")]
        sidecar = {
            **_describe(facts, local, seen, label),
            **_accompany(path, facts, archive),
            **noted,
            "save_method": save_method,
            "started": store.timestamp(started),
            "finished": store.now(),
            "save_seconds": round(fetched - clock, 3),
            "verify_seconds": round(time.monotonic() - fetched, 3),
        }
        disk.write_whole(store.sidecar(path), store.as_text(sidecar))
        disk.publish(part, path)
        return {"path": path, **sidecar}
    except BaseException:
        for one in made:
            with contextlib.suppress(OSError):
                os.unlink(one)
        raise


def _check_trailer(handle: int, size: int) -> str:
    if size % 512 != TRAILER:
        raise Damaged(f"{size} bytes: a snapshot is a database of whole pages and {TRAILER} bytes of checksum")
    # Before the walk and in one go: what the walk then reads here and there comes from memory.
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_CHUNK))
    left = size - TRAILER
    while left:
        count = os.preadv(handle, [buffer[: min(_CHUNK, left)]], size - TRAILER - left)
        if not count:
            raise Damaged(f"the file ends {left} bytes early")
        digest.update(buffer[:count])
        left -= count
    trailer = os.pread(handle, TRAILER, size - TRAILER)
    if trailer != digest.digest():
        raise Damaged(f"its content has the sha256 {digest.hexdigest()}, its trailer says {trailer.hex()}")
    digest.update(trailer)
    return digest.hexdigest()


def _accompany(path: str, facts: Facts, archive: t.Optional[Archive]) -> dict[str, t.Any]:
    """What goes with the snapshot is written before the sidecar, which says that it is there."""
    encryption = objects.encryptions(facts.contents.objects)
    return {
        "encryption": archive.has_keys(encryption) if archive else [{**one, "archived": False} for one in encryption],
        "archive": archive.write(path, facts.contents.kept) if archive else None,
        "control_plane_archive": archive.brought.write(path) if archive and archive.brought else None,
    }


def _compare(found: contents.Contents, seen: Observation) -> None:
    if found.head < seen.status.revision:
        raise Damaged(
            f"the snapshot ends at revision {found.head}, the member was at {seen.status.revision} before it was taken"
        )
    if found.members != seen.members:
        raise Damaged(
            f"the snapshot names the members {', '.join(map(str, found.members))}; the cluster has "
            f"{', '.join(map(str, seen.members))}. If a member was added or removed just now, try again"
        )


def _describe(facts: Facts, local: LocalMember, seen: Observation, label: Label) -> dict[str, t.Any]:
    found, status = facts.contents, seen.status
    return {
        "schema": SCHEMA,
        "cluster_id": status.cluster_id,
        "kube_system_uid": found.kube_system_uid,
        "member": local.name,
        "member_id": status.member_id,
        "members": [member.as_dict() for member in found.members],
        "etcd_version": status.version,
        "storage_version": found.storage_version,
        "cluster_version": found.cluster_version,
        "revision": found.revision,
        "live_keys": found.keys,
        "rows": found.rows,
        "size": facts.size,
        "database_in_use": status.db_size_in_use,
        "sha256": facts.sha256,
        **dataclasses.asdict(label),
    }
