# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drain that its budgets could never let end is refused before the cordon; the message tells why and what to do."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

pytestmark = pytest.mark.slow


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Workloads that forbid the drain of w1 even with every option, and what the message has to say."""

    what: str
    workloads: str
    says: tuple[str, ...]


REFUSALS = [
    Refusal(
        "two budgets on one pod",
        "two_budgets",
        ("under several PodDisruptionBudgets, here default/by-app and default/by-tier", ": default/shared-"),
    ),
    Refusal(
        "a deadlocked budget",
        "deadlocked",
        (
            "budget default/stuck (deployment/stuck) can never allow an eviction",
            "2 of 2 pods healthy, 2 needed",
            "lower its minAvailable (2), or run more than 2 pods",
        ),
    ),
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.what)
def test_refused(
    refusal: Refusal, lab: Lab, drain: t.Callable[..., Run], present: t.Callable[[str], t.ContextManager[None]]
) -> None:
    with present(refusal.workloads):
        before = cluster.state(lab)
        run = drain("w1", force=True, delete_emptydir_data=True)
        code = run.finish()
        after = cluster.state(lab)
    assert code != 0
    assert [phrase for phrase in refusal.says if phrase not in run.message] == [], run.message
    assert after == before
