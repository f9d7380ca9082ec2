# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PodDisruptionBudgets as the real controller judges them and the real apiserver keeps them."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api.corner import BUDGETS, SECONDS, UNREADY, Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import Fault, Proxy
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

WEB = {"app": "web"}


def refused(proxy: Proxy) -> int:
    return len([call for call in proxy.asked("POST") if call.status == 429])


def accepted(proxy: Proxy, name: str) -> list[str]:
    """Pods of that name whose eviction was allowed."""
    paths = [call.path for call in proxy.asked("POST") if call.status == 201]
    return [path for path in paths if f"/pods/{name}-" in path]


def left(corner: Corner) -> set[str]:
    """The names of what still has pods on the first node."""
    return {name.partition("-")[0] for name in corner.names(corner.nodes[0])}


def nothing_changed(corner: Corner, proxy: Proxy) -> bool:
    return set(proxy.summary()) == {"GET"} and not corner.node()["spec"].get("unschedulable")


def test_a_budget_sets_the_pace(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 5, stops_after=0.3)
    corner.pdb("web", WEB, maxUnavailable=1)
    forecast = drain(check=True)
    assert [(budget["verdict"], budget["allowed"]) for budget in forecast["budgets"]] == [("slow", 1)]
    result = drain()
    assert len(result["evicted"]) == 5
    assert refused(proxy) <= 2
    corner._until("all pods on the other node", lambda: len(corner.pods(corner.nodes[1])) == 5)


