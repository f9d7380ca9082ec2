# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import ownership
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Job, Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.ownership import ANNOTATION, Work
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.procedure import Procedure
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import (
    FakeCluster,
    daemon_pod,
    make_budget,
    make_node,
    make_pod,
)
from hypothesis import given
from hypothesis import strategies as st

KEYS = {
    "changed", "result", "evicted", "skipped", "blocked", "remaining", "lost_data", "newcomers", "budgets",
    "cordoned_by_us", "unschedulable_before", "durations", "actions", "before", "after",
}  # fmt: skip
ME = Work("me", run="run-1", since="2026-11-20T10:00:00Z")
MIRROR = make_pod("etcd", namespace="kube-system", annotations={"kubernetes.io/config.mirror": "x"})


def procedure(cluster, *, abandoned=lambda: False, **job):
    job = {"guards": Guards(ignore_daemonsets=True), "me": ME, **job}
    return Procedure(cluster, Job("w1", **job), cluster.clock, abandoned)


def run(cluster, state="drain", **job):
    result = procedure(cluster, **job).run(state)
    assert set(result) == KEYS
    return result


def fails(cluster, state="drain", **job):
    with pytest.raises(MaintenanceError) as caught:
        procedure(cluster, **job).run(state)
    assert set(caught.value.data) == KEYS
    return caught.value.msg, caught.value.data


def cordoned(cluster):
    return ownership.is_unschedulable(cluster.node)


def named(entries):
    return {entry["name"] for entry in entries}


def nothing_changed(cluster):
    return not [method for method, _path in cluster.requests if method in ("PATCH", "POST", "DELETE")]


# A drain that ends well


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
        {"namespace": "shop", "name": "web-1", "reason": "evicted, gone after 5.0 s"},
        {"namespace": "shop", "name": "web-2", "reason": "evicted, gone after 3.0 s"},
    ]
    assert named(result["skipped"]) == {"proxy-1", "etcd"}
    assert result["durations"] == {"cordon": 0.0, "evict": 0.0, "wait": 5.0, "total": 5.0}
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


def test_what_is_lost_is_told():
    bare = make_pod("bare", ownerReferences=[])
    bare["spec"]["volumes"] = [{"name": "cache", "emptyDir": {}}]
    result = run(FakeCluster([bare]), guards=Guards(force=True, delete_emptydir_data=True))
    reason = "the data of its emptyDir volumes is lost: cache; no controller recreates it"
    assert result["lost_data"] == [{"namespace": "shop", "name": "bare", "reason": reason}]


# Again, and after an interruption


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
    assert "is gone: 1 of 2 pods had left the node. Run it again" in message
    assert cluster.count("POST") == 1
    assert cordoned(cluster)
    assert data["changed"]
    cluster.starts_after = 0.0
    assert named(run(cluster, me=Work("me", run="run-2"))["evicted"]) == {"web-2"}


# What is refused before anything is changed


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
            "the API evicts no Pod under two PodDisruptionBudgets (make their selectors disjoint, or delete past them"
            " with disable_eviction=true): shop/web-1, shop/web-2",
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
        Procedure(cluster, Job(name, ME), cluster.clock).run("drain")
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


# Budgets that pace the drain


def test_evictions_follow_what_the_budget_allows():
    pods = [make_pod(f"web-{i}") for i in range(10)]
    cluster = FakeCluster(pods, [make_budget("web", maxUnavailable=1)])
    cluster.stops_after = {f"web-{i}": 0.5 for i in range(10)}
    cluster.starts_after = 0.5
    result = run(cluster)
    assert cluster.least_healthy["web"] == 9
    assert cluster.refusals == 0
    assert result["durations"]["total"] <= 10 * 0.5 * 1.2
    assert result["budgets"][0]["verdict"] == "slow"


def test_a_blocked_budget_is_waited_for():
    pods = [make_pod("web-1"), make_pod("sick", node="w2", ready=False)]
    cluster = FakeCluster(pods, [make_budget("web", minAvailable=1)])

    def recover():
        if cluster.clock.now() > 20:
            pods[1]["status"]["conditions"][0]["status"] = "True"

    cluster.on_advance = [recover]
    result = run(cluster)
    assert named(result["evicted"]) == {"web-1"}
    assert result["blocked"] == []
    assert 20 < result["durations"]["total"] < 24
    assert cluster.refusals <= 3


