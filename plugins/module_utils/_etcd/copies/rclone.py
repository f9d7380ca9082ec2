# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder on a remote (S3, SFTP, ...), reached through rclone.

The remote's secrets are in rclone's configuration and nowhere else: not in an argument, not in the environment, and
nothing that rclone prints is told to anybody, only which of the known things it was. Used are options that rclone 1.60
has, which is Debian 12's. Of these, --immutable does not keep copyto from overwriting; --ignore-existing does.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import select
import shutil
import stat
import subprocess
import tempfile
import typing as t

from ..._errors import MaintenanceError
from ..._wait import Deadline
from .. import process

_ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@-]*:[^\x00-\x1f\x7f]*")
_OPTIONS = (
    "--ask-password=false",
    "--retries=1",
    "--low-level-retries=3",
    "--contimeout=15s",
    "--timeout=60s",
    "--transfers=1",
    # Who may write to a bucket may often not make one, and a misspelled one is not to be made.
    "--s3-no-check-bucket",
)
# The ways out of the node and what it trusts there. AWS_* and RCLONE_* would change what the configuration says.
_KEPT = re.compile(r"(https?|no|all)_proxy|ssl_cert_(file|dir)", re.IGNORECASE)
_DIRECTORY_NOT_FOUND = 3
_CHUNK = 1 << 20
_LONGEST_SIDECAR = 1 << 20
_READ_OF_PROBLEMS = 1 << 16
# What rclone prints -> what it means. The first that fits.
_PROBLEMS = (
    (
        r"didn't find section in config",
        "its name is not in rclone's configuration",
        "rclone config show, or another name",
    ),
    (
        r"couldn't decrypt|password.*(required|config)|failed to load config",
        "rclone's configuration cannot be read",
        "it has to be one without a password of its own, see: rclone config file",
    ),
    (r"NoSuchBucket|container.*not.*(exist|found)", "the bucket does not exist", "make it, or correct its name"),
    (
        r"SignatureDoesNotMatch|InvalidAccessKeyId|InvalidSecurity|AccessDenied|Forbidden|Unauthorized"
        r"|status code: 40[13]|unable to authenticate|permission denied|NoCredentialProviders",
        "the credentials are wrong, or do not allow it",
        "correct them in rclone's configuration",
    ),
    (
        r"failed to authenticate decrypted block|bad password|not an encrypted file|file is truncated|bad magic"
        r"|to send to output: unexpected EOF",
        "what is there cannot be decrypted: it is damaged, or was encrypted with another password",
        "delete it there, or correct the password in rclone's configuration",
    ),
    (r"x509|certificate|tls:", "its certificate is not trusted", "let the node trust the authority that signed it"),
    (r"knownhosts|host key|key mismatch", "its host key is not the known one", "see known_hosts_file of the remote"),
    (r"no space left|quota|InsufficientStorage|EntityTooLarge", "there is no room left", "make room there"),
    (
        r"connection refused|no such host|i/o timeout|no route|unreachable|connection reset|broken pipe|EOF"
        r"|RequestError|ServiceUnavailable|SlowDown|InternalError|status code: 5\d\d|deadline exceeded|timed? ?out"
        r"|couldn't connect",
        "it does not answer, or stopped to",
        "see whether the node reaches it",
    ),
)


class RcloneError(MaintenanceError):
    """Of the whole remote: whatever comes next would fail, too."""


