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
from . import brought, control_plane, encryption_config, seal
from .files import Collection, Entry

ENCRYPTED, PLAIN, NO_FILES = FILES = ("encrypted", "plain", "none")
CHECK, KEYS_CHECK = "control plane files", "encryption keys"
_RECIPIENTS_FIX = (
    "give public keys of age, or certificates, as recipients (etcd_backup_recipients); or say that they are to be"
    " plain, or not to be saved (etcd_backup_files)"
)
_ELSEWHERE_FIX = (
    "no control plane can be reached from here: run backup.yml, whose snapshot gets those of one, and again after each"
    " upgrade, renewed certificate and new key of encryption. It is kept until you delete it"
)
Found = t.Mapping[str, t.Any]


class Archive:
    """Collected before the snapshot is taken, completed from it, and written beside it.

    ``brought``: that of a control plane, where this node is none.
    """

    def __init__(
        self,
        closing: seal.Seal,
        collected: Collection,
        keys_file: str,
        from_elsewhere: t.Optional[brought.Brought] = None,
    ) -> None:
        self._seal, self._collected, self._keys_file = closing, collected, keys_file
        self.brought = from_elsewhere

    @property
    def size(self) -> int:
        """About how many bytes it will have: a header and an unfinished block for each file, and the ConfigMaps."""
        ours = sum(1024 + len(entry.content) for entry in self._collected.entries.values()) + (1 << 20)
        return ours + (len(self.brought.content) if self.brought else 0)

    @property
    def left_out(self) -> dict[str, str]:
        return self._collected.left_out

    def __str__(self) -> str:
        return f"{len(self._collected.files)} files, {seal.told(self._seal.kind, self._seal.recipients)}"

    def write(self, snapshot: str, rows: t.Mapping[bytes, bytes]) -> dict[str, t.Any]:
        """What a sidecar says of it. The file has its name, and is on the disk, when this returns.

        ``rows``: those of the ConfigMaps, see `configmaps.read`.
        """
        closed, told = self.closed(rows)
        path = f"{snapshot}{self._seal.suffix}"
        disk.write_whole(path, closed)
        return {"name": os.path.basename(path), **told}

    def closed(self, rows: t.Mapping[bytes, bytes]) -> tuple[bytes, dict[str, t.Any]]:
        """What is written, and what is told of it."""
        known, unknown = configmaps.read(rows)
        entries = [*self._collected.entries.values(), *map(_made, sorted(configmaps.paths(known).items()))]
        content = self._seal.close(packed(entries))
        left_out = {**self.left_out, **{configmaps.path(name): why for name, why in unknown.items()}}
        return content, {
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "encryption": self._seal.kind,
            "recipients": list(self._seal.recipients),
            "paths": [_name(entry) for entry in entries],
            "left_out": [{"path": one, "reason": why} for one, why in left_out.items()],
        }

    @property
    def keys(self) -> t.Optional[set[encryption_config.Key]]:
        """Those that the EncryptionConfiguration names which is saved, None where that cannot be told."""
        if self.brought:
            return self.brought.keys
        return encryption_config.keys(self._collected.text(self._keys_file) if self._keys_file else "")

    def has_keys(self, encryption: t.Iterable[Found]) -> list[dict[str, t.Any]]:
        """Says of each key of ``encryption`` whether it is ``archived``: None where that cannot be told."""
        known = self.keys
        return [
            {**one, "archived": None if known is None else (one["provider"], one["key"]) in known} for one in encryption
        ]


@dataclasses.dataclass(frozen=True)
class Request:
    """``files``: one of `FILES`. ``control_plane``: what `brought.read` reads, where the files of one were brought."""

    files: str = ENCRYPTED
    recipients: tuple[str, ...] = ()
    control_plane: t.Optional[Found] = None


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
    from_elsewhere = brought.read(request.control_plane) if request.control_plane else None
    return Archive(closing, control_plane.collect(manifests, shown), keys_file, from_elsewhere)


def gathered(request: Request, manifests: str, shown: str, node: str) -> t.Optional[tuple[bytes, dict[str, t.Any]]]:
    """The archive of this control plane for a snapshot that is taken elsewhere, and what is told of it. None and
    MaintenanceError as of `prepare`.
    """
    if not control_plane.has_apiserver(manifests):
        raise MaintenanceError(
            f"{node}: is no control plane, there is no kube-apiserver.yaml in {manifests}. Nothing was written"
        )
    found = prepare(request, manifests, shown)
    if not found:
        return None
    content, told = found.closed({})
    return content, brought.described(told, found.keys, node)


def checks(request: t.Optional[Request], manifests: str, archive: t.Optional[Archive]) -> list[Check]:
    """What can be said before the snapshot is taken."""
    if not request:
        return []
    if not archive:
        if request.files == NO_FILES:
            return [Check(CHECK, SKIP, manifests, "not saved, as files=none says")]
        return [Check(CHECK, WARN, manifests, "not saved: nobody is named who may decrypt them", _RECIPIENTS_FIX)]
    found = [Check(CHECK, PASS, manifests, str(archive))]
    if archive.brought:
        found += [Check(CHECK, PASS, archive.brought.node, str(archive.brought)), *_left_out(archive.brought.left_out)]
    elif not control_plane.has_apiserver(manifests):
        found.append(
            Check(CHECK, WARN, manifests, "this node is no control plane, so only etcd's own are saved", _ELSEWHERE_FIX)
        )
    return found + _left_out(archive.left_out)


def checks_of(sidecar: Found, manifests: str) -> list[Check]:
    """What the snapshot itself has shown. Encrypted objects are worth their key."""
    made = (sidecar["archive"] or {}).get("left_out", ())
    found = _left_out({one["path"]: one["reason"] for one in made if one["path"].startswith(configmaps.DIRECTORY)})
    elsewhere = sidecar.get("control_plane_archive")
    of = f" of {elsewhere['node']}" if elsewhere else ""
    where = control_plane.encryption_configuration(manifests) or f"EncryptionConfiguration{of}"
    keys = [_key_check(where, one) for one in sidecar["encryption"]]
    return found + ([check for check in keys if check.status != PASS] or keys[:1])


def checks_of_earlier(snapshot: Found, archive: t.Optional[Archive]) -> list[Check]:
    """Of a snapshot that is taken again: nothing can be put beside it that is of its time."""
    wanted = ["archive", *(["control_plane_archive"] if archive and archive.brought else [])]
    if not archive or all(snapshot.get(name) for name in wanted):
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