def test_time_runs_out_under_a_blocked_budget():
    pods = [make_pod("web-1"), make_pod("sick", node="w2", ready=False), make_pod("free", labels={})]
    cluster = FakeCluster(pods, [make_budget("web", minAvailable=1)])
    message, data = fails(cluster, means=Means(timeout=60))
    assert message == (
        "node w1 is not drained within 60 s: 1 of 2 pods are still there: shop/web-1: budget shop/web (deployment/web)"
        " allows no eviction now, because 1 of its pods is not healthy (1 of 2 pods healthy, 1 needed); bring them back,"
        " or set its unhealthyPodEvictionPolicy to AlwaysAllow so that unready pods may go."
        " Node w1 stays cordoned, in work of me: run it again to go on, or uncordon it."
    )
    assert named(data["evicted"]) == {"free"}
    assert named(data["remaining"]) == named(data["blocked"]) == {"web-1"}
    assert data["budgets"][0]["verdict"] == "blocked"
    assert data["changed"]
    assert data["cordoned_by_us"]
    assert 60 <= data["durations"]["total"] < 61


def test_a_budget_that_nobody_keeps_up_to_date_is_tried_now_and_then():
    cluster = FakeCluster([make_pod("web-1")], [make_budget("web", minAvailable=0)])
    cluster.frozen = {"web"}
    cluster.budgets["shop", "web"]["status"].update(currentHealthy=0, expectedPods=1, disruptionsAllowed=0)
    message, _data = fails(cluster, means=Means(timeout=300))
    assert "none of its pods is healthy" in message
    assert 3 <= cluster.refusals <= 8


def test_unready_pods_go_where_the_budget_lets_them():
    for policy in ({"unhealthyPodEvictionPolicy": "AlwaysAllow"}, {}):
        pods = [make_pod("sick", ready=False), make_pod("well", node="w2")]
        cluster = FakeCluster(pods, [make_budget("web", minAvailable=1, **policy)])
        assert run(cluster)["budgets"][0]["verdict"] == "free"
        assert cluster.refusals == 0


