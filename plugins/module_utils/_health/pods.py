# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that do not run, with the reason of whoever holds them up, and pods that do not stay up.

Found by workload: a pod that was moved has another name than before.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._check import FAIL, WARN
from .._drain import pods as drain_pods
from .finding import Finding, Judgement, Look, Object, condition, plural

# A pod that was just made is no finding; one that the scheduler could not place is, at once.
STARTING = 60
# A restart is told for as long as the kubelet itself remembers it, for its back-off.
RECENT = 600


class Reason(t.NamedTuple):
    """What holds a pod up, and what to do about it; nothing where it is up again."""

    text: str
    fix: str
    weight: int = 1


Told = tuple[Object, Reason]


def pending(look: Look) -> Judgement:
    ill = [(pod, reason) for pod in look.list("pending") for reason in [_pending(pod, look)] if reason]
    return Judgement(_findings(ill, "Pending", FAIL), "no pod waits to be scheduled or started")


def _pending(pod: Object, look: Look) -> Reason | None:
    if drain_pods.terminating(pod):
        return None
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        if scheduled.get("reason") == "SchedulingGated":
            return None
        message = str(scheduled.get("message") or scheduled.get("reason"))
        return Reason(message.rstrip("."), "give it what the scheduler misses")
    age = look.age(pod["metadata"]["creationTimestamp"])
    if age <= STARTING:
        return None
    node = (pod.get("spec") or {}).get("nodeName")
    if not node:
        return Reason(
            f"for {age:.0f} s no scheduler has looked at it", "see that the scheduler of its schedulerName runs"
        )
    waiting = [text for status in _containers(pod) for text in [_waiting(status)] if text]
    metadata = pod["metadata"]
    return Reason(
        f"on {node} for {age:.0f} s: {waiting[0] if waiting else 'no reason given'}",
        f"kubectl -n {metadata['namespace']} describe pod {metadata['name']}",
    )


def _waiting(status: Object) -> str:
    waiting = (status.get("state") or {}).get("waiting")
    if not waiting:
        return ""
    text = f"container {status['name']} {waiting.get('reason', 'waits')}"
    return f"{text}: {waiting['message']}" if waiting.get("message") else text


def restarts(look: Look) -> Judgement:
    """Who does not stay up fails the check; who came back is only told."""
    told = [(pod, reason) for pod in look.list("running") for reason in [_worst(pod, look)] if reason]
    down = [(pod, reason) for pod, reason in told if reason.fix]
    back = [(pod, reason) for pod, reason in told if not reason.fix]
    return Judgement(
        _findings(down, "not staying up", FAIL) + _findings(back, "restarted", WARN),
        f"no pod restarted within {RECENT // 60} minutes",
    )


def _worst(pod: Object, look: Look) -> Reason | None:
    if drain_pods.terminating(pod):
        return None
    reasons = [reason for status in _containers(pod) for reason in [_restart(pod, status, look)] if reason]
    return max(reasons, key=lambda reason: bool(reason.fix), default=None)


def _restart(pod: Object, status: Object, look: Look) -> Reason | None:
    state, ended = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
    backing_off = (state.get("waiting") or {}).get("reason") == "CrashLoopBackOff"
    recent = bool(ended.get("finishedAt")) and look.age(ended["finishedAt"]) <= RECENT
    if not status.get("restartCount") or not (backing_off or recent):
        return None
    why = f"{ended.get('reason', 'no reason')}, exit code {ended.get('exitCode', 'unknown')}"
    text = (
        f"{pod['metadata']['name']} container {status['name']} restarted {plural(status['restartCount'], 'time')},"
        f" last ended {ended.get('finishedAt', 'at an unknown time')} ({why})"
    )
    if status.get("ready") and not backing_off:
        # What crashes again and again is up now and then, and may have been so at the time of a baseline.
        return Reason(text, "", weight=int(status["restartCount"] > 1))
    where = f"-n {pod['metadata']['namespace']} {pod['metadata']['name']} -c {status['name']}"
    return Reason(text, f"kubectl logs --previous {where}")


def _containers(pod: Object) -> list[Object]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _findings(told: t.Iterable[Told], words: str, status: str) -> list[Finding]:
    """One for each workload, with the reason of its first pod."""
    groups: dict[str, list[Told]] = {}
    for pod, reason in told:
        mine = f"pod/{pod['metadata']['name']}" if drain_pods.mirror(pod) else drain_pods.workload(pod)
        groups.setdefault(f"{drain_pods.namespace(pod)}/{mine}", []).append((pod, reason))
    return [
        Finding(
            name,
            f"{plural(len(group), 'pod')} {words}: {group[0][1].text}",
            group[0][1].fix,
            status,
            weight=sum(reason.weight for _pod, reason in group),
        )
        for name, group in groups.items()
    ]
