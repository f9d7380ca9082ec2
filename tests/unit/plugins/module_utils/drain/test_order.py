# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups that leave one after the other."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import order
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    fails,
    named,
    procedure,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    make_budget,
    make_node,
    make_pod,
)


def groups(*asked, hold=120):
    return order.groups([{"hold": hold, **one} for one in asked])


WEB_FIRST = groups({"selector": "app=web"}, {"selector": "app=db"})


def pod(name, app, priority=None, **more):
    made = make_pod(name, labels={"app": app}, **more)
    made["spec"]["priority"] = priority
    return made


def evicted_at(cluster):
    """Name -> when its eviction was asked for first."""
    times = {}
    real = cluster.post

    def post(path, body):
        times.setdefault(body["metadata"]["name"], cluster.clock.now())
        return real(path, body)

    cluster.post = post
    return times


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ([{"selector": "app=web"}], 1),
        ([{"selector": "app=web"}, {"rest": True}], 0),
        ([{"rest": True}, {"selector": "app=web"}], 1),
        ([{"selector": "app=db"}], 0),
        ([{"selector": "app=db"}, {"rest": True}], 1),
        ([{"min_priority": 1001}, {"min_priority": 1000}], 2),
        ([{"max_priority": 999}, {"max_priority": 1000}], 2),
        ([{"min_priority": 1000, "selector": "app=db"}, {"min_priority": 0, "max_priority": 1000}], 2),
        # The first that matches counts.
        ([{"selector": "app"}, {"selector": "app=web"}], 1),
        ([], 0),
    ],
)
def test_which_group_a_pod_belongs_to(asked, place):
    assert order.place(pod("a", "web", 1000), groups(*asked)) == place


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([{"selector": "app in"}], "is no label selector"),
        ([{}], "group 1 of order wants either rest=true or"),
        ([{"rest": True, "selector": "a=b"}], "group 1 of order wants either"),
        ([{"rest": True}, {"rest": True}], "more than one group with rest=true"),
        ([{"min_priority": 2, "max_priority": 1}], "its min_priority 2 is above 1"),
    ],
)
def test_what_is_no_order(asked, message):
    with pytest.raises(MaintenanceError, match=message):
        groups(*asked)


def test_groups_leave_one_after_the_other():
    cluster = FakeCluster([pod("db-0", "db"), pod("web-0", "web"), pod("other-0", "other"), pod("web-1", "web")])
    cluster.stops_after = {"web-0": 5.0, "web-1": 3.0, "other-0": 2.0}
    times = evicted_at(cluster)
    result = run(cluster, means=Means(order=WEB_FIRST))
    assert times["other-0"] == 0
    assert times["web-0"] == times["web-1"] >= 2.0
    assert times["db-0"] >= times["web-0"] + 5.0
    assert result["durations"]["total"] < 10
    assert result["actions"][1:] == ["evict shop/other-0", "evict shop/web-0", "evict shop/web-1", "evict shop/db-0"]


def test_check_mode_has_the_same_order_and_the_time_of_all_groups():
    cluster = FakeCluster([pod("db-0", "db"), pod("web-0", "web")])
    foretold = run(cluster, means=Means(order=WEB_FIRST), check_mode=True)
    assert foretold["actions"][1:] == ["evict shop/web-0", "evict shop/db-0"]
    assert foretold["predicted_seconds"] == 60


def test_a_group_that_is_stuck_holds_the_next_for_some_time_only():
    cluster = FakeCluster([pod("web-0", "web"), pod("sick", "web", node="w2", ready=False), pod("db-0", "db")])
    cluster.budgets["shop", "web"] = make_budget("web", minAvailable=1)
    cluster.starts_after = 1.0
    times = evicted_at(cluster)

    def recover():
        if cluster.clock.now() > 100:
            cluster.pods["shop", "sick"]["status"]["conditions"][0]["status"] = "True"

    cluster.on_advance = [recover]
    work = procedure(cluster, means=Means(order=groups({"selector": "app=web"}, {"selector": "app=db"}, hold=30)))
    result = work.run("drain")
    assert 30 <= times["db-0"] < 32
    # It was still tried.
    assert named(result["evicted"]) == {"web-0", "db-0"}
    assert work.report.warnings == [
        "node w1: group 1 (app=web) did not move for 30 s and 1 of its pods are still there:"
        " group 2 (app=db) begins all the same"
    ]


