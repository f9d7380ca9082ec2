# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Encryption to public keys, with age or with openssl, so that no node holds what decrypts its backups.

What is encrypted goes through a pipe and what comes out is written, so nothing readable is on the disk at any time.
Whether it can be decrypted only the owner of the private key can say; what can be seen from here is proven: the
program's success, the recipients in the header, and that it is whole to the last byte.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import shutil
import ssl
import subprocess
import typing as t

from ..._errors import MaintenanceError
from .. import process

AGE, CMS, NONE = "age", "cms", "none"
# What openssl is asked for and what it makes of it, the best first. With AES-GCM it is authenticated, too (RFC 5083).
# Before 3.0 openssl makes something of that which nobody can decrypt, and calls it by the name of the second.
_CIPHERS = (
    ("-aes-256-gcm", bytes.fromhex("060b2a864886f70d0109100117")),
    ("-aes-256-cbc", bytes.fromhex("06092a864886f70d010703")),
)
# How the archives are called.
SUFFIXES = {AGE: ".files.age", CMS: ".files.cms", NONE: ".files.tar"}
_TIMEOUT = 60
_PATH = "/usr/local/bin:/usr/bin:/bin"
_AGE_KEY = re.compile(r"age1[a-z0-9]{10,4096}")
_SSH_KEY = re.compile(r"ssh-(ed25519|rsa) [A-Za-z0-9+/]+={0,2}( [^\r\n]*)?")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END CERTIFICATE-----")
_PROGRAMS = {AGE: "age", CMS: "openssl"}
# Of age's format: the first line, the sizes of a chunk, of its tag and of what comes before the first one.
_INTRO, _CHUNK, _TAG, _NONCE = b"age-encryption.org/v1\n", 65536, 16, 16


@dataclasses.dataclass(frozen=True)
class Seal:
    """``recipients``: as a sidecar tells them. ``keys``: as the program takes them. ``cipher``: which of `_CIPHERS`."""

    kind: str
    recipients: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    program: str = ""
    cipher: int = 0

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.kind]

    def close(self, content: bytes) -> bytes:
        """The content as nobody reads it but the recipients, proven as far as that can be seen from outside."""
        if self.kind == NONE:
            return content
        closed = _closed_by_age(self, content) if self.kind == AGE else _closed_by_openssl(self, content)
        trouble = flaw(self, closed, len(content))
        if trouble:
            raise MaintenanceError(f"{self.program}: what it has made of {len(content)} bytes {trouble}")
        return closed


def told(kind: str, recipients: t.Sequence[str]) -> str:
    """Words for it."""
    return f"encrypted with {kind} for {len(recipients)}" if recipients else "not encrypted"


def prepare(recipients: t.Sequence[str]) -> Seal:
    """Raise MaintenanceError where these are no public keys, or nothing can be encrypted to them here."""
    keys = tuple(recipient.strip() for recipient in recipients)
    kinds = {_kind(number, key) for number, key in enumerate(keys, 1)}
    if len(kinds) > 1:
        raise MaintenanceError(
            "recipients: both keys of age and certificates are there. One program encrypts an archive: give the one"
            " kind or the other"
        )
    (kind,) = kinds
    program = shutil.which(_PROGRAMS[kind], path=_search(os.environ.get("PATH", "")))
    if not program:
        instead = ", or give certificates as recipients, for which openssl does" if kind == AGE else ""
        name = _PROGRAMS[kind]
        raise MaintenanceError(
            f"{name} is not on this node. Install it (apt install {name}, dnf install {name}){instead}"
        )
    if kind == AGE:
        seal = Seal(kind, keys, keys, program)
        seal.close(b"")
        return seal
    told = tuple(map(_fingerprint, keys))
    tried = [Seal(kind, told, keys, program, cipher) for cipher in range(len(_CIPHERS))]
    for seal in tried[:-1]:
        with contextlib.suppress(MaintenanceError):
            seal.close(b"")
            return seal
    tried[-1].close(b"")
    return tried[-1]


