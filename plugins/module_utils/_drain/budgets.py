# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What PodDisruptionBudgets say to a drain: which of them cover a pod, and what each will do to it.

The verdict compares what the budget allows now with what the drain needs, and tells the wait that ends (blocked) from
the one that does not (deadlocked), which nobody should find out by waiting.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from . import pods
from .pods import Pod

Object = t.Mapping[str, t.Any]

FREE = "free"
SLOW = "slow"
BLOCKED = "blocked"
DEADLOCKED = "deadlocked"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """``pods`` are those on the node that need the budget's leave; the other numbers are the budget's status."""

    namespace: str
    name: str
    verdict: str
    pods: int
    current: int
    desired: int
    expected: int
    allowed: int
    workload: str
    reason: str
    fix: str

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    def severity(self) -> tuple[int, int]:
        """For comparison: how long it makes a drain wait."""
        return (FREE, SLOW, BLOCKED, DEADLOCKED).index(self.verdict), self.pods

    def sentence(self) -> str:
        text = f"budget {self.key} ({self.workload}) {self.reason}"
        return f"{text}; {self.fix}" if self.fix else text


def key(budget: Object) -> str:
    return f"{budget['metadata']['namespace']}/{budget['metadata']['name']}"


def covering(pod: Pod, budgets: t.Iterable[Object]) -> list[Object]:
    labels = pod["metadata"].get("labels") or {}
    return [
        budget
        for budget in budgets
        if budget["metadata"]["namespace"] == pods.namespace(pod)
        and selects((budget.get("spec") or {}).get("selector"), labels)
    ]


