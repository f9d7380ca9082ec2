# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads the cluster, judges it, and does so again until all is well or time is over.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import email.utils
import typing as t

from .._check import FAIL, PASS, SKIP, Check, failures
from .._drain.clock import Clock
from .._drain.replies import TRANSIENT
from .._errors import MaintenanceError
from .._kube import Kube, KubeError
from .._tell import Tell, nobody
from .._wait import WaitTimeout, until
from . import baseline as baselines
from .checks import ALL, CHECKS, SAME_CLUSTER, SOURCES
from .finding import Finding, Look
from .progress import Progress

# The list is not for us (403), or the cluster has no such objects (404): the check is left out, and says so.
UNREADABLE = (403, 404)


@dataclasses.dataclass(frozen=True)
class Job:
    checks: t.Sequence[str] = tuple(CHECKS)
    exclude_namespaces: t.AbstractSet[str] = frozenset()
    baseline: baselines.Baseline = dataclasses.field(default_factory=dict)
    stale_after: int = 86400
    wait_timeout: float = 0
    wait_sleep: float = 5
    hosts: t.Mapping[str, t.Mapping[str, t.Any]] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [SAME_CLUSTER] * bool(self.hosts) + list(self.checks)


@dataclasses.dataclass(frozen=True)
class Health:
    checks: t.Sequence[Check] = ()
    baseline: t.Mapping[str, t.Mapping[str, int]] = dataclasses.field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return bool(self.checks) and not failures(self.checks)

    def as_dict(self) -> dict[str, t.Any]:
        return {
            "changed": False,
            "checks": [check.as_dict() for check in self.checks],
            "ok": self.ok,
            "baseline": self.baseline,
            "refusal": " ".join(
                f"{check.sentence().removeprefix(FAIL.upper()).strip()}." for check in failures(self.checks)
            ),
            "summary": [check.sentence() for check in self.checks],
        }


def examine(
    kube: Kube, job: Job, clock: Clock, tell: Tell = nobody, abandoned: t.Callable[[], bool] = lambda: False
) -> dict[str, t.Any]:
    """The result of the last look. Findings are no failure, an API that does not answer in all that time is one.

    Who waits is told what for. ``abandoned``: whether nobody waits any more.
    """
    progress = Progress(tell if job.wait_timeout else nobody, clock.now)
    deadline = clock.deadline(job.wait_timeout)
    last: Health | None = None
    silence: KubeError | None = None
    looked = 0.0

    def attempt() -> Health | None:
        nonlocal last, silence, looked
        if abandoned():
            msg = "stopped, because the process that asked for it is gone"
            raise MaintenanceError(msg, **(last or Health()).as_dict(), **durations())
        begun = clock.now()
        try:
            last, silence = look(kube, job, clock), None
        except KubeError as error:
            if error.status not in TRANSIENT:
                raise
            silence = error
        finally:
            looked = clock.now() - begun
        if silence:
            progress.silent()
        elif last and not last.ok:
            progress.failing(last.checks)
        else:
            progress.well(deadline.elapsed)
        return last if last and last.ok else None

    def durations() -> dict[str, t.Any]:
        return {"durations": {"look": round(looked, 3), "total": round(deadline.elapsed, 3)}}

    try:
        with contextlib.suppress(WaitTimeout):
            until(attempt, deadline, str, interval=job.wait_sleep, sleep=clock.sleep)
    except KubeError as error:
        silence = error
    if silence:
        msg = f"the cluster's health cannot be read: {silence.msg}"
        raise MaintenanceError(msg, **Health().as_dict(), **durations()) from silence
    return {**(last or Health()).as_dict(), **durations()}


def look(kube: Kube, job: Job, clock: Clock) -> Health:
    """One look: everything is read first, so that all checks judge the same moment."""
    wanted = {source for name in job.names for source in ALL[name].reads}
    objects: dict[str, list[dict[str, t.Any]]] = {}
    unread: dict[str, KubeError] = {}
    for source in [source for source in SOURCES if source in wanted]:
        try:
            found = kube.list(SOURCES[source].path, SOURCES[source].query)
        except KubeError as error:
            if error.status not in UNREADABLE:
                raise
            unread[source] = error
            continue
        excluded = frozenset() if SOURCES[source].always else job.exclude_namespaces
        objects[source] = [item for item in found if item["metadata"].get("namespace") not in excluded]
    return judge(Look(objects, _time(kube, clock), job.stale_after, job.hosts, kube.server), unread, job)


def judge(seen: Look, unread: t.Mapping[str, KubeError], job: Job) -> Health:
    checks: list[Check] = []
    findings: dict[str, t.Sequence[Finding]] = {}
    for name in job.names:
        skipped = [_skip(name, source, unread[source]) for source in ALL[name].reads if source in unread]
        if all(source in unread for source in ALL[name].sources):
            # Else a gate would open because nobody looks, as while an apiserver that restarts reads its roles.
            blind = name in job.baseline
            checks += [dataclasses.replace(check, status=FAIL) for check in skipped] if blind else skipped
            continue
        checks += skipped
        judgement = ALL[name].judge(seen)
        findings[name] = judgement.findings
        compared = [baselines.compare(name, finding, job.baseline) for finding in judgement.findings]
        checks += [Check(name, found.status, found.object, found.evidence, found.fix) for found in compared]
        if not compared:
            checks.append(Check(name, PASS, "cluster", judgement.well))
    return Health(checks, baselines.make(findings))


def _skip(name: str, source: str, error: KubeError) -> Check:
    what = SOURCES[source].what
    if error.status == 404:
        return Check(name, SKIP, what, f"the API has no such list: {error.message}")
    return Check(name, SKIP, what, f"may not be listed: {error.message}", f"let this user list {what}")


def _time(kube: Kube, clock: Clock) -> datetime.datetime:
    """When the server sent its last answer."""
    with contextlib.suppress(TypeError, ValueError):
        return email.utils.parsedate_to_datetime(kube.date)
    return clock.utc()