def test_four_budgets_do_not_wait_for_each_other(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    for name in "abcd":
        corner.deployment(name, 2, stops_after=1)
        corner.pdb(name, {"app": name}, minAvailable=1)
    result = drain()
    assert len(result["evicted"]) == 8
    assert refused(proxy) <= 8
    # One of each, before any is gone.
    accepted = [call.path.split("/")[-2][0] for call in proxy.asked("POST") if call.status == 201]
    assert sorted(accepted[:4]) == [*"abcd"]


@pytest.mark.parametrize(
    ("spec", "fix"),
    [
        ({"maxUnavailable": 0}, "set its maxUnavailable to 1 or more"),
        ({"minAvailable": "100%"}, "lower its minAvailable below 100%"),
        ({"minAvailable": 2}, "run more than 2 pods"),
    ],
)
def test_a_budget_that_can_never_allow_it_refuses_before_the_cordon(
    corner: Corner, proxy: Proxy, drain: t.Any, spec: dict[str, t.Any], fix: str
) -> None:
    corner.deployment("web", 2)
    corner.deployment("other", 2)
    corner.pdb("web", WEB, **spec)
    result = drain(failed=True)
    assert [budget["verdict"] for budget in result["budgets"]] == ["deadlocked"]
    assert f"budget {corner.namespace}/web (deployment/web) can never allow an eviction" in result["msg"]
    assert fix in result["msg"]
    assert nothing_changed(corner, proxy)
    drained = drain(disable_eviction=True)
    assert len(drained["evicted"]) == 4


def test_a_budget_whose_pods_have_no_scale_is_deadlocked(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.owned_pods("web", 1)
    corner.pdb("web", WEB, maxUnavailable=1)
    assert "the controller-manager cannot compute it" in drain(failed=True)["msg"]
    assert nothing_changed(corner, proxy)


def test_unready_pods_block_their_budget_and_the_message_says_what_helps(corner: Corner, drain: t.Any) -> None:
    corner.deployment("web", 3, ready=False)
    corner.pdb("web", WEB, maxUnavailable=1)
    result = drain(failed=True, wait_timeout=2)
    assert [budget["verdict"] for budget in result["budgets"]] == ["blocked"]
    assert "none of its pods is healthy (0 of 3 pods healthy, 2 needed)" in result["msg"]
    assert "unhealthyPodEvictionPolicy to AlwaysAllow" in result["msg"]
    assert len(result["remaining"]) == len(result["blocked"]) == 3
    assert result["cordoned_by_us"]
    assert corner.node()["spec"]["unschedulable"]


def test_unready_pods_can_be_deleted_past_their_budget(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 3, ready=False)
    corner.pdb("web", WEB, maxUnavailable=1)
    result = drain(unhealthy_pods="delete", unhealthy_after=1)
    assert len(result["evicted"]) == 3
    assert "past budget" in result["evicted"][0]["reason"]
    assert {call.status for call in proxy.asked("DELETE")} == {200}


def test_unready_pods_go_where_the_policy_lets_them(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 3, ready=False)
    corner.pdb("web", WEB, maxUnavailable=1, unhealthyPodEvictionPolicy="AlwaysAllow")
    result = drain()
    assert [budget["verdict"] for budget in result["budgets"]] == ["free"]
    assert len(result["evicted"]) == 3
    assert refused(proxy) == 0


def test_a_blocked_budget_that_recovers_lets_the_drain_go_on(
    corner: Corner, proxy: Proxy, drain: t.Any, meanwhile: t.Any
) -> None:
    corner.deployment("web", 2, ready=False)
    corner.pdb("web", WEB, maxUnavailable=1)
    pods = corner.names()

    def recover() -> None:
        """As soon as the drain has begun. What the ReplicaSet makes anew is unready again, so only one may go."""
        until("the cordon", lambda: proxy.asked("PATCH"), SECONDS, every=0.05)
        for name in pods:
            corner.patch_pod(name, annotations={UNREADY: None})
        until("the end of one", lambda: len(pods & corner.names()) == 1, SECONDS, every=0.05)
        until("one anew", lambda: len(corner.names()) == 2, SECONDS, every=0.05)
        assert len(accepted(proxy, "web")) == 1
        corner.kube.delete(f"{BUDGETS.format(corner.namespace)}/web")

    with meanwhile(recover):
        result = drain()
    assert len(result["evicted"]) == len(accepted(proxy, "web")) == 2
    assert refused(proxy) <= 2


def test_two_budgets_on_one_pod_refuse_before_the_cordon(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 2)
    corner.pdb("one", WEB, maxUnavailable=1)
    corner.pdb("two", WEB, maxUnavailable=2)
    result = drain(failed=True)
    assert f"under {corner.namespace}/one and {corner.namespace}/two" in result["blocked"][0]["reason"]
    assert nothing_changed(corner, proxy)


def test_two_budgets_on_one_pod_can_be_asked_both(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 3)
    corner.pdb("one", WEB, maxUnavailable=1)
    corner.pdb("two", WEB, maxUnavailable=2)
    result = drain(multiple_pdb="delete_if_all_allow")
    assert len(result["evicted"]) == 3
    assert "with the leave of each" in result["evicted"][0]["reason"]
    assert proxy.asked("POST") == []
    assert [call.status for call in proxy.asked("DELETE")] == [200, 200, 200]
    corner.pdb("never", WEB, maxUnavailable=0)
    refused = drain(multiple_pdb="delete_if_all_allow", failed=True, names=[corner.nodes[1]])
    assert "never (deployment/web) can never allow an eviction" in refused["msg"]


def test_two_budgets_that_may_not_be_listed_end_in_the_answer_of_the_api(
    corner: Corner, proxy: Proxy, drain: t.Any
) -> None:
    corner.deployment("web", 2)
    corner.pdb("one", WEB, maxUnavailable=1)
    corner.pdb("two", WEB, maxUnavailable=2)
    proxy.inject(Fault("GET", "/poddisruptionbudgets", status=403, body="no", times=99))
    result = drain(failed=True)
    assert "under more than one PodDisruptionBudget" in result["msg"]
    # Permanent: each pod was asked about once.
    assert [call.status for call in proxy.asked("POST")] == [500, 500]
    assert "may not be listed" in str(result["warnings"])


def test_pods_that_may_go_do_not_wait_for_those_that_may_not(
    corner: Corner, proxy: Proxy, drain: t.Any, meanwhile: t.Any
) -> None:
    corner.deployment("free", 3)
    corner.deployment("web", 2, ready=False)
    corner.pdb("web", WEB, maxUnavailable=1)

    def lift() -> None:
        """When all have gone that may."""
        until("the end of the free ones", lambda: left(corner) == {"web"}, SECONDS, every=0.05)
        assert accepted(proxy, "web") == []
        corner.kube.delete(f"{BUDGETS.format(corner.namespace)}/web")

    with meanwhile(lift):
        result = drain()
    assert len(result["evicted"]) == 5


def test_a_drain_that_fails_gives_the_node_back_where_it_is_told_to(corner: Corner, drain: t.Any) -> None:
    corner.deployment("web", 2, ready=False)
    corner.pdb("web", WEB, maxUnavailable=1)
    given_back = drain(failed=True, wait_timeout=1, on_failure="restore")
    assert "was given back" in given_back["msg"]
    assert not corner.node()["spec"].get("unschedulable")
