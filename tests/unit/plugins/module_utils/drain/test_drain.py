# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drain that ends well, again, and after an interruption."""

from __future__ import annotations

import json

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import ownership
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Job, Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.news import Silence
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.ownership import ANNOTATION, Work
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.procedure import Procedure
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    ME,
    MIRROR,
    cordoned,
    fails,
    named,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    daemon_pod,
    make_budget,
    make_node,
    make_pod,
)


def test_drain():
    cluster = FakeCluster(
        [make_pod("web-1"), make_pod("web-2"), daemon_pod("proxy-1"), MIRROR, make_pod("elsewhere", node="w2")],
        daemonsets=["kube-system/proxy"],
    )
    cluster.stops_after = {"web-1": 5.0, "web-2": 3.0}
    result = run(cluster)
    assert result["changed"]
    assert result["result"] == "node w1 marked unschedulable. 2 Pod(s) evicted from node, 2 stay."
    assert result["actions"] == ["cordon node w1", "evict shop/web-1", "evict shop/web-2"]
    assert result["evicted"] == [
        {"node": "w1", "namespace": "shop", "name": "web-1", "reason": "evicted, gone after 5.0 s"},
        {"node": "w1", "namespace": "shop", "name": "web-2", "reason": "evicted, gone after 3.0 s"},
    ]
    assert named(result["kept"]) == {"proxy-1", "etcd"}
    assert result["durations"] == {"cordon": 0.0, "evict": 0.0, "wait": 5.0, "detach": 0.0, "total": 5.0}
    assert (result["cordoned_by_us"], result["unschedulable_before"]) == (True, False)
    assert result["before"] == {"unschedulable": False, "work": None}
    assert result["after"]["unschedulable"]
    assert result["after"]["work"]["owner"] == "me"
    assert [result[key] for key in ("blocked", "remaining", "lost_data", "newcomers", "budgets")] == [[]] * 5
    assert json.loads(cluster.node["metadata"]["annotations"][ANNOTATION])["run"] == "run-1"


def test_many_pods_take_as_long_as_one_and_few_requests():
    cluster = FakeCluster([make_pod(f"web-{i}") for i in range(105)])
    cluster.stops_after = {f"web-{i}": 5.0 for i in range(105)}
    result = run(cluster)
    assert result["durations"]["total"] <= 5.5
    assert cluster.count("POST") == 105
    assert len(cluster.requests) <= 105 + 20


def test_a_long_wait_is_looked_at_less_and_less_often():
    cluster = FakeCluster([make_pod("slow", finalizers=[])])
    cluster.stops_after = {"slow": 25.0}
    result = run(cluster)
    assert result["durations"]["total"] <= 25 * 1.05 + 0.5
    assert cluster.count("LIST", "pods") < 40


@pytest.mark.parametrize(("grace", "expected"), [(None, None), (0, 0), (60, 60)])
def test_evictions_carry_uid_and_grace(grace, expected):
    cluster = FakeCluster([make_pod("web-1")])
    run(cluster, means=Means(grace_period=grace))
    body = cluster.bodies[cluster.requests.index(("POST", "/api/v1/namespaces/shop/pods/web-1/eviction"))]
    assert body["deleteOptions"]["preconditions"] == {"uid": "uid-of-web-1"}
    assert body["deleteOptions"].get("gracePeriodSeconds") == expected
    assert (body["apiVersion"], body["kind"]) == ("policy/v1", "Eviction")


def test_disable_eviction_deletes_past_budgets_and_does_not_read_them():
    cluster = FakeCluster([make_pod("web-1")], [make_budget("web", maxUnavailable=0)])
    result = run(cluster, means=Means(disable_eviction=True))
    assert result["actions"] == ["cordon node w1", "delete shop/web-1"]
    assert result["evicted"][0]["reason"].startswith("deleted, gone after")
    assert (cluster.count("POST"), cluster.count("LIST", "poddisruptionbudgets")) == (0, 0)


def test_selectors_leave_the_others_alone():
    cluster = FakeCluster([make_pod("web-1"), make_pod("bare", labels={"app": "x"}, ownerReferences=[])])
    result = run(cluster, selector="app=web")
    assert named(result["evicted"]) == {"web-1"}
    assert ("shop", "bare") in cluster.pods


