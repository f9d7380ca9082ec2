# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person is told while a node is drained."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Job, Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.pacing import Target
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.procedure import Procedure
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.progress import Progress, numbers
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import ME
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    make_budget,
    make_node,
    make_pod,
)

GRACE = "past the grace period: a container that does not stop, a volume in use, or a kubelet that is silent"


def told(cluster, state="drain", **job):
    """The lines, each with the second in which it came."""
    lines = []

    def tell(line):
        lines.append((int(cluster.clock.now()), line))

    procedure = Procedure(cluster, Job(("w1",), ME, Guards(ignore_daemonsets=True), **job), cluster.clock, tell=tell)
    try:
        procedure.run(state)
    except MaintenanceError:
        lines.append((int(cluster.clock.now()), "failed"))
    return lines


def web(count, **more):
    return [make_pod(f"web-{i}", **more) for i in range(count)]


def test_a_hundred_pods_give_few_lines():
    cluster = FakeCluster(web(105))
    cluster.stops_after = {f"web-{i}": 5 + i / 4 for i in range(105)}
    lines = told(cluster)
    assert lines[:2] == [(0, "w1: cordoned"), (0, "w1: 105 pods have to go")]
    assert lines[2] == (10, "w1: 21 of 105 pods gone, 84 terminating")
    assert lines[-1][1].startswith("w1: empty after ")
    assert len(lines) == 5


def test_a_quick_drain_is_told_in_three_lines():
    lines = ["w1: cordoned", "w1: 2 pods have to go", "w1: empty after 1.0 s"]
    assert [line for _at, line in told(FakeCluster(web(2)))] == lines


def test_a_node_is_given_back_in_one_line():
    assert told(FakeCluster(), state="cordon") == [(0, "w1: cordoned")]
    cluster = FakeCluster(node=make_node(unschedulable=True))
    assert told(cluster, state="uncordon", force_uncordon=True) == [(0, "w1: uncordoned")]
    assert told(cluster, state="uncordon") == []


def test_check_mode_tells_nothing_because_nothing_happens():
    assert told(FakeCluster(web(2)), check_mode=True) == []