def selects(selector: Object | None, labels: t.Mapping[str, str]) -> bool:
    """As policy/v1 has it: no selector selects nothing, an empty one everything."""
    if selector is None:
        return False
    if any(labels.get(name) != value for name, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(satisfies(expression, labels) for expression in selector.get("matchExpressions") or [])


def satisfies(expression: Object, labels: t.Mapping[str, str]) -> bool:
    name, values = expression["key"], expression.get("values") or []
    return {
        "In": name in labels and labels[name] in values,
        "NotIn": name not in labels or labels[name] not in values,
        "Exists": name in labels,
        "DoesNotExist": name not in labels,
    }.get(expression["operator"], False)


def query(selector: Object) -> str:
    """The same selector as the API takes it for a list."""
    wanted = [f"{name}={value}" for name, value in (selector.get("matchLabels") or {}).items()]
    for rule in selector.get("matchExpressions") or []:
        name, values = rule["key"], ",".join(rule.get("values") or [])
        forms = {"In": f"{name} in ({values})", "NotIn": f"{name} notin ({values})", "Exists": name}
        wanted.append(forms.get(rule["operator"], f"!{name}"))
    return ",".join(wanted)


def is_asked_about(pod: Pod) -> bool:
    """Whether the API looks for budgets at all before it evicts the pod."""
    return pods.phase(pod) not in ("Pending", "Succeeded", "Failed") and not pods.terminating(pod)


def needs_leave(pod: Pod, budget: Object) -> bool:
    """Whether the eviction counts against the budget. An unready pod may be free to go."""
    if not is_asked_about(pod):
        return False
    if pods.ready(pod):
        return True
    if (budget.get("spec") or {}).get("unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return False
    status = budget.get("status") or {}
    return not status.get("currentHealthy", 0) >= status.get("desiredHealthy", 0) > 0


def is_stale(budget: Object) -> bool:
    """The API refuses every eviction until the controller has seen the last change of the budget."""
    observed = (budget.get("status") or {}).get("observedGeneration", 0)
    return bool(observed < budget["metadata"].get("generation", 0))


def allowed(budget: Object) -> int:
    return 0 if is_stale(budget) else max(0, (budget.get("status") or {}).get("disruptionsAllowed", 0))


def counted(budget: Object, found: t.Iterable[Pod]) -> Object:
    """The budget as it is by the pods of its namespace.

    Of a pod under several budgets the controller tells only one of them, any, so that what the others say is old.
    Which number of pods it wants is taken from what it said. Where there are more pods than it knows, that is old, too.
    """
    status = budget.get("status") or {}
    there = [pod for pod in found if not pods.finished(pod) and not pods.terminating(pod) and covering(pod, [budget])]
    leaving = status.get("disruptedPods") or {}
    healthy = sum(pods.ready(pod) and pod["metadata"]["name"] not in leaving for pod in there)
    known = len(there) <= status.get("expectedPods", 0) and not _sync_failure(budget)
    may_go = max(0, healthy - status.get("desiredHealthy", 0)) if known else 0
    return {**budget, "status": {**status, "currentHealthy": healthy, "disruptionsAllowed": may_go}}


def judge(budget: Object, covered: t.Sequence[Pod], spared: t.Sequence[Pod] = ()) -> Verdict:
    """``covered``: the pods to be evicted that the budget selects. ``spared``: those that do not ask it."""
    status = budget.get("status") or {}
    current, desired, expected = (
        int(status.get(name, 0)) for name in ("currentHealthy", "desiredHealthy", "expectedPods")
    )
    asking = [pod for pod in covered if pod not in spared and needs_leave(pod, budget)]
    numbers = f"{current} of {expected} pods healthy, {desired} needed"
    may_go = allowed(budget)
    fix = ""
    if not asking:
        verdict, reason = FREE, f"has no say in these pods ({numbers})"
    elif may_go >= len(asking):
        verdict, reason = FREE, f"lets all {len(asking)} go at once ({numbers})"
    elif may_go:
        verdict, reason = SLOW, f"lets {may_go} of {len(asking)} go at a time ({numbers})"
    else:
        verdict, reason, fix = _refuses(budget, current, desired, expected, numbers)
    return Verdict(
        namespace=budget["metadata"]["namespace"],
        name=budget["metadata"]["name"],
        verdict=verdict,
        pods=len(asking),
        current=current,
        desired=desired,
        expected=expected,
        allowed=may_go,
        workload=", ".join(sorted({pods.workload(pod) for pod in covered})),
        reason=reason,
        fix=fix,
    )


def _refuses(budget: Object, current: int, desired: int, expected: int, numbers: str) -> tuple[str, str, str]:
    """Verdict, reason and fix of a budget that allows nothing now."""
    spec = budget.get("spec") or {}
    if spec.get("maxUnavailable") in (0, "0%"):
        reason = f"can never allow an eviction: maxUnavailable is {spec['maxUnavailable']} ({numbers})"
        return DEADLOCKED, reason, "set its maxUnavailable to 1 or more"
    # First, because a budget that was never computed looks as if it were about to be.
    failure = _sync_failure(budget)
    if failure:
        reason = f"can never allow an eviction: the controller-manager cannot compute it: {failure}"
        return DEADLOCKED, reason, "correct its selector, or what it selects"
    if is_stale(budget):
        return BLOCKED, "was changed and not judged anew yet by the controller-manager", "wait, or see why it does not"
    if desired >= expected > 0:
        reason = f"can never allow an eviction, not even with every pod healthy ({numbers})"
        if spec.get("minAvailable") == "100%":
            return DEADLOCKED, reason, "lower its minAvailable below 100%"
        lower = f"lower its minAvailable ({spec['minAvailable']}), or " if "minAvailable" in spec else ""
        return DEADLOCKED, reason, f"{lower}run more than {desired} pods"
    if current > desired:
        return BLOCKED, f"allows no eviction now, because those that it allowed are not over yet ({numbers})", "wait"
    ill = max(0, expected - current)
    unready = (
        f"{ill} of its pods {'is' if ill == 1 else 'are'} not healthy" if current else "none of its pods is healthy"
    )
    fix = "bring them back"
    if spec.get("unhealthyPodEvictionPolicy") != "AlwaysAllow":
        fix += ", or set its unhealthyPodEvictionPolicy to AlwaysAllow so that unready pods may go"
    return BLOCKED, f"allows no eviction now, because {unready} ({numbers})", fix


def _sync_failure(budget: Object) -> str:
    for condition in (budget.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "DisruptionAllowed" and condition.get("reason") == "SyncFailed":
            return str(condition.get("message") or "no reason given")
    return ""