@pytest.mark.parametrize("heard", [True, False])
def test_a_pod_whose_labels_change_is_not_taken_for_gone(heard):
    cluster = FakeCluster([make_pod("db-0", labels={"role": "replica"})])
    cluster.stops_after = {"db-0": 20.0}
    pod, events = cluster.pods["shop", "db-0"], []

    class Told(Silence):
        def hears(self, path, query=None):
            return heard

        def take(self):
            return [events.pop()] if events else []

    def promote():
        if cluster.clock.now() >= 5 and pod["metadata"]["labels"]["role"] == "replica":
            pod["metadata"]["labels"]["role"] = "primary"
            events.extend([("DELETED", pod)] * heard)

    cluster.on_advance = [promote]
    job = Job(("w1",), me=ME, selector="role=replica")
    result = Procedure(cluster, job, cluster.clock, news=Told).run("drain")
    assert ("shop", "db-0") not in cluster.pods
    assert result["evicted"][0]["reason"].startswith("evicted, gone after 20.")


def test_what_is_lost_is_told():
    bare = make_pod("bare", ownerReferences=[])
    bare["spec"]["volumes"] = [{"name": "cache", "emptyDir": {}}]
    result = run(FakeCluster([bare]), guards=Guards(force=True, delete_emptydir_data=True))
    reason = "the data of its emptyDir volumes is lost: cache; no controller recreates it"
    assert result["lost_data"] == [{"node": "w1", "namespace": "shop", "name": "bare", "reason": reason}]


def test_a_drained_node_takes_two_requests_and_is_not_changed():
    cluster = FakeCluster([make_pod("web-1"), daemon_pod("p"), MIRROR], daemonsets=["kube-system/proxy"])
    run(cluster)
    for me in (ME, Work("me", run="run-2")):
        cluster.requests.clear()
        result = run(cluster, me=me)
        assert not result["changed"]
        assert result["actions"] == []
        assert result["cordoned_by_us"]
        assert cluster.requests == [("GET", "/api/v1/nodes/w1"), ("LIST", "/api/v1/pods")]
    assert ownership.work_of(cluster.node).run == "run-1"


def test_an_interrupted_drain_goes_on_and_does_not_evict_twice():
    cluster = FakeCluster([make_pod("web-1"), make_pod("web-2")], node=make_node(unschedulable=True))
    cluster.node["metadata"]["annotations"][ANNOTATION] = ME.as_text()
    cluster.stops_after = {"web-1": 10.0}
    cluster.delete("/api/v1/namespaces/shop/pods/web-1", {"preconditions": {"uid": "uid-of-web-1"}})
    result = run(cluster, me=Work("me", run="run-2", since="later"))
    assert result["evicted"][0]["reason"] == "evicted, gone after 1.0 s"
    assert result["evicted"][1]["reason"] == "was already terminating, gone after 10.0 s"
    assert result["actions"] == ["mark node w1 as in work of me", "evict shop/web-2"]
    work = ownership.work_of(cluster.node)
    assert (work.run, work.since) == ("run-2", ME.since)


def test_only_waiting_is_no_change():
    cluster = FakeCluster([make_pod("web-1")])
    run(cluster, "cordon")
    cluster.delete("/api/v1/namespaces/shop/pods/web-1", {"preconditions": {"uid": "uid-of-web-1"}})
    result = run(cluster)
    assert not result["changed"]
    assert named(result["evicted"]) == {"web-1"}


def test_it_stops_when_nobody_waits_for_it_and_leaves_the_node_to_the_next_run():
    cluster = FakeCluster([make_pod("web-1"), make_pod("web-2")], [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 100.0
    message, data = fails(cluster, abandoned=lambda: cluster.clock.now() > 3, restore_on_failure=True)
    assert "is gone: 1 of 2 pods had left node w1. Run it again" in message
    assert cluster.count("POST") == 1
    assert cordoned(cluster)
    assert data["changed"]
    assert named(data["evicted"]) == {"web-1"}
    assert named(data["remaining"]) == {"web-2"}
    cluster.starts_after = 0.0
    assert named(run(cluster, me=Work("me", run="run-2"))["evicted"]) == {"web-2"}
