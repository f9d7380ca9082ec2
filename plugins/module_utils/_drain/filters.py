# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pods of a node go, which stay, and which forbid the drain: the filters of kubectl, in its order.

A filter that keeps a pod ends the matter. A refusal does not: all findings of a pod are told at once, so that nobody
meets them one run after the other. No option implies another.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from . import pods
from .pods import Pod

EVICT = "evict"
WAIT = "wait"
FINISH = "finish"
KEEP = "keep"
REFUSE = "refuse"
# What a node has to be rid of before it is drained.
GOING = (EVICT, WAIT, FINISH)


SKIPPED = "no controller recreates it, so it stays (unmanaged=skip)"


@dataclasses.dataclass(frozen=True)
class Guards:
    """What the user allows; by default nothing that loses data.

    ``unmanaged``: fail, delete, skip or wait; None where ``force`` decides.
    """

    force: bool = False
    ignore_daemonsets: bool = False
    delete_emptydir_data: bool = False
    skip_wait_for_delete_timeout: int = 0
    unmanaged: str | None = None


@dataclasses.dataclass(frozen=True)
class Finding:
    """``detail`` is about this pod, ``rule`` about all that the filter refuses.

    ``last``: the filters that follow have nothing to add.
    """

    action: str
    detail: str
    rule: str = ""
    last: bool = False


@dataclasses.dataclass(frozen=True)
class Decision:
    pod: Pod
    action: str
    findings: tuple[Finding, ...]

    @property
    def reason(self) -> str:
        return "; ".join(finding.detail for finding in self.findings)


@dataclasses.dataclass(frozen=True)
class Look:
    """What the filters judge by: the guards, the time, and the DaemonSets there are (None: all that are named)."""

    guards: Guards
    now: datetime.datetime
    daemonsets: t.Optional[t.AbstractSet[str]] = None


def skip_deleted(pod: Pod, look: Look) -> Finding | None:
    allowed = look.guards.skip_wait_for_delete_timeout
    if not allowed or not pods.terminating(pod):
        return None
    late = seconds_past(pods.terminating(pod), look.now)
    if int(late) > allowed:
        return Finding(
            KEEP, f"should have been gone {int(late)} s ago, more than skip_wait_for_delete_timeout", last=True
        )
    return None


def daemonset(pod: Pod, look: Look) -> Finding | None:
    name = pods.daemonset(pod)
    if not name or pods.finished(pod):
        return None
    if look.daemonsets is not None and name not in look.daemonsets:
        if look.guards.force:
            return Finding(EVICT, f"its DaemonSet {name} no longer exists, so nothing recreates it")
        rule = "cannot delete Pods of a DaemonSet that no longer exists (force=true deletes them)"
        return Finding(REFUSE, f"its DaemonSet {name} no longer exists", rule)
    if look.guards.ignore_daemonsets:
        return Finding(KEEP, f"DaemonSet {name} keeps it on the node", last=True)
    rule = "cannot delete DaemonSet-managed Pods (ignore_daemonsets=true leaves them where they are)"
    return Finding(REFUSE, f"managed by DaemonSet {name}", rule, last=True)


def mirror(pod: Pod, _look: Look) -> Finding | None:
    return Finding(KEEP, "static pod of the kubelet", last=True) if pods.mirror(pod) else None


def terminating(pod: Pod, _look: Look) -> Finding | None:
    # Not in kubectl, which refuses here: whatever would be lost by deleting it, somebody else has already decided.
    return Finding(WAIT, "was already terminating", last=True) if pods.terminating(pod) else None


def unmanaged(pod: Pod, look: Look) -> Finding | None:
    """Before the loss of its data matters: it is not sent away."""
    if pods.finished(pod) or pods.controller(pod):
        return None
    if look.guards.unmanaged == "skip":
        return Finding(KEEP, SKIPPED, last=True)
    if look.guards.unmanaged == "wait":
        return Finding(FINISH, "no controller recreates it, so it has to finish by itself (unmanaged=wait)", last=True)
    return None


def local_storage(pod: Pod, look: Look) -> Finding | None:
    volumes = ", ".join(pods.empty_dirs(pod))
    if not volumes or pods.finished(pod):
        return None
    if look.guards.delete_emptydir_data:
        return Finding(EVICT, f"the data of its emptyDir volumes is lost: {volumes}")
    rule = "cannot delete Pods with local storage (delete_emptydir_data=true gives up their data)"
    return Finding(REFUSE, f"emptyDir volumes: {volumes}", rule)


def unreplicated(pod: Pod, look: Look) -> Finding | None:
    if pods.finished(pod) or pods.controller(pod):
        return None
    if look.guards.unmanaged == "delete" or (look.guards.unmanaged is None and look.guards.force):
        return Finding(EVICT, "no controller recreates it")
    rule = (
        "cannot delete Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or StatefulSet"
        " (force=true deletes them for good)"
    )
    return Finding(REFUSE, "no controller would recreate it", rule)


FILTERS: tuple[t.Callable[[Pod, Look], t.Optional[Finding]], ...] = (
    skip_deleted,
    daemonset,
    mirror,
    terminating,
    unmanaged,
    local_storage,
    unreplicated,
)


def decide(pod: Pod, look: Look) -> Decision:
    findings: list[Finding] = []
    for judge in FILTERS:
        finding = judge(pod, look)
        if finding:
            findings.append(finding)
            if finding.last:
                break
    refusals = tuple(finding for finding in findings if finding.action == REFUSE)
    if refusals:
        return Decision(pod, REFUSE, refusals)
    return Decision(pod, findings[-1].action if findings else EVICT, tuple(findings))


def seconds_past(timestamp: str, now: datetime.datetime) -> float:
    """Seconds since an API timestamp, negative where it is to come."""
    return (now - datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00"))).total_seconds()
