# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members whose files are mostly free inside."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.state import Status
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_defrag
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, agreed

#: What lies free in the files of these tests is more than this.
FREE = 2 << 20
#: What is in use then is less: ten values of 30 kB, and the pages that lead to them.
KEPT = 1 << 20


def fragment(members: t.Sequence[Etcd], others: int = 0) -> None:
    """Write, delete and compact, until every member says that all of that is free. ``others``: bytes that are kept."""
    client = Client(members[0].local)
    for number in range(150):
        client.put(b"/registry/pods/%d" % number, b"p" * 30000)
    deleted = [client.delete(b"/registry/pods/%d" % number) for number in range(140)]
    client.call("kv/compaction", revision=str(deleted[-1]), physical=True)

    def free() -> bool | None:
        client.put(b"/registry/pods/last", b"")  # a member counts what is free at its next change
        # A member that is still compacting has freed a part.
        return all(status(one).db_size_in_use < others + KEPT for one in members) or None

    until(free, Deadline(120), lambda: str([status(one) for one in members]), interval=0.1)


def status(etcd: Etcd) -> Status:
    return etcd.gateway.status()


def leader(members: t.Sequence[Etcd]) -> Etcd:
    agreed(members)
    (found,) = (one for one in members if status(one).leader == status(one).member_id)
    return found


def leader_last(members: t.Sequence[Etcd]) -> list[Etcd]:
    last = leader(members)
    return [*(one for one in members if one is not last), last]


def defrag(etcd: Etcd, check: bool = False, **options: t.Any) -> modules.Result:
    """As the module does it, for files as small as these."""
    return modules.call(etcd_defrag, check=check, **{"manifest_dir": str(etcd.root), "free_bytes": FREE, **options})


def refused(etcd: Etcd, check: bool = False, **options: t.Any) -> modules.Result:
    """Nothing was changed by it."""
    before = status(etcd)
    result = defrag(etcd, check, **options)
    assert result.get("failed"), result
    assert result["actions"] == []
    assert not result["changed"]
    after = status(etcd)
    assert after.leader == before.leader
    assert after.db_size >= before.db_size
    return result


def evidence(result: modules.Result, *statuses: str) -> dict[str, str]:
    return {check["name"]: check["evidence"] for check in result["checks"] if check["status"] in statuses}


def raise_alarm(etcd: Etcd, kind: str) -> None:
    member = str(int(status(etcd).member_id, 16))
    Client(etcd.local).call("maintenance/alarm", action="ACTIVATE", memberID=member, alarm=kind)
