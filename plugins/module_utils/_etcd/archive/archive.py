# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive that goes with a snapshot: the files of the control plane, and what the snapshot itself says of kubeadm.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import stat
import tarfile
import typing as t

from ..._check import PASS, SKIP, WARN, Check
from ..._errors import MaintenanceError
from .. import disk
from ..database import configmaps
from . import control_plane, encryption_config, seal
from .files import Collection, Entry

ENCRYPTED, PLAIN, NO_FILES = FILES = ("encrypted", "plain", "none")
CHECK, KEYS_CHECK = "control plane files", "encryption keys"
_RECIPIENTS_FIX = (
    "give public keys of age, or certificates, as recipients (etcd_backup_recipients); or say files=plain or files=none"
)
Found = t.Mapping[str, t.Any]


class Archive:
    """Collected before the snapshot is taken, completed from it, and written beside it."""

    def __init__(self, closing: seal.Seal, collected: Collection, keys_file: str) -> None:
        self._seal, self._collected, self._keys_file = closing, collected, keys_file

    @property
    def size(self) -> int:
        """About how many bytes it will have: a header and an unfinished block for each file, and the ConfigMaps."""
        return sum(1024 + len(entry.content) for entry in self._collected.entries.values()) + (1 << 20)

    @property
    def left_out(self) -> dict[str, str]:
        return self._collected.left_out

    def __str__(self) -> str:
        whom = (
            f"encrypted with {self._seal.kind} for {len(self._seal.recipients)}"
            if self._seal.recipients
            else "not encrypted"
        )
        return f"{len(self._collected.files)} files, {whom}"

    def write(self, snapshot: str, rows: t.Mapping[bytes, bytes]) -> dict[str, t.Any]:
        """What a sidecar says of it. The file has its name, and is on the disk, when this returns.

        ``rows``: those of the ConfigMaps, see `configmaps.read`.
        """
        known, unknown = configmaps.read(rows)
        entries = [*self._collected.entries.values(), *map(_made, sorted(configmaps.paths(known).items()))]
        closed = self._seal.close(packed(entries))
        path = f"{snapshot}{self._seal.suffix}"
        disk.write_whole(path, closed)
        left_out = {**self.left_out, **{configmaps.path(name): why for name, why in unknown.items()}}
        return {
            "name": os.path.basename(path),
            "size": len(closed),
            "sha256": hashlib.sha256(closed).hexdigest(),
            "encryption": self._seal.kind,
            "recipients": list(self._seal.recipients),
            "paths": [_name(entry) for entry in entries],
            "left_out": [{"path": one, "reason": why} for one, why in left_out.items()],
        }

    def has_keys(self, encryption: t.Iterable[Found]) -> list[dict[str, t.Any]]:
        """Says of each key of ``encryption`` whether it is ``archived``: None where that cannot be told."""
        text = self._collected.text(self._keys_file) if self._keys_file else ""
        known = encryption_config.keys(text)
        return [
            {**one, "archived": None if known is None else (one["provider"], one["key"]) in known} for one in encryption
        ]


@dataclasses.dataclass(frozen=True)
class Request:
    """``files``: one of `FILES`."""

    files: str = ENCRYPTED
    recipients: tuple[str, ...] = ()


def prepare(request: t.Optional[Request], manifests: str, shown: str) -> t.Optional[Archive]:
    """Raise MaintenanceError where what is asked for cannot be had. None where there is to be no archive."""
    if not request or request.files == NO_FILES or (request.files == ENCRYPTED and not request.recipients):
        return None
    if request.files == PLAIN and request.recipients:
        raise MaintenanceError("files=plain and recipients exclude each other. Nothing was written")
    try:
        closing = seal.prepare(request.recipients) if request.recipients else seal.Seal(seal.NONE)
    except MaintenanceError as error:
        raise MaintenanceError(f"{error.msg}. Nothing was written") from error
    keys_file = control_plane.encryption_configuration(manifests)
    return Archive(closing, control_plane.collect(manifests, shown), keys_file)


def checks(request: t.Optional[Request], manifests: str, archive: t.Optional[Archive]) -> list[Check]:
    """What can be said before the snapshot is taken."""
    if not request:
        return []
    if not archive:
        if request.files == NO_FILES:
            return [Check(CHECK, SKIP, manifests, "not saved, as files=none says")]
        return [Check(CHECK, WARN, manifests, "not saved: nobody is named who may decrypt them", _RECIPIENTS_FIX)]
    found = [Check(CHECK, PASS, manifests, str(archive))]
    if not control_plane.has_apiserver(manifests):
        fix = "save those of a control plane by other means: its PKI and the encryption configuration above all"
        found.append(Check(CHECK, WARN, manifests, "this node is no control plane, so only etcd's own are saved", fix))
    return found + _left_out(archive.left_out)


def checks_of(sidecar: Found, manifests: str) -> list[Check]:
    """What the snapshot itself has shown. Encrypted objects are worth their key."""
    made = (sidecar["archive"] or {}).get("left_out", ())
    found = _left_out({one["path"]: one["reason"] for one in made if one["path"].startswith(configmaps.DIRECTORY)})
    where = control_plane.encryption_configuration(manifests) or "EncryptionConfiguration"
    keys = [_key_check(where, one) for one in sidecar["encryption"]]
    return found + ([check for check in keys if check.status != PASS] or keys[:1])


def checks_of_earlier(snapshot: Found, archive: t.Optional[Archive]) -> list[Check]:
    """Of a snapshot that is taken again: nothing can be put beside it that is of its time."""
    if not archive or snapshot.get("archive"):
        return []
    fix = "save them by other means before they are changed, or take another snapshot by hand (backup.yml)"
    return [Check(CHECK, WARN, str(snapshot["path"]), "the snapshot from before was taken without them", fix)]


def _left_out(left_out: t.Mapping[str, str]) -> list[Check]:
    fix = "save it by other means if it is needed"
    return [Check(CHECK, WARN, path, f"not saved: {why}", fix) for path, why in left_out.items()]


def _key_check(where: str, one: Found) -> Check:
    encrypted = f"{', '.join(one['resources'])} encrypted with {one['provider']}, key {one['key']}"
    if one.get("archived"):
        return Check(KEYS_CHECK, PASS, where, "is saved with all keys that objects of the snapshot are encrypted with")
    if one.get("archived") is None:
        fix = "see to it that the key is in it"
        return Check(KEYS_CHECK, WARN, where, f"{encrypted}: whether it is in the file could not be read", fix)
    fix = "without the key nobody reads them again: keep the EncryptionConfiguration that has it, at another place too"
    return Check(KEYS_CHECK, WARN, where, f"{encrypted}, which is not saved with the snapshot", fix)


def packed(entries: t.Iterable[Entry]) -> bytes:
    """A tar file, the same for the same entries."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            member = tarfile.TarInfo(_name(entry))
            member.mode, member.uid, member.gid = stat.S_IMODE(entry.mode), entry.uid, entry.gid
            member.mtime, member.size = entry.mtime, len(entry.content)
            if stat.S_ISDIR(entry.mode):
                member.type = tarfile.DIRTYPE
            elif stat.S_ISLNK(entry.mode):
                member.type, member.linkname = tarfile.SYMTYPE, entry.target
            tar.addfile(member, io.BytesIO(entry.content))
    return file.getvalue()


def _name(entry: Entry) -> str:
    return entry.path.lstrip("/")


def _made(item: tuple[str, bytes]) -> Entry:
    """A file that is on no disk."""
    return Entry(item[0], stat.S_IFREG | 0o600, 0, 0, 0, item[1])
