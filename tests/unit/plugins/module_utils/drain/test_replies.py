# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import replies
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.replies import BUDGET, FATAL, LATER, STOP
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError

BUDGET_CAUSE = [{"reason": "DisruptionBudget", "message": "The disruption budget web needs 2 healthy pods and has 2"}]


@pytest.mark.parametrize(
    ("error", "meaning", "reason", "retry_after"),
    [
        (KubeError("m", status=404), LATER, "not accepted", None),
        (KubeError("m", status=409, message="Precondition failed: UID"), LATER, "not accepted: Precondition", None),
        (
            KubeError("m", status=429, causes=BUDGET_CAUSE),
            BUDGET,
            "The disruption budget web needs 2 healthy pods and has 2",
            None,
        ),
        (
            KubeError("m", status=429, causes=[{"reason": "DisruptionBudget"}], message="no", retry_after=10.0),
            BUDGET,
            "no",
            10.0,
        ),
        (KubeError("m", status=429, message="slow down", retry_after=3.0), LATER, "asked to wait: slow down", 3.0),
        (
            KubeError("m", status=429, message='admission webhook "x" denied', causes=[{"reason": "Else"}]),
            LATER,
            "asked to wait: admission webhook",
            None,
        ),
        (
            KubeError("m", status=500, message="This pod has more than one PodDisruptionBudget, which the eviction"),
            FATAL,
            "under more than one PodDisruptionBudget",
            None,
        ),
        (
            KubeError("m", status=403, causes=[{"reason": "NamespaceTerminating"}]),
            LATER,
            "its namespace is terminating",
            None,
        ),
        (KubeError("m", status=403, message="not permitted"), FATAL, "refused (403): not permitted", None),
        (KubeError("m", status=400, message="bad"), FATAL, "refused (400): bad", None),
        (KubeError("m", status=422, message="bad"), FATAL, "refused (422): bad", None),
        (KubeError("GET x: 401", status=401), STOP, "GET x: 401", None),
        (KubeError("m", status=500, message="failed calling webhook"), LATER, "failed: failed calling", None),
        (KubeError("m", status=500, message="etcdserver: leader changed"), LATER, "failed: etcdserver", None),
        (KubeError("m", status=502, message="bad gateway"), LATER, "the API failed: bad gateway", None),
        (KubeError("m", status=503, message="starting", retry_after=1.0), LATER, "the API failed: starting", 1.0),
        (KubeError("m", status=504, message="timeout", retry_after=10.0), LATER, "the API failed: timeout", 10.0),
        (KubeError("no answer from x"), LATER, "the API failed: no answer from x", None),
    ],
)
def test_table(error, meaning, reason, retry_after):
    reply = replies.read(error)
    assert (reply.meaning, reply.retry_after) == (meaning, retry_after)
    assert reason in reply.reason
