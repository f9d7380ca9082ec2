# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Everything that is ever read from a snapshot, with an eye on what it costs."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import contents, pages
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.bolt import Database
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import Damaged
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import (
    extract,
    inspection,
    nearby,
    snapshot,
)

KEY = b"/registry/pods/default/pod-1"


class Cost:
    """How often and how much was read."""

    reads = size = 0


@contextlib.contextmanager
def counted() -> t.Iterator[Cost]:
    cost, pread = Cost(), os.pread

    def read(handle: int, size: int, offset: int) -> bytes:
        cost.reads += 1
        cost.size += size
        return pread(handle, size, offset)

    pages.os.pread = read
    try:
        yield cost
    finally:
        pages.os.pread = pread


def read(data: bytes) -> bool:
    """Read a snapshot in every way. Whether it is whole; all that may be raised is Damaged, which is short."""
    handle = os.memfd_create("snapshot")
    try:
        os.write(handle, data)
        found = [_whole(handle, data), _keys(handle, data), _running(handle)]
    finally:
        os.close(handle)
    # What the walk lets pass can be read again, one bucket alone.
    assert found[0] <= found[1]
    return found[0]


def _bounded(work: t.Callable[[], object], walks: int, data: bytes) -> bool:
    with counted() as cost:
        try:
            work()
            whole = True
        except Damaged as error:
            assert len(error.msg) < 1000
            whole = False
    # A page is read once, in one piece or in two.
    assert cost.size <= walks * (len(data) + 4096) + 1024
    assert cost.reads <= walks * (2 * len(data) // 1024 + 4)
    return whole


def _whole(handle: int, data: bytes) -> bool:
    def work() -> None:
        finder = extract.Finder([KEY], None)
        facts = snapshot.check(handle, namespaces=True, visit=finder.visit)
        inspection.lines("x", inspection.told(facts))
        finder.row()

    return _bounded(work, 1, data)


def _keys(handle: int, data: bytes) -> bool:
    return _bounded(lambda: nearby.keys(handle, len(data), [KEY + b"x"]), 1, data)


def _running(handle: int) -> bool:
    """As the file of a member that is written meanwhile, which has no trailer."""
    with contextlib.suppress(Damaged):
        contents.members(Database(handle))
        return True
    return False