def test_budgets_that_may_not_be_listed_are_found_out_by_trying():
    pods = [make_pod("web-1"), make_pod("web-2")]
    cluster = FakeCluster(pods, [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 2.0
    denied = KubeError("LIST: 403", status=403, message="forbidden to list")
    cluster.faults = [lambda _method, path: denied if "poddisruptionbudgets" in path else None]
    work = procedure(cluster)
    assert named(work.run("drain")["evicted"]) == {"web-1", "web-2"}
    assert cluster.least_healthy["web"] == 1
    assert cluster.refusals > 0
    assert work.report.warnings == [
        "poddisruptionbudgets may not be listed, so what they allow is found out only by trying: forbidden to list"
    ]


def test_daemonsets_that_may_not_be_listed():
    cluster = FakeCluster([make_pod("web-1"), daemon_pod("p", "gone")])
    denied = KubeError("LIST: 403", status=403, message="forbidden to list")
    cluster.faults = [lambda _method, path: denied if "daemonsets" in path else None]
    work = procedure(cluster)
    assert named(work.run("drain")["skipped"]) == {"p"}
    assert len(work.report.warnings) == 1


# Failures of the API


def flaky(method, part, *errors):
    """The first requests of a kind fail."""
    left = list(errors)
    return lambda asked, path: left.pop(0) if left and asked == method and part in path else None


@pytest.mark.parametrize(
    "error",
    [
        KubeError("reset"),
        KubeError("500", status=500, message="failed calling webhook"),
        KubeError("502", status=502),
        KubeError("503", status=503, retry_after=1.0),
        KubeError("429", status=429, message="too many requests", retry_after=2.0),
        KubeError("429", status=429, message="a webhook migrates the machine first"),
        KubeError("409", status=409),
    ],
)
def test_what_passes_is_passed(error):
    cluster = FakeCluster([make_pod("web-1")])
    cluster.faults = [flaky("POST", "eviction", *[error] * 4), flaky("PATCH", "nodes", *[error] * 2)]
    cluster.on_advance = [lambda: None]
    result = run(cluster)
    assert named(result["evicted"]) == {"web-1"}
    assert result["durations"]["total"] < 30


def test_looks_that_fail_are_repeated():
    cluster = FakeCluster([make_pod("web-1")])
    cluster.stops_after = {"web-1": 4.0}
    lists = iter(range(100))
    reset = KubeError("reset")
    # The first two are those of the forecast.
    cluster.faults = [lambda _method, path: reset if path.endswith("pods") and 2 <= next(lists) < 6 else None]
    assert named(run(cluster)["evicted"]) == {"web-1"}


def test_an_eviction_whose_answer_was_lost():
    cluster = FakeCluster([make_pod("web-1")])
    real, calls = cluster.post, []

    def lose(path, body):
        real(path, body)
        calls.append(path)
        if len(calls) == 1:
            raise KubeError("reset after it was done")

    cluster.post = lose
    result = run(cluster)
    assert named(result["evicted"]) == {"web-1"}
    assert result["changed"]


def test_a_cordon_whose_answer_was_lost_is_still_ours():
    cluster = FakeCluster([make_pod("web-1")])
    real, calls = cluster.patch, []

    def lose(path, body):
        calls.append(path)
        answer = real(path, body)
        if len(calls) == 1:
            raise KubeError("reset after it was done")
        return answer

    cluster.patch = lose
    result = run(cluster, "cordon")
    assert (result["changed"], result["actions"], len(calls)) == (True, ["cordon node w1"], 1)


def test_a_node_that_somebody_else_changes_meanwhile():
    cluster = FakeCluster()
    cluster.faults = [lambda method, _path: cluster.touch_node() if cluster.count("PATCH") <= 2 else None]
    result = run(cluster, "cordon")
    assert result["actions"] == ["cordon node w1"]
    assert cordoned(cluster)


def test_somebody_else_who_takes_the_node_first_wins():
    cluster = FakeCluster([make_pod("web-1")])

    def taken(method, _path):
        if method == "PATCH" and not ownership.work_of(cluster.node):
            cluster.node["metadata"]["annotations"][ANNOTATION] = Work("them").as_text()
            cluster.touch_node()

    cluster.faults = [taken]
    message, data = fails(cluster)
    assert "in work of them" in message
    assert not data["changed"]
    assert ownership.work_of(cluster.node).owner == "them"


def test_credentials_that_expire_stop_the_drain():
    cluster = FakeCluster([make_pod(f"web-{i}") for i in range(3)])
    expired = KubeError("POST: 401 Unauthorized", status=401)
    cluster.faults = [lambda method, _path: expired if method == "POST" else None]
    message, _data = fails(cluster)
    assert message.startswith("POST: 401 Unauthorized")
    assert cluster.clock.now() < 1


def test_a_pod_that_is_refused_for_good_does_not_hold_the_others():
    cluster = FakeCluster([make_pod("web-1"), make_pod("web-2")])
    denied = KubeError("403", status=403, message='admission webhook "guard" denied it')
    cluster.faults = [lambda method, path: denied if method == "POST" and "web-1" in path else None]
    message, data = fails(cluster)
    assert message.startswith(
        "node w1 is not drained: 1 of 2 pods are still there: shop/web-1: refused (403): admission webhook"
    )
    assert named(data["evicted"]) == {"web-2"}
    assert data["durations"]["total"] < 5
    assert cluster.count("POST", "web-1") == 1


def test_a_terminating_namespace_is_waited_for():
    cluster = FakeCluster([make_pod("web-1")])
    cluster.terminating_namespaces = {"shop"}

    def namespace_controller():
        if cluster.clock.now() > 10:
            cluster.pods.clear()

    cluster.on_advance = [namespace_controller]
    result = run(cluster)
    assert named(result["evicted"]) == {"web-1"}


def test_a_new_pod_of_the_same_name_is_not_the_old_one():
    cluster = FakeCluster([make_pod("db-0", ownerReferences=[])])

    def recreate(method, _path):
        if method == "POST":
            cluster.pods["shop", "db-0"] = make_pod("db-0", node="w2", uid="another")

    cluster.faults = [recreate]
    result = run(cluster, guards=Guards(force=True))
    assert named(result["evicted"]) == {"db-0"}
    assert "deletionTimestamp" not in cluster.pods["shop", "db-0"]["metadata"]


def test_a_promise_that_is_not_kept_is_asked_for_again():
    cluster = FakeCluster([make_pod("web-1")])
    real, calls = cluster.post, []

    def pretend(path, body):
        calls.append(path)
        return real(path, body) if len(calls) > 2 else {}

    cluster.post = pretend
    assert named(run(cluster)["evicted"]) == {"web-1"}
    assert len(calls) == 3


# What stays, and why


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timeout": 10}, "terminating, 20 s of its grace period of 30 s are left"),
        (
            {"timeout": 60, "finalizers": ["x.io/wait"]},
            "terminating, 30 s past its grace period: kept by its finalizers x",
        ),
        ({"timeout": 60}, "terminating, 30 s past its grace period: a container that does not stop"),
        (
            {"timeout": 60, "silent": True},
            "terminating, 30 s past its grace period: the kubelet of its node is silent since 2026-11-20T09:00:00Z",
        ),
    ],
)
def test_pods_that_do_not_end_are_explained(change, reason):
    cluster = FakeCluster([make_pod("web-1", finalizers=change.get("finalizers", []))])
    cluster.kubelet_is_dead = True
    if change.get("silent"):
        cluster.node["status"]["conditions"][0]["status"] = "Unknown"
    _message, data = fails(cluster, means=Means(timeout=change["timeout"]))
    assert data["remaining"][0]["reason"].startswith(reason)
    assert data["blocked"] == []