def test_each_group_has_its_own_time():
    sick = [make_pod(f"sick-{app}", labels={"app": app}, node="w2", ready=False) for app in ("web", "db")]
    cluster = FakeCluster([pod("web-0", "web"), pod("db-0", "db"), pod("log-0", "log"), *sick])
    for app in ("web", "db"):
        cluster.budgets["shop", app] = make_budget(app, selector={"matchLabels": {"app": app}}, minAvailable=1)
    times = evicted_at(cluster)
    three = groups(*({"selector": f"app={app}"} for app in ("web", "db", "log")), hold=30)
    fails(cluster, means=Means(order=three, timeout=100))
    assert 60 <= times["log-0"] < 65


def test_the_time_of_groups_under_one_budget():
    pods = [pod(f"{app}-{i}", app) for app in ("web", "db") for i in range(2)]
    cluster = FakeCluster(pods, [make_budget("all", selector={}, maxUnavailable=1)])
    assert run(cluster, means=Means(order=WEB_FIRST), check_mode=True)["predicted_seconds"] == 2 * 2 * 30


@pytest.mark.parametrize("stops", [20.0, 50.0])
def test_a_pod_within_its_grace_period_is_on_its_way(stops):
    cluster = FakeCluster([pod("web-0", "web"), pod("db-0", "db")])
    cluster.stops_after = {"web-0": stops}
    times = evicted_at(cluster)
    run(cluster, means=Means(order=groups({"selector": "app=web"}, {"rest": True}, hold=5), grace_period=100))
    assert times["db-0"] >= stops


def test_what_waits_for_its_turn_says_for_whom():
    cluster = FakeCluster([pod("web-0", "web", finalizers=["x.io/wait"]), pod("db-0", "db")])
    _message, data = fails(cluster, means=Means(order=WEB_FIRST, timeout=60))
    reasons = {entry["name"]: entry["reason"] for entry in data["remaining"]}
    assert reasons["db-0"] == "its turn had not come, group 1 (app=web) had to leave first"
    assert "finalizers" in reasons["web-0"]
    assert cluster.count("POST", "db-0") == 0


def test_nodes_do_not_wait_for_each_other():
    pods = [pod("web-1", "web"), pod("web-2", "web", node="w2"), pod("db-1", "db"), pod("db-2", "db", node="w2")]
    cluster = FakeCluster(pods, nodes=[make_node("w1"), make_node("w2")])
    cluster.elsewhere = "w9"
    cluster.stops_after = {"web-1": 20.0}
    times = evicted_at(cluster)
    run(cluster, nodes=("w1", "w2"), means=Means(order=WEB_FIRST))
    assert times["db-1"] >= 20
    assert times["db-2"] < 5


def test_what_goes_on_is_told():
    cluster = FakeCluster([pod("web-0", "web"), pod("db-0", "db"), pod("sick", "web", node="w2", ready=False)])
    cluster.budgets["shop", "web"] = make_budget("web", minAvailable=1)
    order_of = groups({"selector": "app=web"}, {"selector": "app=db"}, {"rest": True}, hold=15)
    lines = []
    fails(cluster, means=Means(order=order_of, timeout=30), tell=lines.append)
    told = "\n".join(lines)
    assert "1 whose turn is to come" in told
    assert "w1: group 1 (app=web) did not move for 15 s and 1 of its pods are still there" in told
    cluster = FakeCluster([pod("web-0", "web"), pod("db-0", "db")])
    lines.clear()
    run(cluster, means=Means(order=order_of), tell=lines.append)
    assert "w1: group 2 (app=db) begins" in lines
