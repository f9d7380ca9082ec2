# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told who waits for a cluster to be well."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._health import examine
from ansible_collections.kubeops.maintenance.plugins.module_utils._health.examine import Job
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.fake import FakeKube
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import (
    make_deployment,
    make_node,
)


def told(kube, **job):
    """The lines, each with the second in which it came."""
    lines = []
    try:
        examine.examine(kube, Job(**job), kube.clock, lambda line: lines.append((int(kube.seconds), line)))
    except MaintenanceError:
        lines.append((int(kube.seconds), "failed"))
    return lines


def available(kube, number):
    return lambda: kube.lists.update(deployments=[make_deployment(available=number)])


def test_who_waits_is_told_what_for_and_when_it_is_over():
    kube = FakeKube(deployments=[make_deployment(available=0)])
    kube.later = [available(kube, 1), available(kube, 1), available(kube, 1), available(kube, 2)]
    assert told(kube, wait_timeout=60, wait_sleep=5) == [
        (0, "health: 1 check fails: workloads shop/deployment/web (0 of 2 pods available)"),
        (10, "health: 1 check fails: workloads shop/deployment/web (1 of 2 pods available)"),
        (20, "health: no check fails any more, after 20 s"),
    ]


def test_many_failures_are_one_line():
    kube = FakeKube(
        deployments=[make_deployment(name, available=0) for name in "abcde"], nodes=[make_node(ready="False")]
    )
    assert told(kube, wait_timeout=8) == [
        (
            0,
            "health: 6 checks fail: nodes node/w1, workloads shop/deployment/a (0 of 2 pods available),"
            " workloads shop/deployment/b (0 of 2 pods available) and 3 more",
        )
    ]


def test_words_of_others_are_in_no_line():
    node = make_node(ready="False")
    node["status"]["conditions"][0]["message"] = "hunter2"
    kube = FakeKube(nodes=[node])
    kube.later = [lambda: kube.errors.update(nodes=KubeError("hunter2", status=500, message="hunter2"))]
    lines = [line for _at, line in told(kube, wait_timeout=20, wait_sleep=10)]
    assert lines[0] == "health: 1 check fails: nodes node/w1"
    assert lines[1] == "health: the API does not answer as it should; asked again"
    assert "hunter2" not in str(lines)


@pytest.mark.parametrize(
    ("kube", "timeout"), [(FakeKube(), 60), (FakeKube(deployments=[make_deployment(available=0)]), 0)]
)
def test_who_does_not_wait_is_told_nothing(kube, timeout):
    assert told(kube, wait_timeout=timeout) == []


def test_nobody_who_waits_is_waited_for():
    kube = FakeKube(deployments=[make_deployment(available=0)])
    with pytest.raises(MaintenanceError, match="the process that asked for it is gone"):
        examine.examine(kube, Job(wait_timeout=600, wait_sleep=5), kube.clock, abandoned=lambda: kube.seconds > 7)
    assert kube.seconds == 10