@dataclasses.dataclass(frozen=True)
class Remote:
    """``address``: ``name:path``, ``name`` being a section of the configuration ``config``."""

    address: str
    config: str
    program: str

    def files(self, deadline: Deadline) -> dict[str, int]:
        """Name -> size of what is in the folder; nothing where there is none yet."""
        listing = bytearray()
        words = ("lsjson", "--files-only", "--no-modtime", "--no-mimetype", self.address)
        if self._run(words, deadline, listing.extend, (_DIRECTORY_NOT_FOUND,)):
            return {}
        try:
            return {str(one["Name"]): int(one["Size"]) for one in json.loads(listing)}
        except (ValueError, KeyError, TypeError) as error:
            raise RcloneError(
                f"{self.address}: rclone's listing is no listing. See what it says: {self.by_hand}"
            ) from error

    def put(self, path: str, deadline: Deadline, again: bool = False) -> None:
        """``again``: in the place of what is there; otherwise that stays, whatever it is."""
        kept = () if again else ("--ignore-existing",)
        self._run(("copyto", *kept, path, self._at(os.path.basename(path))), deadline, lambda _data: None)

    def read(self, name: str, deadline: Deadline) -> tuple[int, str]:
        """Size and sha256 of a file, from its bytes as they come back (through crypt, too)."""
        digest, size = hashlib.sha256(), 0

        def take(data: bytes) -> None:
            nonlocal size
            digest.update(data)
            size += len(data)

        self._run(("cat", self._at(name)), deadline, take)
        return size, digest.hexdigest()

    def head(self, name: str, deadline: Deadline) -> bytes:
        """A small file, or the beginning of another."""
        found = bytearray()
        self._run(("cat", f"--head={_LONGEST_SIDECAR}", self._at(name)), deadline, found.extend)
        return bytes(found)

    @property
    def by_hand(self) -> str:
        return f"{os.path.basename(self.program)} --config {self.config} lsf {self.address}"

    def _at(self, name: str) -> str:
        return f"{self.address}{'' if self.address.endswith((':', '/')) else '/'}{name}"

    def _run(
        self,
        words: t.Sequence[str],
        deadline: Deadline,
        take: t.Callable[[bytes], t.Any],
        allowed: t.Container[int] = (),
    ) -> int:
        command = [self.program, f"--config={self.config}", *_OPTIONS, *words]
        with tempfile.TemporaryFile() as said:
            with process.started(
                command, niceness=10, text=False, environment=environment(), stdout=subprocess.PIPE, stderr=said
            ) as child:
                for data in self._bytes_of(t.cast(t.IO[bytes], child.stdout).fileno(), deadline):
                    take(data)
                try:
                    status = child.wait(deadline.left)
                except subprocess.TimeoutExpired:
                    raise self._late(deadline) from None
            if status and status not in allowed:
                said.seek(-min(_READ_OF_PROBLEMS, os.fstat(said.fileno()).st_size), os.SEEK_END)
                problem, fix = explain(said.read().decode("utf-8", "replace"))
                raise RcloneError(
                    f"{self.address}: {problem or f'rclone ended with status {status}'}. {fix or self.by_hand}"
                )
            return status

    def _bytes_of(self, handle: int, deadline: Deadline) -> t.Iterator[bytes]:
        while True:
            ready = select.select([handle], [], [], deadline.left)[0]
            if not ready:
                raise self._late(deadline)
            data = os.read(handle, _CHUNK)
            if not data:
                return
            yield data

    def _late(self, deadline: Deadline) -> RcloneError:
        return RcloneError(
            f"{self.address}: not done within {deadline.seconds:g} s. Raise timeout, or see why it is slow"
        )


def remote(address: str, config: str, program: str = "rclone") -> Remote:
    """Refuse what could not work or would give secrets away."""
    if not _ADDRESS.fullmatch(address):
        # A remote that is described in the address itself may have its password there.
        raise MaintenanceError("remote: is not NAME:PATH with the name of a section of rclone's configuration")
    check_config(config)
    found = shutil.which(program)
    if not found:
        raise MaintenanceError(
            f"{address}: there is no rclone on this node. Install it from the distribution: apt-get install rclone, or"
            " dnf install rclone (EPEL)"
        )
    return Remote(address, config, found)


def check_config(path: str) -> None:
    if not os.path.isabs(path):
        raise MaintenanceError(f"{path or 'config'}: is no absolute path of rclone's configuration")
    try:
        found = os.stat(path)
    except OSError as error:
        raise MaintenanceError(f"{path}: rclone's configuration cannot be read: {error.strerror}") from error
    if not stat.S_ISREG(found.st_mode):
        raise MaintenanceError(f"{path}: rclone's configuration is no file")
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o077:
        raise MaintenanceError(
            f"{path}: others than root can read or change rclone's configuration, where the remote's secrets are (mode"
            f" {stat.S_IMODE(found.st_mode):04o}, owner {found.st_uid}). chown root {path} && chmod 0600 {path}"
        )


def explain(said: str) -> tuple[str, str]:
    """What the problem is and what to do; empty where it is none of the known ones."""
    for pattern, problem, fix in _PROBLEMS:
        if re.search(pattern, said, re.IGNORECASE):
            return problem, f"To do: {fix}"
    return "", ""


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if _KEPT.fullmatch(name)}
    return {**process.ENVIRONMENT, **kept}
