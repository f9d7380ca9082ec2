# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole look: what is read, what may not be read, what got worse, and how long it is waited for."""

from __future__ import annotations

import datetime
import json

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._health import baseline, examine
from ansible_collections.kubeops.maintenance.plugins.module_utils._health.checks import CHECKS
from ansible_collections.kubeops.maintenance.plugins.module_utils._health.examine import Job
from ansible_collections.kubeops.maintenance.plugins.module_utils._health.finding import Finding
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.fake import FakeKube, forbidden
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import (
    make_budget,
    make_container,
    make_deployment,
    make_leader,
    make_lease,
    make_node,
    make_pod,
    unplaced,
)
from hypothesis import given
from hypothesis import strategies as st

KEYS = {"changed", "checks", "ok", "refusal", "summary", "baseline", "durations"}


def run(kube, **job):
    result = examine.examine(kube, Job(**job), kube.clock)
    assert set(result) == KEYS
    assert result["changed"] is False
    assert result["ok"] == (not [check for check in result["checks"] if check["status"] == "fail"])
    assert bool(result["refusal"]) == (not result["ok"])
    return result


def by_status(result, status):
    return [(check["name"], check["object"]) for check in result["checks"] if check["status"] == status]


def test_a_cluster_that_is_well():
    result = run(FakeKube())
    assert by_status(result, "pass") == [(name, "cluster") for name in CHECKS]
    assert result["baseline"] == {name: {} for name in CHECKS}
    assert result["durations"] == {"look": 0.0, "total": 0.0}
    assert result["summary"][0] == "PASS  nodes: cluster: 1 node Ready, none under pressure"


def test_only_what_is_wanted_is_read_and_nothing_twice():
    kube = FakeKube()
    run(kube, checks=["nodes", "cordons", "leases"])
    assert sorted(kube.asked) == ["leader_leases", "node_leases", "nodes"]


def test_leases_do_not_age_while_the_pods_of_a_large_cluster_are_read():
    kube = FakeKube()
    kube.slow = {source: 100 for source in kube.lists if not source.endswith("leases")}
    assert run(kube)["ok"]


def test_findings_are_sentences():
    result = run(FakeKube(deployments=[make_deployment(available=1)], nodes=[make_node(ready="False")]))
    assert result["refusal"] == (
        "nodes: node/w1: Ready is False since 2026-11-20T09:59:00Z (R: words)."
        " Fix: look at its kubelet: systemctl status kubelet, journalctl -u kubelet."
        " workloads: shop/deployment/web: 1 of 2 pods available."
        " Fix: look at its pods: kubectl -n shop get pods -o wide -l 'app=web'."
    )


def test_namespaces_are_left_out_but_not_those_of_the_leases():
    kube = FakeKube(
        deployments=[make_deployment(available=0), make_deployment("other", namespace="other", available=0)],
        poddisruptionbudgets=[make_budget(allowed=0)],
        pending=[unplaced()],
        node_leases=[make_lease(renewed=100)],
        leader_leases=[make_leader(renewed=100)],
    )
    result = run(kube, exclude_namespaces={"shop", "kube-node-lease", "kube-system"})
    assert "renewed 100 s ago" in result["refusal"]
    assert by_status(result, "fail") == [
        ("leases", "node/w1"),
        ("leases", "kube-system/lease/kube-scheduler"),
        ("workloads", "other/deployment/other"),
    ]


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_whose_lists_are_forbidden_is_skipped_with_the_reason(name):
    kube = FakeKube()
    kube.errors = {source: forbidden(source) for source in CHECKS[name].reads}
    result = run(kube)
    mine = [check for check in result["checks"] if check["name"] == name]
    assert [check["status"] for check in mine] == ["skip"] * len(CHECKS[name].reads)
    assert all('User "alice" cannot list' in check["evidence"] for check in mine)
    assert all(check["fix"].startswith("let this user list ") for check in mine)
    assert name not in result["baseline"]


