# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ends of the way out of NOSPACE: the compaction before all members are defragmented, and the disarming after.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import functools
import typing as t

from ..._check import FAIL, PASS, Check
from ..._errors import MaintenanceError
from ..member import state
from ..member.local_member import LocalMember
from ..snapshots.report import reported
from . import guards
from .limits import size
from .look import Found, Request, check, look, note, opened, refuse
from .maintainer import Maintainer
from .report import Report


def compact(request: Request) -> dict[str, t.Any]:
    """To the current revision: what is not there any more needs no room."""
    return _recover(request, "compaction", "not compacted, nothing was changed", _compact)


def disarm(request: Request) -> dict[str, t.Any]:
    """NOSPACE alone, and only where every member is below its quota: it would be raised again at once."""
    return _recover(request, "disarming", "NOSPACE is still armed", _disarm)


def _recover(
    request: Request, purpose: str, not_done: str, do: t.Callable[[Request, LocalMember, Found, Report], None]
) -> dict[str, t.Any]:
    report = Report(request.dry_run)

    def work() -> None:
        with opened(request, report, purpose) as (local, found):
            report.after = found.size
            if not guards.has_nospace(found.cluster):
                report.why = "NOSPACE is not raised"
                return
            report.checks += [guards.alarms(found.cluster, request.recover), *check(request, local, found)]
            refuse(report, found.subject, not_done)
            do(request, local, found, report)
            if not request.dry_run:
                after = look(local)
                note(after, report)
                report.after = after.size

    return reported(report, "etcd", work)


def _compact(request: Request, local: LocalMember, found: Found, report: Report) -> None:
    revision, maintainer = found.status.revision, Maintainer(local, request.timeout)
    report.checks.append(guards.quota(found.subject, found.size, recover=True))
    # Nothing is written meanwhile, so it is the same revision when this begins anew.
    if maintainer.is_compacted(revision):
        report.why = f"everything before the current revision {revision} is compacted already"
        return
    report.act(
        f"compact to the current revision {revision}, which makes every watch begin anew",
        lambda: maintainer.compact(revision),
    )


def _disarm(request: Request, local: LocalMember, found: Found, report: Report) -> None:
    report.checks += [
        _below(seen.name, t.cast(state.Status, seen.status), seen.quota) for seen in found.cluster.answering
    ]
    refuse(report, "etcd", "NOSPACE is still armed")
    maintainer = Maintainer(local)
    names = {seen.member.id: seen.name for seen in found.cluster.members}
    for alarm in found.cluster.alarms or ():
        if alarm.kind == guards.NOSPACE:
            who = names.get(alarm.member_id, alarm.member_id)
            report.act(f"disarm NOSPACE of etcd/{who}", functools.partial(maintainer.disarm, alarm))
    if not request.dry_run and any(one.kind == guards.NOSPACE for one in maintainer.alarms()):
        raise MaintenanceError("NOSPACE is raised again: something fills etcd as fast as it is emptied. Find out what")


def _below(name: str, status: state.Status, quota: int) -> Check:
    found = size(status, quota)
    evidence = f"{found.db_size} of {found.quota} bytes"
    if found.db_size < found.quota:
        return Check("file below its quota", PASS, f"etcd/{name}", evidence)
    fix = "defragment this member; where that is done, delete what fills it or raise quota-backend-bytes"
    return Check("file below its quota", FAIL, f"etcd/{name}", evidence, fix)
