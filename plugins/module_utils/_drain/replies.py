# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the API's answer to an eviction means for the drain.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

if t.TYPE_CHECKING:
    from .._kube import KubeError

# The next look at the node tells whether it went.
ADMITTED = "admitted"
# Asked again, when the budget allows it or some time has passed.
BUDGET = "budget"
LATER = "later"
# No use to ask again.
FATAL = "fatal"
# No use to ask for any other pod either.
STOP = "stop"

TRANSIENT = frozenset((0, 408, 429, 500, 502, 503, 504))
# Of a server that is not there, and of whoever stands in front of it.
AWAY = frozenset((0, 502, 503))
# Of one that has just come back, and has not read yet who may do what, also when that is allowed.
UNSETTLED = frozenset((401, 403))
# Seconds that it may need for that.
SETTLES = 10.0


@dataclasses.dataclass(frozen=True)
class Reply:
    meaning: str
    reason: str = ""
    retry_after: float | None = None


def read(error: KubeError) -> Reply:
    causes = {cause.get("reason") for cause in error.causes}
    if error.status in (404, 409):
        # Gone already, or another pod under its name by now (the precondition on the UID), or a conflict of writes:
        # the list of the node's pods tells which, and what is still there is asked again.
        return Reply(LATER, f"not accepted: {error.message}")
    if error.status == 429 and "DisruptionBudget" in causes:
        return Reply(BUDGET, _budget_reason(error), error.retry_after)
    if error.status == 429:
        # Too many requests for the API, or a webhook that needs time to move the pod in its own way.
        return Reply(LATER, f"asked to wait: {error.message}", error.retry_after)
    if error.status == 500 and "more than one PodDisruptionBudget" in error.message:
        return Reply(FATAL, "under more than one PodDisruptionBudget, so the API never evicts it")
    if error.status == 403 and "NamespaceTerminating" in causes:
        return Reply(LATER, "its namespace is terminating, which deletes it too")
    if error.status == 401:
        return Reply(STOP, error.msg)
    if error.status in TRANSIENT:
        return Reply(LATER, f"the API failed: {error.message}", error.retry_after)
    return Reply(FATAL, f"refused ({error.status}): {error.message}")


class Reader:
    """Reads answers in the light of those before: a refusal right after the API was away is asked again."""

    def __init__(self, now: t.Callable[[], float]) -> None:
        self._now = now
        self._away = float("-inf")

    def passes(self, error: KubeError) -> bool:
        """Whether it may be over when it is asked again."""
        if error.status in AWAY:
            self._away = self._now()
        return error.status in TRANSIENT or (error.status in UNSETTLED and self._now() - self._away < SETTLES)

    def read(self, error: KubeError) -> Reply:
        reply = read(error)
        if self.passes(error) and error.status in UNSETTLED and reply.meaning in (FATAL, STOP):
            return Reply(LATER, f"refused ({error.status}) by an API that has just come back: {error.message}")
        return reply


def _budget_reason(error: KubeError) -> str:
    said = "; ".join(cause["message"] for cause in error.causes if cause.get("message"))
    return said or error.message