def test_newcomers_are_told_and_not_hunted():
    cluster = FakeCluster([make_pod("web-1")])
    cluster.stops_after = {"web-1": 5.0}

    def come():
        if cluster.clock.now() > 2:
            cluster.pods.setdefault(("shop", "typha"), make_pod("typha", labels={"app": "typha"}))
            cluster.pods.setdefault(("kube-system", "p"), daemon_pod("p"))

    cluster.on_advance = [come]
    work = procedure(cluster)
    result = work.run("drain")
    assert named(result["newcomers"]) == {"typha"}
    assert cluster.count("POST") == 1
    assert "shop/typha" in work.report.warnings[0]


def test_on_failure_restore_gives_the_node_back():
    cluster = FakeCluster([make_pod("web-1")])
    cluster.kubelet_is_dead = True
    message, data = fails(cluster, means=Means(timeout=10), restore_on_failure=True)
    assert message.endswith("Node w1 was given back (on_failure=restore).")
    assert not cordoned(cluster)
    assert ownership.work_of(cluster.node) is None
    assert data["actions"] == ["cordon node w1", "evict shop/web-1", "uncordon node w1"]
    assert (data["cordoned_by_us"], data["after"]["unschedulable"]) == (False, False)


def test_on_failure_restore_leaves_a_foreign_cordon():
    cluster = FakeCluster([make_pod("web-1")], node=make_node(unschedulable=True))
    cluster.kubelet_is_dead = True
    fails(cluster, means=Means(timeout=10), restore_on_failure=True, force_uncordon=True)
    assert cordoned(cluster)
    assert ownership.work_of(cluster.node) is None


# Check mode


def test_check_mode_is_the_whole_forecast_and_changes_nothing():
    pods = [make_pod("web-1"), make_pod("web-2"), make_pod("web-3", node="w2"), daemon_pod("p")]
    cluster = FakeCluster(pods, [make_budget("web", minAvailable=2)], daemonsets=["kube-system/proxy"])
    result = run(cluster, check_mode=True)
    assert result["changed"]
    assert result["result"] == (
        "node w1 marked unschedulable. 2 Pod(s) would be evicted, 1 would stay."
        " budget shop/web (deployment/web) lets 1 of 2 go at a time (3 of 3 pods healthy, 2 needed)."
    )
    assert result["actions"] == ["cordon node w1", "evict shop/web-1", "evict shop/web-2"]
    assert result["evicted"][0]["reason"] == "would be evicted, budget shop/web is slow"
    assert result["after"]["unschedulable"]
    assert not cordoned(cluster)
    assert nothing_changed(cluster)
    assert cluster.clock.now() == 0
    done = run(cluster)
    assert (done["actions"], named(done["evicted"])) == (result["actions"], named(result["evicted"]))
    assert not run(cluster, check_mode=True)["changed"]


