# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused before anything is changed."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import ownership
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Job, Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.ownership import Work
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.procedure import Procedure
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    ME,
    cordoned,
    fails,
    named,
    nothing_changed,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    daemon_pod,
    make_budget,
    make_node,
    make_pod,
)


@pytest.mark.parametrize("check_mode", [True, False])
def test_one_pod_that_may_not_go_forbids_everything(check_mode):
    cluster = FakeCluster(
        [make_pod("web-1"), make_pod("bare", ownerReferences=[]), daemon_pod("p-1"), daemon_pod("p-2")],
        daemonsets=["kube-system/proxy"],
    )
    message, data = fails(cluster, guards=Guards(), check_mode=check_mode)
    assert message == (
        "node w1 is not drained, nothing was changed: cannot delete Pods not managed by ReplicationController,"
        " ReplicaSet, Job, DaemonSet or StatefulSet (force=true deletes them for good): shop/bare;"
        " cannot delete DaemonSet-managed Pods (ignore_daemonsets=true leaves them where they are):"
        " kube-system/p-1, kube-system/p-2"
    )
    assert named(data["blocked"]) == {"bare", "p-1", "p-2"}
    assert (data["changed"], data["actions"], data["before"]) == (False, [], data["after"])
    assert nothing_changed(cluster)


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        (
            [make_budget("web", minAvailable=2)],
            "budget shop/web (deployment/web) can never allow an eviction, not even with every pod healthy (2 of 2 pods"
            " healthy, 2 needed); lower its minAvailable (2), or run more than 2 pods: shop/web-1, shop/web-2",
        ),
        (
            [make_budget("one", minAvailable=1), make_budget("two", minAvailable=1)],
            "the API evicts no Pod under several PodDisruptionBudgets, here shop/one and shop/two (make their selectors"
            " disjoint, delete it with the leave of each with multiple_pdb=delete_if_all_allow, or past them with"
            " disable_eviction=true): shop/web-1, shop/web-2",
        ),
    ],
)
def test_budgets_that_can_never_allow_it_forbid_it(budgets, message):
    cluster = FakeCluster([make_pod("web-1"), make_pod("web-2")], budgets)
    found, data = fails(cluster)
    assert found == f"node w1 is not drained, nothing was changed: {message}"
    assert named(data["blocked"]) == {"web-1", "web-2"}
    assert nothing_changed(cluster)
    # Deleting asks no budget.
    assert run(cluster, means=Means(disable_eviction=True))["changed"]


def test_two_budgets_do_not_matter_to_a_pod_that_they_are_not_asked_about():
    cluster = FakeCluster([make_pod("web-1", phase="Succeeded")], [make_budget("one"), make_budget("two")])
    assert named(run(cluster)["evicted"]) == {"web-1"}


def test_work_of_another_owner_is_left_alone():
    cluster = FakeCluster([make_pod("web-1")])
    run(cluster, "cordon", me=Work("them", reason="new disk"))
    cluster.requests.clear()
    for state in ("drain", "cordon"):
        message, _data = fails(cluster, state)
        assert "in work of them (reason: new disk)" in message
    assert nothing_changed(cluster)


@pytest.mark.parametrize("name", ["W1", "../w1", "w1/status", "", "-w1"])
def test_names_that_are_none(name):
    cluster = FakeCluster()
    with pytest.raises(MaintenanceError, match="is no name of a node"):
        Procedure(cluster, Job((name,), ME), cluster.clock).run("drain")
    assert cluster.requests == []


def test_a_node_that_is_not_there():
    cluster = FakeCluster(node=make_node("w2"))
    message, _data = fails(cluster)
    assert message.startswith("Node w1 not found in the cluster at https://fake:6443.")


def test_a_cordon_that_fails_stops_everything():
    cluster = FakeCluster([make_pod("web-1")])
    denied = KubeError("PATCH: 403", status=403, message="no")
    cluster.faults = [lambda method, _path: denied if method == "PATCH" else None]
    _message, data = fails(cluster)
    assert cluster.count("POST") == 0
    assert (data["changed"], data["cordoned_by_us"]) == (False, False)


def test_pods_that_came_just_before_the_cordon_are_drained_too():
    cluster = FakeCluster([make_pod("web-1")])
    late = make_pod("late")
    cluster.faults = [
        lambda method, _path: cluster.pods.update({("shop", "late"): late}) if method == "PATCH" else None
    ]
    result = run(cluster)
    assert named(result["evicted"]) == {"web-1", "late"}
    assert result["newcomers"] == []


def test_a_pod_that_came_just_before_the_cordon_can_forbid_the_drain():
    cluster = FakeCluster([make_pod("web-1")])
    bare = make_pod("bare", ownerReferences=[])
    cluster.faults = [
        lambda method, _path: cluster.pods.setdefault(("shop", "bare"), bare) and None if method == "PATCH" else None
    ]
    message, data = fails(cluster)
    assert "was given back at once, because of pods that came just before the cordon" in message
    assert not cordoned(cluster)
    assert ownership.work_of(cluster.node) is None
    assert cluster.count("POST") == 0
    assert data["actions"] == ["cordon node w1", "uncordon node w1"]


def test_a_node_that_somebody_else_took_right_after_our_cordon_was_not_given_back():
    cluster = FakeCluster([make_pod("web-1")])
    bare = make_pod("bare", ownerReferences=[])

    def happens(method, _path):
        if method == "PATCH":
            cluster.pods["shop", "bare"] = bare
        elif cluster.count("PATCH"):
            cluster.node["metadata"]["annotations"][ownership.ANNOTATION] = '{"owner":"them"}'

    cluster.faults = [happens]
    message, _data = fails(cluster)
    assert message.startswith("node w1 is not drained, because of pods that came just before the cordon")
    assert "Not given back: node w1 is in work of them" in message
    assert "was given back" not in message
    assert cordoned(cluster)
