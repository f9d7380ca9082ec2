# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of one that is made of a snapshot or of a copy of a member's data, asked what it holds, and thrown away.

It listens on sockets in a folder for its owner alone, and on no port. So nobody else can read the Secrets in it, it
takes no address from the live member, and neither of the two can find the other. etcd 3.5 to 3.7 all can do that, for
clients, peers and the gateway.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import typing as t
import uuid

from ..._wait import Deadline, until
from .. import process
from ..database import contents
from ..database.layout import KUBE_SYSTEM
from ..database.pages import Damaged
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import Access
from ..member.programs import Program
from ..snapshots.snapshot import Facts

NAME = "drill"
# Relative to the folder. Without the number, etcd before 3.7 takes them for no addresses.
_CLIENT, _PEER = "client:0", "peer:0"
# In the folder.
DATA = "data"
# A network of its own, where there is nothing. Sockets in a folder are not of a network.
_APART = ("unshare", "--net")
# The live member comes first.
_NICENESS = 10
_GRACE = 10
_READ = 1 << 16


class Copied(t.NamedTuple):
    """The member whose data was copied into the folder. ``alone``: its cluster had no other one."""

    name: str
    alone: bool


def exercise(tools: t.Mapping[str, Program], snapshot: str, facts: Facts, folder: str, deadline: Deadline) -> None:
    """Restore, start, compare and remove. Raise Damaged where the file is at fault. ``folder`` is made, and gone then,
    or as much of it as can be removed.
    """
    try:
        os.mkdir(folder, 0o700)
        restore(tools["etcdutl"], snapshot, folder, deadline)
        with serving(tools["etcd"], folder, facts.size, deadline) as gateway:
            found = differences(gateway, facts.contents)
        if found:
            raise Damaged(f"{snapshot}: restored, it is another: {'; '.join(found)}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def restore(etcdutl: Program, snapshot: str, folder: str, deadline: Deadline) -> None:
    """Raise Damaged where the file is at fault, ProcessError where something else is."""
    # A cluster with another token is another cluster, whatever else is equal.
    token = f"{NAME}-{uuid.uuid4()}"
    flags = {**_cluster(NAME), "data-dir": os.path.join(folder, DATA), "initial-cluster-token": token}
    words = [f"--{name}={value}" for name, value in flags.items()]
    try:
        process.run([etcdutl.path, "snapshot", "restore", snapshot, *words], deadline, _NICENESS)
    except process.ProcessError as error:
        raise _judged(error, f"etcdutl {etcdutl.version} does not restore it") from None


@contextlib.contextmanager
def serving(
    etcd: Program, folder: str, size: int, deadline: Deadline, copied: t.Optional[Copied] = None
) -> t.Iterator[Gateway]:
    """The member in the folder as long as the block lasts. ``size`` of its database in bytes.

    One that was ``copied`` reaches nobody. Where it was not alone, it is told that there are no other members any more.
    Then it forgets what its log does not say to be agreed upon; one that is alone agrees with itself.
    """
    flags = {
        **_cluster(copied.name if copied else NAME),
        "data-dir": DATA,
        "listen-client-urls": f"unix://{_CLIENT}",
        "advertise-client-urls": f"unix://{_CLIENT}",
        "listen-peer-urls": f"unix://{_PEER}",
        "quota-backend-bytes": str(2 * size + (1 << 30)),
        "log-level": "warn",
        **({"force-new-cluster": "true"} if copied and not copied.alone else {}),
    }
    # Its data goes away in a moment: no reason to make the disk wait for it.
    words = [*(f"--{name}={value}" for name, value in flags.items()), "--unsafe-no-fsync"]
    log = os.path.join(folder, "etcd.log")
    gateway = Gateway(Access(f"unix://{os.path.join(folder, _CLIENT)}", "", "", ""))
    with (
        open(log, "wb") as output,
        process.started(
            [*(_APART if copied else ()), etcd.path, *words], _NICENESS, cwd=folder, stdout=output, stderr=output
        ) as child,
    ):

        def ended(patience: float, what: str) -> None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                error = process.failure(etcd.path, child.wait(patience), _tail(log))
                raise _judged(error, f"etcd {etcd.version} {what}")

        def ready() -> t.Optional[bool]:
            ended(0, "does not start from it")
            try:
                return bool(gateway.status().leader) or None
            except GatewayError:
                return None

        until(ready, deadline, lambda: _silent(etcd, deadline, log), interval=0.1)
        try:
            yield gateway
        except GatewayError:
            ended(1, "does not stay up with it")
            raise
        child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_GRACE)


def differences(gateway: Gateway, expected: contents.Contents) -> list[str]:
    """What the member says otherwise than its snapshot's file did."""
    found = []
    revision, members = gateway.status().revision, gateway.members()
    if revision < expected.head:
        found.append(f"it goes on from revision {revision}, the snapshot ends at {expected.head}")
    # At that revision: leases that run out meanwhile take keys with them.
    count = gateway.count(expected.head) if revision >= expected.head else 0
    if count != expected.keys:
        found.append(f"it holds {count} keys, the snapshot {expected.keys}")
    uid = contents.uid_of(gateway.value(KUBE_SYSTEM))
    if uid != expected.kube_system_uid:
        found.append(
            f"its kube-system has the UID {uid or 'none'}, the snapshot's {expected.kube_system_uid or 'none'}"
        )
    if [(one.name, one.peer_urls) for one in members] != [(NAME, (f"unix://{_PEER}",))]:
        found.append(f"its members are {', '.join(map(str, members))} and not itself alone")
    return found


def _cluster(name: str) -> dict[str, str]:
    return {"name": name, "initial-cluster": f"{name}=unix://{_PEER}", "initial-advertise-peer-urls": f"unix://{_PEER}"}


def _silent(etcd: Program, deadline: Deadline, log: str) -> str:
    return f"{etcd.path}: serves nothing after {deadline.seconds:g} s: {process.complaint(_tail(log))}"


def _judged(error: process.ProcessError, what: str) -> Exception:
    """An end by a program's own decision that the system did not bring about is the file's fault."""
    if error.status is None or error.complains(process.SYSTEM) or "out of memory" in error.printed:
        return error
    return Damaged(f"{what}: {error.msg}")


def _tail(log: str) -> str:
    with open(log, "rb") as file:
        file.seek(max(0, os.path.getsize(log) - _READ))
        return file.read().decode("utf-8", "replace").strip()