def test_check_mode_tells_what_a_budget_blocks_now():
    pods = [make_pod("web-1"), make_pod("sick", node="w2", ready=False)]
    result = run(FakeCluster(pods, [make_budget("web", minAvailable=1)]), check_mode=True)
    assert named(result["blocked"]) == {"web-1"}
    assert "budget shop/web" in result["blocked"][0]["reason"]


@pytest.mark.parametrize("state", ["cordon", "uncordon"])
def test_check_mode_of_the_cordon(state):
    cluster = FakeCluster(node=make_node())
    if state == "uncordon":
        run(cluster, "cordon")
    cluster.requests.clear()
    before = cordoned(cluster)
    result = run(cluster, state, check_mode=True)
    assert result["changed"]
    assert result["after"]["unschedulable"] is not before
    assert cordoned(cluster) is before
    assert nothing_changed(cluster)


# Cordon and uncordon


def test_cordon_and_uncordon_twice():
    cluster = FakeCluster()
    for state, changed, result in (
        ("cordon", True, "node w1 marked unschedulable."),
        ("cordon", False, "node w1 already marked unschedulable."),
        ("uncordon", True, "node w1 marked schedulable."),
        ("uncordon", False, "node w1 already marked schedulable."),
    ):
        found = run(cluster, state)
        assert (found["changed"], found["result"]) == (changed, result)


def test_a_foreign_cordon_survives_our_work():
    cluster = FakeCluster([make_pod("web-1")], node=make_node(unschedulable=True))
    result = run(cluster)
    assert (result["cordoned_by_us"], result["unschedulable_before"]) == (False, True)
    assert named(result["evicted"]) == {"web-1"}
    assert not run(cluster)["changed"]
    work = procedure(cluster)
    assert work.run("uncordon")["changed"]
    assert cordoned(cluster)
    again = procedure(cluster)
    assert not again.run("uncordon")["changed"]
    assert "force_uncordon=true" in again.report.warnings[0]
    assert run(cluster, "uncordon", force_uncordon=True)["changed"]
    assert not cordoned(cluster)


# Any cluster


@st.composite
def clusters(draw):
    count = draw(st.integers(1, 12))
    elsewhere = draw(st.integers(0, 3))
    groups = st.sampled_from(["web", "db", "free"])
    pods = [make_pod(f"pod-{i}", labels={"app": draw(groups)}) for i in range(count)]
    pods += [make_pod(f"other-{i}", node="w2", labels={"app": draw(groups)}) for i in range(elsewhere)]
    budgets = [
        make_budget(name, selector={"matchLabels": {"app": name}}, **{draw(st.sampled_from(["maxUnavailable"])): n})
        for name, n in (("web", draw(st.integers(1, 3))), ("db", draw(st.sampled_from(["30%", "100%", 1]))))
    ]
    cluster = FakeCluster(pods, budgets)
    cluster.starts_after = draw(st.sampled_from([0.0, 0.3, 2.0]))
    cluster.stops_after = {f"pod-{i}": draw(st.sampled_from([0.0, 0.2, 3.0])) for i in range(count)}
    return cluster


@given(clusters(), st.lists(st.sampled_from(["GET", "LIST", "PATCH", "POST"]), max_size=6), st.integers(5, 9))
def test_every_budget_is_respected_and_every_pod_gone(cluster, failing, every):
    floors = {}
    for (_namespace, name), budget in cluster.budgets.items():
        floors[name] = min(budget["status"]["desiredHealthy"], budget["status"]["currentHealthy"])
    mine = {name for (_namespace, name), pod in cluster.pods.items() if pod["spec"]["nodeName"] == "w1"}
    asked = iter(range(10**6))
    left = list(failing)

    def fault(method, _path):
        # Not the first three, which are the forecast's: there a failure ends the call before any change.
        if next(asked) > 3 and left and left[0] == method and next(asked) % every == 0:
            left.pop(0)
            return KubeError("reset")
        return None

    cluster.faults = [fault]
    result = run(cluster)
    assert named(result["evicted"]) == mine
    assert not [pod for pod in cluster.pods.values() if pod["spec"]["nodeName"] == "w1"]
    assert all(cluster.least_healthy[name] >= floor for name, floor in floors.items())
    assert cordoned(cluster)