def test_what_may_be_read_is_judged_all_the_same():
    kube = FakeKube(daemonsets=[], statefulsets=[make_deployment("db", available=1)])
    kube.errors = {"deployments": forbidden("deployments.apps"), "nodes": forbidden("nodes")}
    result = run(kube, checks=["workloads", "leases"])
    assert by_status(result, "skip") == [("workloads", "deployments.apps"), ("leases", "nodes")]
    assert by_status(result, "fail") == [("workloads", "shop/statefulset/db")]
    assert by_status(result, "pass") == [("leases", "cluster")]


def test_nobody_may_read_anything():
    kube = FakeKube()
    kube.errors = {source: forbidden(source) for source in kube.lists}
    result = run(kube)
    assert {check["status"] for check in result["checks"]} == {"skip"}
    assert (result["ok"], result["baseline"]) == (True, {})


def test_a_list_that_the_cluster_does_not_have():
    kube = FakeKube()
    kube.errors["apiservices"] = KubeError("404", status=404, message="not found")
    (skipped,) = run(kube, checks=["apiservices"])["checks"]
    assert (skipped["status"], skipped["evidence"]) == ("skip", "the API has no such list: not found")


# The baseline


def test_only_what_got_worse_fails():
    kube = FakeKube(
        deployments=[make_deployment("a", wanted=3, available=1), make_deployment("b", wanted=3, available=2)]
    )
    before = json.loads(json.dumps(run(kube)["baseline"]))
    assert before["workloads"] == {"shop/deployment/a": 2, "shop/deployment/b": 1}
    same = run(kube, baseline=before)
    assert (same["ok"], same["baseline"]) == (True, before)
    assert by_status(same, "warn") == [("workloads", "shop/deployment/a"), ("workloads", "shop/deployment/b")]
    kube.lists["deployments"] = [
        make_deployment("a", wanted=3, available=2),
        make_deployment("b", wanted=3, available=1),
        make_deployment("c"),
        make_deployment("d", available=1),
    ]
    after = run(kube, baseline=before)
    assert by_status(after, "fail") == [("workloads", "shop/deployment/b"), ("workloads", "shop/deployment/d")]
    assert by_status(after, "warn") == [("workloads", "shop/deployment/a")]
    assert "1 of 3 pods available; worse than before (1 then, 2 now)" in after["refusal"]
    assert "1 of 2 pods available; it was well before" in after["refusal"]


def test_moved_pods_are_those_of_the_baseline():
    before = run(FakeKube(pending=[unplaced("web-abc-1")]))["baseline"]
    assert run(FakeKube(pending=[unplaced("web-abc-2")]), baseline=before)["ok"]
    assert not run(FakeKube(pending=[unplaced("web-abc-2"), unplaced("web-abc-3")]), baseline=before)["ok"]


def test_a_pod_that_crashes_again_and_again_may_have_been_up_at_the_time_of_the_baseline():
    before = run(FakeKube(running=[make_pod(containers=[make_container(5, ended=9)])]))
    assert before["ok"]
    down = FakeKube(running=[make_pod(containers=[make_container(6, ended=9, ready=False)])])
    assert run(down, baseline=before["baseline"])["ok"]
    assert not run(down, baseline=run(FakeKube())["baseline"])["ok"]
    once = FakeKube(running=[make_pod(containers=[make_container(1, ended=9)])])
    assert not run(down, baseline=run(once)["baseline"])["ok"], "one restart is no habit"


def test_pressure_on_a_node_is_no_excuse_for_its_death():
    pressure = [{"type": "DiskPressure", "status": "True"}]
    before = run(FakeKube(nodes=[make_node(conditions=pressure)]))
    assert by_status(before, "warn") == [("nodes", "node/w1")]
    assert before["baseline"]["nodes"] == {}
    assert not run(FakeKube(nodes=[make_node(ready="Unknown", conditions=pressure)]), baseline=before["baseline"])["ok"]


def test_what_could_be_read_before_and_no_longer_can_is_no_gate_that_opens():
    kube = FakeKube()
    before = run(kube)["baseline"]
    kube.errors = {source: forbidden(source) for source in CHECKS["workloads"].sources}
    result = run(kube, baseline=before)
    assert not result["ok"]
    assert {name for name, _object in by_status(result, "fail")} == {"workloads"}
    # As soon as it can be read again, all is well.
    kube.later = [kube.errors.clear]
    assert run(kube, baseline=before, wait_timeout=30)["ok"]


