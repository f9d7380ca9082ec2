# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One object from a snapshot into a file of its own, as it is stored.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import stat
import tempfile
import typing as t

from ..._errors import MaintenanceError
from .. import disk
from ..database import layout, protobuf, stored
from ..database.contents import Contents
from ..database.pages import Damaged
from . import nearby, snapshot, store

MODE = 0o600
_MOST_REVISIONS = 20
_NOTES = {
    stored.PROTOBUF: "protobuf as kube-apiserver stores it. Its API takes the file as it is: POST it with"
    " Content-Type: application/vnd.kubernetes.protobuf, for example by curl --data-binary through kubectl proxy",
    stored.JSON: "JSON as kube-apiserver stores it: kubectl create -f takes the file as it is",
    stored.CBOR: "CBOR as kube-apiserver stores it. Its API takes the file as it is: POST it with"
    " Content-Type: application/cbor",
    stored.OTHER: "not in a format of Kubernetes",
}


class NotThere(MaintenanceError):
    """The snapshot has no such object."""


@dataclasses.dataclass(frozen=True)
class Request:
    """``keys``: where the object may be. ``revision``: as it was then, None for the last."""

    keys: t.Sequence[bytes]
    dest: str
    revision: t.Optional[int] = None
    force: bool = False
    dry_run: bool = False


class Finder:
    """The row of each wanted key that counts at a revision, and at which revisions there are others."""

    def __init__(self, keys: t.Iterable[bytes], revision: t.Optional[int]) -> None:
        self._revision = revision
        self.found: dict[bytes, tuple[int, bytes, bool]] = {}
        #: Where the object was written, not where it was deleted; the last ones.
        self.revisions: dict[bytes, collections.deque[int]] = {}
        for key in keys:
            self.revisions[key] = collections.deque(maxlen=_MOST_REVISIONS)

    def visit(self, revision: int, key: bytes, row: bytes, tombstone: bool) -> None:
        if key in self.revisions:
            if not tombstone:
                self.revisions[key].append(revision)
            if self._revision is None or revision <= self._revision:
                self.found[key] = (revision, row, tombstone)

    def row(self) -> t.Optional[tuple[bytes, bytes]]:
        """The first wanted key that has a live row then, with it."""
        for key in self.revisions:
            if key in self.found and not self.found[key][2]:
                return key, self.found[key][1]
        return None


def newest(directory: str, request: Request) -> dict[str, t.Any]:
    """From the newest snapshot that is whole and has the object."""
    reasons = []
    for path, _sidecar in store.described(directory):
        try:
            return extract(path, request)
        except (NotThere, Damaged) as error:
            reasons.append(error.msg)
    if not reasons:
        raise MaintenanceError(f"{directory}: there is no snapshot with a sidecar")
    raise MaintenanceError(f"none of the {len(reasons)} snapshots in {directory} has it. The newest: {reasons[0]}")


def extract(path: str, request: Request) -> dict[str, t.Any]:
    """Verify the snapshot, find the object, write it."""
    with snapshot.opened(path) as handle, snapshot.naming(path):
        finder = Finder(request.keys, request.revision)
        facts = snapshot.check(handle, visit=finder.visit)
        match = finder.row()
        if not match:
            raise NotThere(_not_there(path, request, finder, facts.contents, handle, facts.size))
        _check_dest(request.dest, os.fstat(handle))
    key, row = match
    fields = dict(protobuf.fields(row))
    value = protobuf.first(row, 5)
    try:
        actions = _write(request, value)
    except OSError as error:
        raise MaintenanceError(f"{request.dest}: cannot be written: {error.strerror}") from error
    described = stored.describe(value)
    return {
        "changed": bool(actions),
        "actions": actions,
        "snapshot": path,
        "key": layout.text(key),
        **layout.place(key)._asdict(),
        "name": layout.name(key),
        "revision": fields.get(3, 0),
        "revisions": list(finder.revisions[key]),
        "format": described.format,
        "api_version": described.api_version,
        "kind": described.kind,
        "encryption": described.encryption._asdict() if described.encryption.provider else None,
        "size": len(value),
        "note": note(described),
        "dest": request.dest,
    }


def note(described: stored.Described) -> str:
    """What one can do with the file."""
    if described.encryption.provider:
        return (
            f"encrypted by {described.encryption.provider} with the key {described.encryption.key}: only a"
            " kube-apiserver that has this key in its EncryptionConfiguration decrypts it, and only out of etcd. It"
            " goes back there by etcdctl put KEY < FILE, under the object's own key"
        )
    return _NOTES[described.format]


def _not_there(path: str, request: Request, finder: Finder, contents: Contents, handle: int, size: int) -> str:
    """Why, and what is there instead."""
    for key in request.keys:
        revisions = ", ".join(map(str, finder.revisions[key]))
        name = layout.text(key)
        if key in finder.found:
            gone = f"{path}: {name} was deleted at revision {finder.found[key][0]}"
            if revisions:
                return f"{gone}. The snapshot still has it as it was at: give one of the revisions {revisions}"
            return f"{gone}, and the snapshot has no earlier row of it. Look into an older snapshot"
        if revisions:
            return (
                f"{path}: has no row of {name} from revision {request.revision} or before, but from the"
                f" revisions {revisions}. Earlier ones were compacted away or never were: look into an older snapshot"
            )
    names = " nor ".join(map(layout.text, request.keys))
    near = nearby.keys(handle, size, request.keys) or nearby.resources(contents.objects, request.keys)
    return f"{path}: there is no {names}. {near}"


def _check_dest(dest: str, source: os.stat_result) -> None:
    if not os.path.isabs(dest):
        raise MaintenanceError(f"{dest}: is no absolute path")
    if not os.path.isdir(os.path.dirname(dest)):
        raise MaintenanceError(f"{dest}: its directory is not there")
    if os.path.lexists(dest):
        there = os.lstat(dest)
        if not stat.S_ISREG(there.st_mode):
            raise MaintenanceError(f"{dest}: is there already and no regular file")
        if os.path.samestat(there, source):
            raise MaintenanceError(f"{dest}: is the snapshot itself")


def _write(request: Request, value: bytes) -> list[str]:
    """What was done, nothing where the file is there already."""
    dest = request.dest
    what = f"write {len(value)} bytes to {dest}"
    if os.path.lexists(dest):
        with open(dest, "rb") as file:
            same = file.read(len(value) + 1) == value
        if same and stat.S_IMODE(os.lstat(dest).st_mode) == MODE:
            return []
        if not same and not request.force:
            raise MaintenanceError(
                f"{dest}: is there already with another content, nothing was written. Choose"
                " another place, or set force: true"
            )
        what = f"replace {dest} by {len(value)} bytes"
    if not request.dry_run:
        _put(dest, value)
    return [what]


def _put(dest: str, value: bytes) -> None:
    """Whole at every moment, and for its owner alone."""
    handle, part = tempfile.mkstemp(prefix=".kubeops-", dir=os.path.dirname(dest))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(value)
            file.flush()
            os.fsync(file.fileno())
        os.rename(part, dest)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    disk.sync(os.path.dirname(dest))
