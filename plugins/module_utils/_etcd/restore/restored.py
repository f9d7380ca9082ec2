# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcdutl makes of a snapshot, read by our own reader before any etcd starts from it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import typing as t

from ..._wait import Deadline
from .. import disk, process
from ..database import contents, objects
from ..database.bolt import Database
from ..database.pages import Damaged
from ..member.programs import Program
from ..snapshots.snapshot import naming, opened
from .order import Order
from .plan import Here


def restore(etcdutl: Program, snapshot: str, data_dir: str, order: Order, here: Here, deadline: Deadline) -> None:
    """Into a directory that is not there yet, on the disk when this returns. etcdutl compares the checksum, too."""
    flags = {
        "data-dir": data_dir,
        "name": here.name,
        "initial-cluster": order.initial_cluster,
        "initial-cluster-token": order.token,
        "initial-advertise-peer-urls": ",".join(here.peer_urls),
        # Clients remember revisions. Whatever they remember is then in the past, and gone, so they list anew.
        "bump-revision": str(order.bump),
        "mark-compacted": "true",
    }
    words = [f"--{name}={value}" for name, value in flags.items()]
    process.run([etcdutl.path, "snapshot", "restore", snapshot, *words], deadline)
    disk.sync_tree(data_dir)


def read(data_dir: str) -> tuple[contents.Contents, int]:
    """What was restored, and the size of its database."""
    path = os.path.join(data_dir, "member", "snap", "db")
    with opened(path) as handle, naming(path):
        return contents.read(Database(handle)), os.fstat(handle).st_size


def differences(found: contents.Contents, snapshot: contents.Contents, order: Order) -> list[str]:
    """What is not as it has to be, in words."""
    wrong = []
    if found.revision != order.revision:
        wrong.append(f"it ends at revision {found.revision} and not at {order.revision}")
    if objects.real(found.objects) != objects.real(snapshot.objects):
        wrong.append(f"it holds {found.keys} keys, the snapshot {snapshot.keys}, and they are not the same ones")
    if found.kube_system_uid != snapshot.kube_system_uid:
        wrong.append(f"its kube-system has the UID {found.kube_system_uid or 'none'}")
    members = sorted((one.name, tuple(sorted(one.peer_urls))) for one in order.members)
    if sorted((one.name, one.peer_urls) for one in found.members) != members or any(
        one.is_learner for one in found.members
    ):
        wrong.append(f"its members are {', '.join(map(str, found.members))}")
    return wrong


def check(data_dir: str, snapshot: contents.Contents, order: Order) -> dict[str, t.Any]:
    """What the restored member will hold. Raise Damaged where it is not what it has to be."""
    found, size = read(data_dir)
    wrong = differences(found, snapshot, order)
    if wrong:
        raise Damaged(f"what etcdutl has restored is not what the snapshot holds: {'; '.join(wrong)}")
    return {"revision": found.revision, "live_keys": found.keys, "kube_system_uid": found.kube_system_uid, "size": size}
