# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several nodes in one call."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
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
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.rack import (
    NAMES,
    by_node,
    calls,
    make_cluster,
    on,
)


def test_all_at_once_take_as_long_as_one():
    cluster = make_cluster()
    cluster.stops_after = {f"{node}-{i}": 5.0 for node in NAMES for i in range(2)}
    result = run(cluster, nodes=NAMES)
    assert result["durations"]["total"] == 5.0
    assert result["actions"][:3] == ["cordon node w1", "cordon node w2", "cordon node w3"]
    assert [entry["node"] for entry in result["evicted"]] == ["w1", "w1", "w2", "w2", "w3", "w3"]
    assert [node["name"] for node in result["nodes"]] == list(NAMES)
    assert set(by_node(result, "result").values()) == {
        f"node {name} marked unschedulable. 2 Pod(s) evicted from node, 0 stay." for name in NAMES
    }
    assert by_node(result, "failure") == dict.fromkeys(NAMES, "")
    assert by_node(result, "durations")["w2"] == {"cordon": 0.0, "evict": 0.0, "wait": 5.0, "detach": 0.0, "total": 5.0}
    assert result["after"]["unschedulable"]
    assert result["after"]["work"]["owner"] == "me"
    assert (result["cordoned_by_us"], result["unschedulable_before"]) == (True, False)


def test_no_pod_is_evicted_before_the_last_node_is_cordoned():
    cluster = make_cluster()
    run(cluster, nodes=NAMES, parallel=1)
    methods = [method for method, _path in cluster.requests if method in ("PATCH", "POST")]
    assert methods == ["PATCH"] * 3 + ["POST"] * 6


def test_nodes_that_are_drained_at_once_share_their_budgets():
    cluster = make_cluster(budgets=[make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 1.0
    result = run(cluster, nodes=NAMES)
    assert len(result["evicted"]) == 6
    assert cluster.least_healthy["web"] == 5
    assert cluster.refusals == 0
    assert [(budget["verdict"], budget["pods"]) for budget in result["budgets"]] == [("slow", 6)]


@pytest.mark.parametrize(("parallel", "pods"), [(0, 6), (1, 2), (2, 4)])
def test_budgets_are_judged_over_the_nodes_that_are_drained_at_once(parallel, pods):
    cluster = make_cluster(budgets=[make_budget("web", maxUnavailable=3)])
    result = run(cluster, nodes=NAMES, parallel=parallel, check_mode=True)
    verdict = "free" if pods <= 3 else "slow"
    assert [(budget["verdict"], budget["pods"]) for budget in result["budgets"]] == [(verdict, pods)]
    assert len(calls(cluster, "LIST", "poddisruptionbudgets")) == 1
    assert nothing_changed(cluster)


@pytest.mark.parametrize("parallel", [0, 1])
def test_no_room_is_promised_twice_and_none_on_a_node_that_is_next(parallel):
    cluster = make_cluster()
    cluster.others[0]["status"]["allocatable"]["pods"] = "4"
    result = run(cluster, nodes=NAMES, parallel=parallel, check_mode=True)
    assert on(result["no_room"]) == {"w3"}
    assert len(result["no_room"]) == 2
    assert "2 Pod(s) would be Pending for lack of room elsewhere" in result["result"]
    assert result["predicted_seconds"] == (90 if parallel else 30)


def test_one_after_the_other():
    cluster = make_cluster()
    cluster.stops_after = {f"{node}-{i}": 5.0 for node in NAMES for i in range(2)}
    result = run(cluster, nodes=NAMES, parallel=1)
    assert result["durations"]["total"] == 15.0
    assert result["durations"]["wait"] == 15.0
    assert by_node(result, "durations")["w3"]["total"] == 5.0


def test_a_later_turn_is_judged_by_what_is_then():
    cluster = make_cluster(budgets=[make_budget("web", maxUnavailable=3)])
    cluster.stops_after = {"w1-0": 5.0}

    def change():
        if cluster.clock.now() > 2 and ("shop", "late") not in cluster.pods and cluster.clock.now() < 4:
            cluster.pods["shop", "late"] = make_pod("late", node="w2")

    cluster.on_advance = [change]
    result = run(cluster, nodes=("w1", "w2"), parallel=1)
    assert "late" in named(result["evicted"])
    assert result["newcomers"] == []


def test_a_later_turn_asks_a_budget_for_what_it_allows_then():
    cluster = make_cluster(each=1, budgets=[make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 3.0
    assert len(run(cluster, nodes=NAMES, parallel=1)["evicted"]) == 3
    assert cluster.refusals == 0


def test_drained_nodes_take_two_requests_each_and_are_not_changed():
    cluster = make_cluster(*(daemon_pod(f"p-{name}", node=name) for name in NAMES), daemonsets=["kube-system/proxy"])
    run(cluster, nodes=NAMES)
    cluster.requests.clear()
    result = run(cluster, nodes=NAMES)
    assert not result["changed"]
    assert result["result"] == " ".join(f"node {name} already marked unschedulable." for name in NAMES)
    assert len(cluster.requests) == 6
    cluster.nodes["w2"]["metadata"]["labels"] = {"rack": "r7"}
    cluster.requests.clear()
    assert not run(cluster, nodes=(), node_selector="rack=r7")["changed"]
    assert cluster.requests == [("LIST", "/api/v1/nodes"), ("LIST", "/api/v1/pods")]


def test_given_back_by_ownership_each():
    cluster = make_cluster()
    run(cluster, nodes=NAMES)
    cluster.nodes["w2"]["metadata"]["annotations"].clear()
    result = run(cluster, "uncordon", nodes=NAMES)
    assert [cordoned(cluster, name) for name in NAMES] == [False, True, False]
    assert result["actions"] == ["uncordon node w1", "uncordon node w3"]
    assert not result["after"]["unschedulable"]


def test_what_is_said_of_all_is_true_of_all():
    cluster = FakeCluster(nodes=[make_node("w1"), make_node("w2", unschedulable=True)])
    result = run(cluster, "cordon", nodes=("w1", "w2"))
    assert (result["cordoned_by_us"], result["unschedulable_before"]) == (False, False)
    assert by_node(result, "cordoned_by_us") == {"w1": True, "w2": False}
    assert result["before"] == {"unschedulable": False, "work": None}
    # They differ in what was before.
    assert result["after"] == {"unschedulable": True, "work": None}


def test_what_an_earlier_call_took_is_not_given_back_for_pods_that_came_to_another_node():
    cluster = make_cluster()
    run(cluster, "cordon", nodes=("w1",))
    bare = make_pod("bare", node="w3", ownerReferences=[])
    cluster.faults = [
        lambda method, _path: cluster.pods.setdefault(("shop", "bare"), bare) and None if method == "PATCH" else None
    ]
    message, data = fails(cluster, nodes=NAMES)
    assert message.startswith("nodes w1, w2, w3 are not drained and nodes w2, w3 were given back at once, because of")
    assert message.endswith(". Node w1 stays cordoned, in work of me: run it again to go on, or uncordon it.")
    assert [cordoned(cluster, name) for name in NAMES] == [True, False, False]
