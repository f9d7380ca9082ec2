# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several nodes in one call, and something that forbids it or fails."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.ownership import Work
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    cordoned,
    fails,
    named,
    nothing_changed,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    make_pod,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.rack import (
    NAMES,
    by_node,
    calls,
    make_cluster,
    on,
)

ME_TOO = Work("somebody")


def test_a_pod_that_comes_later_can_still_forbid_the_turn_of_its_node():
    cluster = make_cluster()
    cluster.stops_after = {"w1-0": 5.0}
    bare = make_pod("bare", node="w2", ownerReferences=[])

    def come():
        if 2 < cluster.clock.now() < 4:
            cluster.pods["shop", "bare"] = bare

    cluster.on_advance = [come]
    message, data = fails(cluster, nodes=NAMES, parallel=1)
    assert message.startswith("nodes w1, w2, w3 are not drained: node w2: cannot delete Pods not managed by")
    assert on(data["evicted"]) == {"w1"}
    assert named(data["blocked"]) == {"bare"}
    assert named(data["remaining"]) == {"w2-0", "w2-1", "w3-0", "w3-1"}
    failures = by_node(data, "failure")
    assert failures["w1"] == ""
    assert "shop/bare" in failures["w2"]
    assert failures["w3"] == "node w3 is not drained: its turn had not come"


@pytest.mark.parametrize("parallel", [0, 1])
def test_one_refusal_refuses_all_and_changes_nothing(parallel):
    cluster = make_cluster(make_pod("bare", node="w2", ownerReferences=[]))
    message, data = fails(cluster, nodes=NAMES, parallel=parallel, restore_on_failure=True)
    assert message.startswith(
        "nodes w1, w2, w3 are not drained, nothing was changed: node w2: cannot delete Pods not managed"
    )
    assert message.endswith("shop/bare")
    assert nothing_changed(cluster)
    assert {name for name, failure in by_node(data, "failure").items() if failure} == {"w2"}
    assert on(data["blocked"]) == {"w2"}


def test_a_node_of_somebody_else_refuses_all():
    cluster = make_cluster()
    run(cluster, "cordon", nodes=("w3",))
    cluster.requests.clear()
    message, _data = fails(cluster, nodes=NAMES, me=ME_TOO)
    assert message.startswith("node w3 is in work of me")
    assert nothing_changed(cluster)


@pytest.mark.parametrize("restore", [False, True])
@pytest.mark.parametrize("state", ["drain", "cordon"])
def test_a_cordon_that_fails_stops_everything(state, restore):
    cluster = make_cluster()
    denied = KubeError("PATCH: 403", status=403, message="no")
    cluster.faults = [lambda method, path: denied if method == "PATCH" and "w2" in path else None]
    message, data = fails(cluster, state, nodes=NAMES, restore_on_failure=restore)
    assert cluster.count("POST") == 0
    assert by_node(data, "failure") == {"w1": "", "w2": "PATCH: 403", "w3": ""}
    assert [cordoned(cluster, name) for name in NAMES] == [not restore, False, False]
    assert ("node w1 was given back" if restore else "node w1 stays cordoned") in message.lower()


@pytest.mark.parametrize("restore", [False, True])
def test_a_node_that_fails_does_not_hinder_the_others(restore):
    cluster = make_cluster(make_pod("stuck", node="w2", finalizers=["x.io/wait"]))
    message, data = fails(cluster, nodes=NAMES, means=Means(timeout=10), restore_on_failure=restore)
    assert message.startswith("node w2 is not drained within 10 s: 1 of 3 pods are still there: shop/stuck: ")
    assert len(data["evicted"]) == 6
    assert on(data["remaining"]) == {"w2"}
    assert {name for name, failure in by_node(data, "failure").items() if failure} == {"w2"}
    assert [cordoned(cluster, name) for name in NAMES] == [not restore] * 3
    assert by_node(data, "durations")["w1"]["wait"] == 1.0


