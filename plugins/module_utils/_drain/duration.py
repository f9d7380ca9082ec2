# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long a drain may take: what the grace periods of pods and the turns under their budgets add up to.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from . import budgets, filters, pods
from .pods import Pod

if t.TYPE_CHECKING:
    from .forecast import Forecast

# What the API gives a pod that says nothing.
GRACE = 30


@dataclasses.dataclass(frozen=True)
class Prediction:
    """``seconds`` is None where nobody can say."""

    seconds: int | None
    sentence: str


def predict(plan: Forecast, override: int | None, now: datetime.datetime) -> Prediction:
    """The longest wait, if every pod uses its grace period up and what replaces it is ready at once."""
    shut = [verdict.key for verdict in plan.verdicts if verdict.verdict == budgets.BLOCKED]
    if shut:
        return Prediction(None, f"How long it takes is not known while budget {shut[0]} allows no eviction.")
    if plan.with_action(filters.FINISH):
        return Prediction(None, "How long it takes is not known while pods have to finish by themselves.")
    waits = [(_left(decision.pod, now), "") for decision in plan.with_action(filters.WAIT)]
    going = [decision.pod for decision in plan.with_action(filters.EVICT)]
    waits += [(_grace(pod, override), "") for pod in going]
    for verdict in plan.verdicts:
        grace = max(_grace(pod, override) for pod in going if verdict.key in plan.budgets_of.get(pods.uid(pod), ()))
        turns = -(-verdict.pods // verdict.allowed) if verdict.verdict == budgets.SLOW else 1
        if turns > 1:
            waits.append(
                (
                    turns * grace,
                    f": {turns} turns of {grace} s under budget {verdict.key},"
                    " and whatever new pods need to become ready",
                )
            )
    seconds, why = max(waits, default=(0, ""))
    return Prediction(seconds, f"By the grace periods that takes at most {seconds} s{why}." if waits else "")


def one_after_the_other(predictions: t.Sequence[Prediction]) -> Prediction:
    """Of nodes, or groups of pods, that wait for each other."""
    if len(predictions) == 1:
        return predictions[0]
    seconds = 0
    for prediction in predictions:
        if prediction.seconds is None:
            return prediction
        seconds += prediction.seconds
    return Prediction(seconds, f"By the grace periods the {len(predictions)} turns take at most {seconds} s.")


def against(prediction: Prediction, timeout: float) -> Prediction:
    """Told beforehand where the drain may end before its pods do."""
    if prediction.seconds is None or prediction.seconds <= timeout:
        return prediction
    more = f" That is more than wait_timeout={timeout:g}, so pods that use it up are a failure."
    return Prediction(prediction.seconds, prediction.sentence + more)


def _grace(pod: Pod, override: int | None) -> int:
    if pods.finished(pod):
        return 0
    own: t.Any = (pod.get("spec") or {}).get("terminationGracePeriodSeconds")
    return override if override is not None else GRACE if own is None else int(own)


def _left(pod: Pod, now: datetime.datetime) -> int:
    return max(0, int(-filters.seconds_past(pods.terminating(pod), now)))
