# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module from its options to its result, on a fake cluster."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.news import Silence
from ansible_collections.kubeops.maintenance.plugins.modules import k8s_drain
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import KEYS
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    daemon_pod,
    make_budget,
    make_node,
    make_pod,
)

# Ansible gives these keys of a result a meaning of its own.
RESERVED = {
    "failed",
    "skipped",
    "unreachable",
    "rc",
    "results",
    "warnings",
    "deprecations",
    "ansible_facts",
    "finished",
}


@pytest.fixture
def call(monkeypatch, capsys):
    """Exit code and result of one call."""

    def run(cluster, *, check=False, diff=False, **params):
        monkeypatch.setattr(k8s_drain, "connect", lambda _params: cluster)
        monkeypatch.setattr(k8s_drain, "Clock", lambda **_how: cluster.clock)
        monkeypatch.setattr(k8s_drain, "News", lambda _kube: Silence())
        with (
            patch_module_args({"name": "w1", **params, "_ansible_check_mode": check, "_ansible_diff": diff}),
            pytest.raises(SystemExit) as ended,
        ):
            k8s_drain.main()
        result = json.loads(capsys.readouterr().out)
        result.pop("invocation", None)
        return ended.value.code, result

    return run


def test_the_options_of_kubernetes_core_have_its_defaults():
    options = k8s_drain.ARGUMENT_SPEC["delete_options"]["options"]
    assert {name: option.get("default") for name, option in options.items()} == {
        "terminate_grace_period": None,
        "force": False,
        "ignore_daemonsets": False,
        "delete_emptydir_data": False,
        "disable_eviction": False,
        "wait_sleep": 5,
        # Ours: always a limit, and some options more.
        "wait_timeout": 600,
        "order": [],
        "wait_volume_detach": 0,
        "stuck_after": 120,
        "multiple_pdb": "fail",
        "force_delete_stuck": False,
        "unmanaged": "by_force",
        "unhealthy_pods": "respect",
        "unhealthy_after": 300,
        "unreachable": "wait",
        "skip_wait_for_delete_timeout": 0,
    }
    assert k8s_drain.ARGUMENT_SPEC["pod_selectors"]["aliases"] == ["label_selectors"]


def job(**params):
    options = {
        name: option.get("default") for name, option in k8s_drain.ARGUMENT_SPEC["delete_options"]["options"].items()
    }
    defaults = {name: option.get("default") for name, option in k8s_drain.ARGUMENT_SPEC.items()}
    params["delete_options"] = {**options, **params.get("delete_options", {})}
    return k8s_drain.job_of({**defaults, "name": "w1", **params}, False, "now")


@pytest.mark.parametrize(("grace", "expected"), [(None, None), (-1, None), (0, 0), (900, 900)])
def test_no_grace_period_is_not_zero(grace, expected):
    assert job(delete_options={"terminate_grace_period": grace}).means.grace_period == expected


@pytest.mark.parametrize(("timeout", "expected"), [(0, 86400), (1, 1), (600, 600)])
def test_nothing_waits_for_ever(timeout, expected):
    assert job(delete_options={"wait_timeout": timeout}).means.timeout == expected


def test_selectors_are_joined():
    assert job(pod_selectors=["app!=a", "tier in (x,y)"]).selector == "app!=a,tier in (x,y)"
    assert job().selector == ""


def test_a_blank_selector_of_nodes_selects_none():
    assert job(node_selector=" ").node_selector == ""
    assert job(node_selector=" rack=r7 ").node_selector == "rack=r7"


def test_a_drain_without_options(call):
    cluster = FakeCluster([make_pod("web-1")])
    code, result = call(
        cluster, diff=True, owner="me", run="1", target="1.37.1", reason="upgrade", baseline={"nodes": {}}
    )
    assert code == 0
    assert set(result) == KEYS | {"diff"}
    assert result["result"] == "node w1 marked unschedulable. 1 Pod(s) evicted from node, 0 stay."
    assert result["diff"] == {"before": result["before"], "after": result["after"]}
    assert result["after"]["work"] == {
        "owner": "me",
        "run": "1",
        "target": "1.37.1",
        "reason": "upgrade",
        "since": "2026-11-20T10:00:00Z",
        "unschedulable_before": False,
        "given_back": False,
        "baseline": {"nodes": {}},
    }


def test_a_failure_has_the_keys_of_a_success(call):
    cluster = FakeCluster([make_pod("bare", ownerReferences=[]), daemon_pod("p")], daemonsets=["kube-system/proxy"])
    code, result = call(cluster)
    assert code == 1
    assert set(result) == KEYS | {"failed", "msg"}
    assert "cannot delete DaemonSet-managed Pods" in result["msg"]
    assert "cannot delete Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or" in result["msg"]
    assert result["changed"] is False


def raises(error):
    raise error


