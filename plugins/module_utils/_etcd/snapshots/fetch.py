# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ways to bring a member's snapshot into a file: etcdctl, and etcd's JSON gateway, which needs nothing.

What comes is the same; etcdctl is several times faster, for it has no JSON to read.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ..._check import FAIL, WARN, Check
from ..._wait import Deadline
from .. import disk, process
from ..member.gateway import Gateway
from ..member.local_member import LocalMember
from ..member.programs import Program, minor

AUTO, GATEWAY, ETCDCTL = "auto", "gateway", "etcdctl"
# Written pages go to the disk in portions: one sync of a large file at the end would stall etcd's own on the same disk.
_SYNC_EVERY = 32 << 20


@dataclasses.dataclass
class Fetch:
    """``etcdctl`` is None where it is not to be used. ``told``: what a person should know of the way that was taken."""

    gateway: Gateway
    local: LocalMember
    etcdctl: t.Optional[Program]
    fall_back: bool = True
    told: list[Check] = dataclasses.field(default_factory=list)

    def __str__(self) -> str:
        """The way that is tried first, as a sidecar names it."""
        return f"etcdctl {self.etcdctl.version}" if self.etcdctl else GATEWAY

    def __call__(self, part: str, deadline: Deadline) -> str:
        """Write the file, synced, and return how."""
        if self.etcdctl:
            try:
                through_etcdctl(self.etcdctl, self.local, part, deadline)
            except process.ProcessError as error:
                if not self.fall_back or deadline.over:
                    raise
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(part)
                self.told.append(_fallen_back(self.local, error.msg))
            else:
                return str(self)
        through_gateway(self.gateway, part, deadline)
        return GATEWAY


def choose(
    save_with: str, found: t.Mapping[str, Program], gateway: Gateway, local: LocalMember, version: str
) -> tuple[Fetch, list[Check]]:
    """``found``: the programs of the member's minor. A check tells where what was asked for is not there."""
    etcdctl = None if save_with == GATEWAY else found.get("etcdctl")
    checks = []
    if save_with == ETCDCTL and not etcdctl:
        evidence = f"no etcdctl {'.'.join(minor(version))} beside the running member or on the host"
        fix = "install one of that minor, or set save_with to auto: the gateway needs no program"
        checks.append(Check("etcdctl for the snapshot", FAIL, f"etcd/{local.name}", evidence, fix))
    return Fetch(gateway, local, etcdctl, fall_back=save_with == AUTO), checks


def through_etcdctl(etcdctl: Program, local: LocalMember, part: str, deadline: Deadline) -> None:
    """Of the credentials only the paths are on the command line. Raise OSError where the disk is full."""
    files = {"cacert": local.ca_file, "cert": local.cert_file, "key": local.key_file}
    flags = {
        "endpoints": local.grpc_endpoint or local.endpoint,
        **{name: path for name, path in files.items() if path},
        # Without it, etcdctl waits for ever for a member that has gone.
        "command-timeout": f"{max(1, int(deadline.left))}s",
    }
    words = [f"--{name}={value}" for name, value in flags.items()]
    try:
        process.run([etcdctl.path, *words, "snapshot", "save", part], deadline)
    except process.ProcessError as error:
        full = error.complains(process.FULL)
        if full:
            raise OSError(full, os.strerror(full), part) from None
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{part}.part")
    with open(part, "rb+") as file:
        _to_disk(file)


def through_gateway(gateway: Gateway, part: str, deadline: Deadline) -> None:
    with disk.create(part) as file:
        unsynced = 0
        for blob in gateway.snapshot(deadline):
            file.write(blob)
            unsynced += len(blob)
            if unsynced >= _SYNC_EVERY:
                unsynced = 0
                _to_disk(file)
        _to_disk(file)


def _to_disk(file: t.BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
    # What is verified afterwards is then read from the disk, and etcd's own pages stay in memory.
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _fallen_back(local: LocalMember, why: str) -> Check:
    fix = "nothing, the gateway sends the same; or set save_with to gateway"
    return Check("etcdctl for the snapshot", WARN, f"etcd/{local.name}", f"{why}. The gateway was used instead", fix)