def test_a_budget_that_paces_is_told_once_and_then_only_counted():
    cluster = FakeCluster(web(10), [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 5
    lines = told(cluster)
    verdict = "w1: budget shop/web (deployment/web) lets 1 of 10 go at a time (10 of 10 pods healthy, 9 needed)"
    assert lines[2] == (0, verdict)
    assert lines[3] == (
        10,
        "w1: 2 of 10 pods gone, 8 wait for budget shop/web (10 of 10 healthy, 9 needed)",
    )
    assert [at for at, _line in lines[3:-1]] == [10, 20, 30, 40]


def test_a_budget_that_lets_no_pod_go_says_so_at_once():
    cluster = FakeCluster([*web(1), make_pod("sick", node="w2", ready=False)], [make_budget("web", minAvailable=1)])
    lines = told(cluster, means=Means(timeout=60))
    verdict = (
        "w1: budget shop/web (deployment/web) allows no eviction now, because 1 of its pods is not healthy (1 of 2 pods"
        " healthy, 1 needed); bring them back, or set its unhealthyPodEvictionPolicy to AlwaysAllow so that unready"
        " pods may go"
    )
    counters = "w1: 0 of 1 pods gone, 1 waits for budget shop/web (1 of 2 healthy, 1 needed)"
    assert lines[2:] == [(0, verdict), (10, counters), (60, "failed")]


def test_a_budget_that_stops_in_the_middle_is_told_when_it_has_held_for_a_while():
    cluster = FakeCluster(web(3), [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 1000
    held = [(at, line) for at, line in told(cluster, means=Means(timeout=60)) if "allows no eviction" in line]
    assert [at for at, _line in held] == [11]
    assert "(2 of 3 pods healthy, 2 needed)" in held[0][1]


def test_many_budgets_that_pace_are_named_in_part():
    pods = [make_pod(f"{app}-{i}", labels={"app": app}) for app in "abcde" for i in range(2)]
    budgets = [make_budget(app, selector={"matchLabels": {"app": app}}, maxUnavailable=1) for app in "abcde"]
    lines = [line for _at, line in told(FakeCluster(pods, budgets))]
    assert len([line for line in lines if "at a time" in line]) == 3
    assert "2 more budgets do not let all their pods go at once" in lines


def test_pods_that_are_late_are_told_once_with_what_keeps_them():
    kept = {"finalizers": ["example.com/backup"]}
    cluster = FakeCluster([*(make_pod(f"kept-{i}", **kept) for i in range(5)), make_pod("late")])
    cluster.kubelet_is_dead = True
    assert told(cluster, means=Means(timeout=60, grace_period=1))[2:] == [
        (
            6,
            "w1: shop/kept-0, shop/kept-1, shop/kept-2 and 2 more: past the grace period, kept by finalizers:"
            " example.com/backup",
        ),
        (6, f"w1: shop/late: {GRACE}"),
        (10, "w1: 0 of 6 pods gone, 6 terminating"),
        (60, "failed"),
    ]


def test_pods_that_become_late_one_after_another_are_gathered():
    pods = [make_pod(f"old-{i}", deletionTimestamp=f"2026-11-20T10:00:{i:02}Z") for i in range(30)]
    cluster = FakeCluster(pods)
    lines = [(at, line) for at, line in told(cluster, means=Means(timeout=50)) if GRACE in line]
    assert [at for at, _line in lines] == [5, 15, 25, 35]
    assert "shop/old-1, shop/old-2, shop/old-3 and 7 more" in lines[1][1]


@pytest.mark.parametrize(
    ("status", "message", "line"),
    [
        (403, "admission webhook denied: password=hunter2", "w1: shop/web-0: refused (403)"),
        (
            500,
            "more than one PodDisruptionBudget",
            "w1: shop/web-0: under more than one PodDisruptionBudget, so the API",
        ),
        (500, "connection to password=hunter2 lost", "w1: shop/web-0: the API failed"),
        (429, "password=hunter2 is moved", "w1: shop/web-0: asked to wait"),
    ],
)
def test_words_of_the_server_are_in_no_line(status, message, line):
    cluster = FakeCluster(web(2))
    refused = KubeError("hunter2", status=status, message=message)
    cluster.faults = [lambda method, path: refused if method == "POST" and "web-0/" in path else None]
    lines = [line for _at, line in told(cluster, means=Means(timeout=30))]
    assert [said for said in lines if said.startswith(line)]
    assert not [said for said in lines if "hunter2" in said]


def test_an_api_that_fails_is_told_once_and_again_when_it_is_back():
    cluster = FakeCluster(web(1))
    cluster.stops_after = {"web-0": 20}

    def fail(method, path):
        away = 5 < cluster.clock.now() < 15 and method == "LIST"
        return KubeError("hunter2", status=500, message="hunter2") if away else None

    cluster.faults = [fail]
    lines = [line for _at, line in told(cluster) if "API" in line]
    assert lines == ["the API does not answer as it should; asked again", "the API answers again"]


def target(name, node="w1", budget="", **more):
    return Target(make_pod(name, node=node), (budget,) if budget else (), **more)


def test_several_nodes_are_counted_in_one_line_and_each_is_empty_for_itself():
    cluster, lines = FakeCluster(), []
    progress = Progress(lines.append, cluster.clock)
    targets = [target(f"web-{node}", f"w{node}", admitted=True) for node in range(5)]
    progress.look(targets, [])
    assert lines == [f"w{node}: 1 pod has to go, 1 of them on their way already" for node in range(5)]
    lines.clear()
    targets[0].gone_after = 4.0
    progress.look(targets, [])
    assert lines == ["w0: empty after 4.0 s"]
    lines.clear()
    cluster.advance(10)
    progress.look(targets, [])
    assert lines == [
        "w1: 0 of 1 pods gone, 1 terminating; w2: 0 of 1 pods gone, 1 terminating; w3: 0 of 1 pods gone, 1 terminating"
        " and 1 more"
    ]
    cluster.advance(10)
    progress.look(targets, [])
    assert len(lines) == 1, "the same numbers twice"


def test_every_pod_is_in_one_number():
    status = {"currentHealthy": 2, "desiredHealthy": 2, "expectedPods": 3}
    budgets = {"shop/db": {**make_budget("db"), "status": status}}
    targets = [
        target("a", gone_after=1.0),
        target("b", admitted=True),
        target("c", budget="shop/db"),
        target("d", budget="shop/db", in_flight=True),
        target("e", fatal=True),
        target("f", not_before=100.0),
        target("g", budget="shop/db", held="its turn had not come"),
    ]
    assert numbers(targets, budgets) == (
        "1 of 7 pods gone, 1 waits for budget shop/db (2 of 3 healthy, 2 needed), 1 terminating, 1 refused,"
        " 2 asked for, 1 whose turn is to come"
    )