def test_a_check_that_was_skipped_before_is_compared_with_nothing():
    kube = FakeKube(deployments=[make_deployment(available=1)])
    kube.errors = {source: forbidden(source) for source in CHECKS["workloads"].sources}
    before = run(kube)["baseline"]
    kube.errors = {}
    result = run(kube, baseline=before)
    assert not result["ok"]
    assert "before" not in result["refusal"]


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)),
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 3)),
)
def test_a_finding_fails_against_a_baseline_exactly_when_it_grew(then, now):
    def found(ill):
        return [Finding(name, "evidence", "fix", weight=weight) for name, weight in ill.items()]

    before = baseline.make({"workloads": found(then)})
    compared = [baseline.compare("workloads", finding, before) for finding in found(now)]
    assert {finding.object for finding in compared if finding.status == "fail"} == {
        name for name, weight in now.items() if weight > then.get(name, 0)
    }
    assert all(finding.evidence.startswith("evidence; ") for finding in compared)


@pytest.mark.parametrize(
    "given_", [{"ok": True}, {"checks": []}, {"workloads": {"a": "1"}}, {"workloads": {"a": True}}]
)
def test_what_is_no_baseline_is_refused(given_):
    with pytest.raises(MaintenanceError, match="hand over the key `baseline`"):
        baseline.validated(given_)


def test_what_is_a_baseline_is_taken():
    assert baseline.validated({"workloads": {"a": 1}, "nodes": {}}) == {"workloads": {"a": 1}, "nodes": {}}
    assert baseline.validated({}) == {}


# Waiting


def test_it_waits_until_all_is_well():
    kube = FakeKube(deployments=[make_deployment(available=0)])
    kube.later = [
        lambda: kube.lists.update(deployments=[make_deployment(available=1)]),
        lambda: kube.lists.update(deployments=[make_deployment()]),
    ]
    result = run(kube, wait_timeout=60, wait_sleep=5)
    assert result["ok"]
    assert result["durations"]["total"] == 10


@pytest.mark.parametrize("timeout", [0, 1, 60])
def test_it_waits_no_longer_than_it_may(timeout):
    kube = FakeKube(deployments=[make_deployment(available=0)])
    result = run(kube, wait_timeout=timeout)
    assert by_status(result, "fail") == [("workloads", "shop/deployment/web")]
    assert result["durations"]["total"] == kube.seconds == timeout


def test_warnings_are_not_waited_for():
    kube = FakeKube(nodes=[make_node(unschedulable=True)])
    assert run(kube, wait_timeout=60)["ok"]
    assert kube.seconds == 0


def test_an_api_that_comes_back_in_time():
    kube = FakeKube()
    kube.errors["nodes"] = KubeError("GET /api/v1/nodes: no answer from https://fake")
    kube.later = [kube.errors.clear]
    assert run(kube, wait_timeout=60)["ok"]


@pytest.mark.parametrize(("status", "waited"), [(0, 60), (503, 60), (401, 0)])
def test_an_api_that_does_not_answer_is_a_failure_with_all_keys(status, waited):
    kube = FakeKube()
    kube.errors["nodes"] = KubeError("GET /api/v1/nodes: no answer", status=status)
    with pytest.raises(MaintenanceError) as caught:
        run(kube, wait_timeout=60)
    assert caught.value.msg == "the cluster's health cannot be read: GET /api/v1/nodes: no answer"
    assert set(caught.value.data) == KEYS
    assert (caught.value.data["ok"], caught.value.data["checks"]) == (False, [])
    assert kube.seconds == waited


def test_an_api_that_falls_silent_again_was_not_well():
    kube = FakeKube(deployments=[make_deployment(available=0)])
    kube.later = [lambda: kube.errors.update(nodes=KubeError("silence"))]
    with pytest.raises(MaintenanceError, match="silence"):
        run(kube, wait_timeout=10)


def test_without_a_date_the_own_clock_has_to_do(monkeypatch):
    monkeypatch.setattr(FakeKube, "date", "")
    kube = FakeKube()
    late = kube.clock.utc()
    result = run(kube, checks=["leases"])
    assert late.tzinfo is datetime.UTC
    assert not result["ok"], "by a clock that is a day ahead every lease is old"
