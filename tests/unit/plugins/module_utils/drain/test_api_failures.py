# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Failures of the API in the middle of a drain."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import ownership
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.filters import Guards
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.ownership import ANNOTATION, Work
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    cordoned,
    fails,
    named,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    make_pod,
)


def flaky(method, part, *errors):
    """The first requests of a kind fail."""
    left = list(errors)
    return lambda asked, path: left.pop(0) if left and asked == method and part in path else None


def after_the_forecast(fault):
    """From the cordon on."""
    changed = []

    def later(method, path):
        changed.extend([path] * (method == "PATCH"))
        return fault(method, path) if changed else None

    return later


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


def test_a_cordon_of_which_nothing_is_known_is_told_as_that():
    cluster = FakeCluster([make_pod("web-1")])
    cluster.faults = [lambda method, _path: KubeError("PATCH: no answer") if method == "PATCH" else None]
    message, data = fails(cluster)
    expected = "PATCH: no answer (tried for 30 s). Whether node w1 was changed is not known: run it again"
    assert message == data["nodes"][0]["failure"] == expected


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


def test_somebody_else_who_takes_the_node_while_it_is_given_back_is_told():
    cluster = FakeCluster()
    run(cluster, "cordon")

    def taken(method, _path):
        if method == "PATCH" and ownership.work_of(cluster.node).owner == "me":
            cluster.node["metadata"]["annotations"][ANNOTATION] = Work("them").as_text()
            cluster.touch_node()

    cluster.faults = [taken]
    result = run(cluster, "uncordon")
    assert not result["changed"]
    assert result["result"].startswith("node w1 is in work of them and stays as it is")
    assert result["after"]["unschedulable"]
    assert cordoned(cluster)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("method", "part"), [("POST", "eviction"), ("LIST", "pods"), ("PATCH", "nodes")])
def test_what_an_api_forbids_that_has_just_come_back_is_asked_again(method, part, status):
    cluster = FakeCluster([make_pod("web-1")])
    cluster.stops_after = {"web-1": 4.0}
    refused = [KubeError("refused"), KubeError("502", status=502), *[KubeError("not yet", status=status)] * 3]
    cluster.faults = [after_the_forecast(flaky(method, part, *refused))]
    assert named(run(cluster)["evicted"]) == {"web-1"}


@pytest.mark.parametrize(("method", "part"), [("POST", "eviction"), ("LIST", "pods"), ("PATCH", "nodes")])
def test_what_it_still_forbids_then_is_forbidden(method, part):
    cluster = FakeCluster([make_pod("web-1")])
    cluster.stops_after = {"web-1": 4.0}
    refused = [KubeError("refused"), *[KubeError("403 never", status=403, message="never")] * 1000]
    cluster.faults = [after_the_forecast(flaky(method, part, *refused))]
    message, _data = fails(cluster)
    assert "never" in message
    assert 10 <= cluster.clock.now() < 30


def test_credentials_that_expire_stop_the_drain():
    cluster = FakeCluster([make_pod(f"web-{i}") for i in range(3)])
    expired = KubeError("POST: 401 Unauthorized", status=401)
    cluster.faults = [lambda method, _path: expired if method == "POST" else None]
    message, data = fails(cluster)
    assert message.startswith("POST: 401 Unauthorized")
    assert len(data["remaining"]) == 3
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
    assert data["newcomers"] == []


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