def test_the_first_that_fails_ends_a_drain_of_one_after_the_other():
    cluster = make_cluster(make_pod("stuck", node="w2", finalizers=["x.io/wait"]))
    message, data = fails(cluster, nodes=NAMES, means=Means(timeout=10), parallel=1)
    assert on(data["evicted"]) == {"w1", "w2"}
    assert calls(cluster, "POST", "w3") == []
    assert named(data["remaining"]) == {"stuck", "w3-0", "w3-1"}
    assert by_node(data, "failure")["w3"] == "node w3 is not drained: its turn had not come"
    assert message.endswith("Nodes w1, w2, w3 stay cordoned, in work of me: run it again to go on, or uncordon them.")
    assert all(cordoned(cluster, name) for name in NAMES)


def test_a_selector_that_matches_nothing_and_names_that_are_named_twice():
    cluster = make_cluster()
    message, data = fails(cluster, nodes=(), node_selector="rack=r7")
    assert message.startswith(
        "no node of the cluster at https://fake:6443 has labels that match node_selector 'rack=r7'"
    )
    assert data["nodes"] == []
    message, _data = fails(cluster, nodes=())
    assert message.endswith("was named")
    assert [node["name"] for node in run(cluster, nodes=("w2", "w1", "w2"))["nodes"]] == ["w2", "w1"]


def test_one_that_cannot_be_given_back_does_not_hinder_the_others():
    cluster = make_cluster()
    run(cluster, "cordon", nodes=NAMES)
    denied = KubeError("PATCH: 403", status=403, message="no")
    cluster.faults = [lambda method, path: denied if method == "PATCH" and "w2" in path else None]
    message, data = fails(cluster, "uncordon", nodes=NAMES)
    assert message == "PATCH: 403"
    assert [cordoned(cluster, name) for name in NAMES] == [False, True, False]
    assert by_node(data, "failure") == {"w1": "", "w2": "PATCH: 403", "w3": ""}


@pytest.mark.parametrize("parallel", [0, 1])
def test_pods_that_came_just_before_the_cordon_give_all_nodes_back(parallel):
    cluster = make_cluster()
    bare = make_pod("bare", node="w3", ownerReferences=[])
    cluster.faults = [
        lambda method, _path: cluster.pods.setdefault(("shop", "bare"), bare) and None if method == "PATCH" else None
    ]
    message, data = fails(cluster, nodes=NAMES, parallel=parallel)
    assert message.startswith("nodes w1, w2, w3 are not drained and were given back at once")
    assert data["remaining"] == []
    assert not any(cordoned(cluster, name) for name in NAMES)
    assert cluster.count("POST") == 0


def test_credentials_that_expire_are_told_of_all_that_was_not_done():
    cluster = make_cluster()
    expired = KubeError("POST: 401 Unauthorized", status=401)
    cluster.faults = [lambda method, path: expired if method == "POST" and "w2" in path else None]
    message, data = fails(cluster, nodes=NAMES, parallel=1)
    assert message.startswith("POST: 401 Unauthorized")
    assert on(data["remaining"]) == {"w2", "w3"}
    failures = by_node(data, "failure")
    assert failures["w1"] == ""
    assert failures["w2"].startswith("node w2 is not drained: 2 of 2 pods are still there")
    assert failures["w3"] == "node w3 is not drained: its turn had not come"


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_node_that_is_gone_keeps_no_other_from_being_given_back(check_mode):
    cluster = make_cluster()
    run(cluster, "cordon", nodes=NAMES)
    del cluster.nodes["w2"]
    message, data = fails(cluster, "uncordon", nodes=NAMES, check_mode=check_mode)
    assert message.startswith("Node w2 not found in the cluster")
    assert by_node(data, "failure") == {"w1": "", "w2": message, "w3": ""}
    assert data["actions"] == ["uncordon node w1", "uncordon node w3"]
    assert [cordoned(cluster, name) for name in ("w1", "w3")] == [check_mode, check_mode]


@pytest.mark.parametrize("state", ["cordon", "drain"])
def test_a_node_that_is_gone_forbids_to_take_the_others(state):
    cluster = make_cluster()
    del cluster.nodes["w2"]
    message, data = fails(cluster, state, nodes=NAMES)
    assert message.startswith("Node w2 not found in the cluster")
    assert data["nodes"] == []
    assert nothing_changed(cluster)


def test_nodes_that_are_all_gone_are_all_named():
    message, data = fails(make_cluster(), "uncordon", nodes=("x1", "x2"))
    assert "Node x1 not found" in message
    assert ". Node x2 not found" in message
    assert list(by_node(data, "failure")) == ["x1", "x2"]