@pytest.mark.parametrize(
    ("on_failure", "fate", "cordoned"),
    [
        ("keep", "Node w1 stays cordoned, in work of kubeops.maintenance: run it again", True),
        ("restore", "Node w1 was given back (on_failure=restore).", False),
    ],
)
@pytest.mark.parametrize("answers", [KeyError, ValueError])
def test_a_mistake_of_ours_fails_like_everything_else_and_quotes_nothing(call, answers, on_failure, fate, cordoned):
    cluster = FakeCluster([make_pod("web-1")])
    cluster.faults = [lambda method, _path: raises(answers("Bearer s3cret")) if method == "POST" else None]
    code, result = call(cluster, on_failure=on_failure)
    assert code == 1
    assert set(result) - {"exception"} == KEYS | {"failed", "msg"}
    assert result["msg"].startswith(f"{answers.__name__} at test_k8s_drain.py:")
    assert fate in result["msg"]
    assert [entry["name"] for entry in result["remaining"]] == ["web-1"]
    assert (result["changed"], result["cordoned_by_us"]) == (True, cordoned)
    assert "s3cret" not in str(result)


def test_a_mistake_before_the_first_request_has_the_keys_too(call, monkeypatch):
    monkeypatch.setattr(k8s_drain, "job_of", lambda *_how: raises(KeyError("s3cret")))
    code, result = call(FakeCluster())
    assert code == 1
    assert set(result) - {"exception"} == KEYS | {"failed", "msg"}
    assert "s3cret" not in str(result)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"parallel": -1}, "parallel=-1 is negative"),
        ({"max_cordoned": -1}, "max_cordoned=-1 is negative"),
        ({"delete_options": {"wait_timeout": -1}}, "wait_timeout=-1 is negative"),
        ({"delete_options": {"wait_sleep": -1}}, "wait_sleep=-1 is negative"),
        ({"delete_options": {"skip_wait_for_delete_timeout": -1}}, "skip_wait_for_delete_timeout=-1 is negative"),
        ({"delete_options": {"wait_volume_detach": -1}}, "wait_volume_detach=-1 is negative"),
        ({"delete_options": {"stuck_after": -1}}, "stuck_after=-1 is negative"),
        ({"delete_options": {"order": [{"rest": True, "hold": -1}]}}, "hold=-1 is negative"),
        ({"owner": " "}, "owner is empty"),
    ],
)
def test_what_nobody_can_mean_is_refused_before_anything_is_read(call, params, message):
    cluster = FakeCluster([make_pod("web-1")])
    code, result = call(cluster, **params)
    assert (code, cluster.requests) == (1, [])
    assert message in result["msg"]
    assert set(result) == KEYS | {"failed", "msg"}


def test_a_failure_tells_what_was_changed(call):
    cluster = FakeCluster([make_pod("a"), make_pod("b")], [make_budget("web", maxUnavailable=1)])
    cluster.starts_after = 1000
    code, result = call(cluster, delete_options={"wait_timeout": 30})
    assert (code, result["changed"], result["cordoned_by_us"]) == (1, True, True)
    assert [entry["name"] for entry in result["evicted"]] == ["a"]
    assert [entry["name"] for entry in result["remaining"]] == ["b"]


def test_a_node_given_back_whose_gate_is_still_to_pass(call):
    cluster = FakeCluster()
    call(cluster, baseline={"nodes": {}})
    _code, result = call(cluster, state="uncordon", keep_work=True)
    assert (result["changed"], result["after"]["unschedulable"]) == (True, False)
    assert result["after"]["work"]["baseline"] == {"nodes": {}}
    _code, result = call(cluster, state="uncordon")
    assert (result["changed"], result["after"]) == (True, {"unschedulable": False, "work": None})


def test_warnings_are_shown(call):
    _code, result = call(FakeCluster(node=make_node(unschedulable=True)), state="uncordon")
    assert "force_uncordon=true" in str(result["warnings"])


def test_a_baseline_that_is_too_large_for_the_node_is_no_reason_to_fail(call):
    cluster = FakeCluster()
    code, result = call(cluster, baseline={"workloads": {f"shop/deployment/web-{i}": 1 for i in range(3000)}})
    assert code == 0
    assert result["after"]["work"]["baseline"] == {}
    assert "is not kept on the node" in str(result["warnings"])
    assert len(str(cluster.node)) < 10000


def test_check_mode(call):
    cluster = FakeCluster([make_pod("web-1")])
    code, result = call(cluster, check=True)
    assert (code, result["changed"]) == (0, True)
    assert "Would be: node w1 marked unschedulable." in result["result"]
    assert {method for method, _path in cluster.requests} == {"GET", "LIST"}


def test_a_missing_library_is_named(monkeypatch, capsys):
    monkeypatch.setattr("ansible_collections.kubeops.maintenance.plugins.module_utils._kube.MISSING", "traceback")
    with patch_module_args({"name": "w1"}), pytest.raises(SystemExit):
        k8s_drain.main()
    assert "kubernetes" in json.loads(capsys.readouterr().out)["msg"]


def test_every_result_is_documented_and_none_is_reserved():
    documented = set(yaml.safe_load(k8s_drain.RETURN))
    assert documented | {"changed"} == KEYS
    assert not documented & RESERVED
