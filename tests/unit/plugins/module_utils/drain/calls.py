# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One call of the procedure against a fake cluster."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import ownership
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Job
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.ownership import Work
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.procedure import Procedure
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._tell import nobody
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_pod

KEYS = {
    "changed", "result", "evicted", "kept", "blocked", "remaining", "lost_data", "newcomers", "budgets",
    "no_room", "predicted_seconds", "volumes",
    "cordoned_by_us", "unschedulable_before", "durations", "actions", "before", "after", "nodes",
}  # fmt: skip
ME = Work("me", run="run-1", since="2026-11-20T10:00:00Z")
MIRROR = make_pod("etcd", namespace="kube-system", annotations={"kubernetes.io/config.mirror": "x"})


def procedure(cluster, *, abandoned=lambda: False, tell=nobody, **job):
    job = {"nodes": ("w1",), "guards": Guards(ignore_daemonsets=True), "me": ME, **job}
    return Procedure(cluster, Job(**job), cluster.clock, abandoned, tell=tell)


def run(cluster, state="drain", **job):
    result = procedure(cluster, **job).run(state)
    assert set(result) == KEYS
    return result


def fails(cluster, state="drain", **job):
    with pytest.raises(MaintenanceError) as caught:
        procedure(cluster, **job).run(state)
    assert set(caught.value.data) == KEYS
    return caught.value.msg, caught.value.data


def cordoned(cluster, node="w1"):
    return ownership.is_unschedulable(cluster.nodes[node])


def named(entries):
    return {entry["name"] for entry in entries}


def nothing_changed(cluster):
    return not [method for method, _path in cluster.requests if method in ("PATCH", "POST", "DELETE")]