def _search(path: str) -> str:
    """What is not absolute, and nothing at all, means the folder that this happens to run in."""
    return ":".join(folder for folder in [*path.split(":"), *_PATH.split(":")] if folder.startswith("/"))


def _kind(number: int, recipient: str) -> str:
    """Whatever is none is not repeated: it may be a private key."""
    if _AGE_KEY.fullmatch(recipient) or _SSH_KEY.fullmatch(recipient):
        return AGE
    if len(_CERTIFICATE.findall(recipient)) == 1 and "PRIVATE KEY" not in recipient:
        return CMS
    raise MaintenanceError(
        f"recipients: number {number} is neither a public key (age1..., ssh-ed25519 ..., ssh-rsa ...) nor one PEM"
        " certificate. A private key does not belong on a node"
    )


def _fingerprint(certificate: str) -> str:
    """As openssl x509 -fingerprint -sha256 has it, without the colons."""
    try:
        return f"sha256:{hashlib.sha256(ssl.PEM_cert_to_DER_cert(_certificate(certificate))).hexdigest()}"
    except ValueError:
        raise MaintenanceError("recipients: a certificate is damaged") from None


def _certificate(recipient: str) -> str:
    """Without what is written around it."""
    found = _CERTIFICATE.search(recipient)
    return f"{found[0]}\n" if found else ""


def _closed_by_age(seal: Seal, content: bytes) -> bytes:
    words = [word for key in seal.keys for word in ("-r", key)]
    return _run([seal.program, "--encrypt", *words], content)


def _closed_by_openssl(seal: Seal, content: bytes) -> bytes:
    """Certificates are handed over as files that are in memory alone."""
    with contextlib.ExitStack() as stack:
        files = []
        for key in seal.keys:
            files.append(os.memfd_create("recipient"))
            stack.callback(os.close, files[-1])
            os.write(files[-1], _certificate(key).encode())
        options = ["-encrypt", "-binary", _CIPHERS[seal.cipher][0], "-outform", "DER"]
        return _run([seal.program, "cms", *options, *(f"/proc/self/fd/{one}" for one in files)], content, files)


def _run(command: t.Sequence[str], content: bytes, files: t.Sequence[int] = ()) -> bytes:
    pipes: dict[str, t.Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    # The caller's environment: age looks there for the programs of keys that are in hardware.
    with process.started(command, environment=os.environ, text=False, pass_fds=files, **pipes) as child:
        try:
            closed, problem = child.communicate(content, timeout=_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            raise MaintenanceError(f"{command[0]}: {error}") from error
    if child.returncode:
        said = problem.decode("utf-8", "replace").strip()[:1000]
        raise MaintenanceError(f"{command[0]}: ended with status {child.returncode}: {said or 'it said nothing'}")
    return bytes(closed)


def flaw(seal: Seal, closed: bytes, size: int) -> str:
    """What is wrong with something encrypted of that ``size``, empty where all that can be seen is right."""
    if seal.kind == AGE:
        header, dashes, _mac = closed.partition(b"\n---")
        if not header.startswith(_INTRO) or header.count(b"\n-> ") < len(seal.keys) or not dashes:
            return "is nothing that age makes"
        start = closed.find(b"\n", len(header) + 1) + 1
        whole = start + _NONCE + size + _TAG * max(1, -(-size // _CHUNK))
        return "" if len(closed) == whole else f"has {len(closed)} bytes, {whole} would be all of it"
    start, whole = _der(closed)
    if not closed.startswith(_CIPHERS[seal.cipher][1], start):
        return f"is not what {_CIPHERS[seal.cipher][0][1:]} makes"
    return "" if len(closed) == whole > size else f"has {len(closed)} bytes, {whole} would be all of it"


def _der(data: bytes) -> tuple[int, int]:
    """Where the content of a DER sequence begins, and where it ends."""
    if len(data) < 2 or data[0] != 0x30:
        return 0, 0
    if data[1] < 0x80:
        return 2, 2 + data[1]
    start = 2 + (data[1] & 0x7F)
    return start, start + int.from_bytes(data[2:start], "big")
