# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode, cordon and uncordon."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    cordoned,
    named,
    nothing_changed,
    procedure,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import FakeCluster
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import (
    daemon_pod,
    make_budget,
    make_node,
    make_pod,
)


def test_check_mode_is_the_whole_forecast_and_changes_nothing():
    pods = [make_pod("web-1"), make_pod("web-2"), make_pod("web-3", node="w2"), daemon_pod("p")]
    cluster = FakeCluster(pods, [make_budget("web", minAvailable=2)], daemonsets=["kube-system/proxy"])
    result = run(cluster, check_mode=True)
    assert result["changed"]
    assert result["result"] == (
        "Would be: node w1 marked unschedulable. 2 Pod(s) would be evicted, 1 would stay."
        " budget shop/web (deployment/web) lets 1 of 2 go at a time (3 of 3 pods healthy, 2 needed)."
        " By the grace periods that takes at most 60 s: 2 turns of 30 s under budget shop/web, and whatever new"
        " pods need to become ready."
    )
    assert (result["predicted_seconds"], result["no_room"]) == (60, [])
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
