# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several nodes in one call, against a real API."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.modules import k8s_drain
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import Proxy

WEB = {"app": "web"}


def cordoned(corner: Corner) -> list[bool]:
    return [bool(corner.node(name)["spec"].get("unschedulable")) for name in corner.nodes]


def refused(proxy: Proxy) -> int:
    return len([call for call in proxy.asked("POST") if call.status == 429])


@pytest.fixture
def drain_rack(rack: Corner, proxy: Proxy, drain: t.Any) -> t.Callable[..., modules.Result]:
    """Of the rack's first two nodes, unless other ones are named."""

    def call(**options: t.Any) -> modules.Result:
        if "node_selector" not in options:
            options.setdefault("names", rack.nodes[:2])
        return t.cast(modules.Result, drain(**options))

    return call


def test_two_nodes_under_one_budget_take_turns(rack: Corner, proxy: Proxy, drain_rack: t.Any) -> None:
    rack.deployment("web", 8, on=2, stops_after=0.3)
    rack.pdb("web", WEB, maxUnavailable=1)
    result = drain_rack()
    assert {entry["node"] for entry in result["evicted"]} == set(rack.nodes[:2])
    assert len(result["evicted"]) == 8
    assert refused(proxy) <= 2
    assert cordoned(rack) == [True, True, False, False]
    assert [node["failure"] for node in result["nodes"]] == ["", ""]
    # The cordons first: no pod moves to the node that is next.
    methods = [call.method for call in proxy.calls if call.method != "GET"]
    assert methods[:2] == ["PATCH", "PATCH"]
    assert methods[2:] == ["POST"] * len(methods[2:])
    proxy.clear()
    again = drain_rack()
    assert not again["changed"]
    assert len(proxy.calls) == 4


def test_one_after_the_other_moves_each_pod_once(rack: Corner, proxy: Proxy, drain_rack: t.Any) -> None:
    rack.deployment("web", 6, on=2)
    result = drain_rack(parallel=1)
    assert len(result["evicted"]) == 6
    assert len(proxy.asked("POST")) == 6
    assert result["newcomers"] == []
    nodes = [entry["node"] for entry in result["evicted"]]
    assert nodes == sorted(nodes)


def test_one_pod_that_may_not_go_refuses_all_nodes(rack: Corner, proxy: Proxy, drain_rack: t.Any) -> None:
    rack.deployment("web", 4, on=2)
    rack.pod("bare")
    result = drain_rack(failed=True)
    assert [bool(node["failure"]) for node in result["nodes"]] == [True, False]
    assert set(proxy.summary()) == {"GET"}
    assert not any(cordoned(rack))


def test_no_more_nodes_than_allowed_are_out_of_work(rack: Corner, proxy: Proxy, drain_rack: t.Any) -> None:
    theirs = rack.nodes[2]
    drain_rack(names=[theirs], state="cordon", owner="them")
    proxy.clear()
    refusal = drain_rack(max_cordoned=2, failed=True)
    assert "3 nodes would be cordoned or not Ready, and max_cordoned=2 allows 2" in refusal["msg"]
    assert f"{theirs} (cordoned)" in refusal["msg"]
    assert set(proxy.summary()) == {"GET"}
    drain_rack(max_cordoned=3)
    assert cordoned(rack) == [True, True, True, False]


@pytest.mark.parametrize("on_failure", ["keep", "restore"])
def test_the_others_are_emptied_when_one_fails(rack: Corner, drain_rack: t.Any, on_failure: str) -> None:
    rack.deployment("web", 4, on=2)
    rack.pod("stuck", finalizers=["example.com/backup"])
    result = drain_rack(failed=True, force=True, wait_timeout=10, terminate_grace_period=1, on_failure=on_failure)
    assert len(result["evicted"]) == 4
    assert [entry["name"] for entry in result["remaining"]] == ["stuck"]
    assert cordoned(rack) == [on_failure == "keep"] * 2 + [False, False]
    rack.patch_pod("stuck", finalizers=None)


def test_a_selector_names_the_nodes(rack: Corner, proxy: Proxy, drain_rack: t.Any) -> None:
    everything = f"corner={rack.namespace}"
    result = drain_rack(state="cordon", node_selector=everything)
    assert [node["name"] for node in result["nodes"]] == rack.nodes
    assert all(cordoned(rack))
    assert drain_rack(state="uncordon", node_selector=everything)["changed"]
    assert not any(cordoned(rack))
    nobody = drain_rack(
        failed=True, state="cordon", node_selector=f"{everything},rack notin ({rack.namespace}),!corner"
    )
    assert "has labels that match node_selector" in nobody["msg"]
    assert "400" in drain_rack(failed=True, node_selector="a in")["msg"]


@pytest.mark.parametrize("which", [{}, {"name": "a", "names": ["b"]}, {"names": ["a"], "node_selector": "b"}])
def test_one_way_to_name_them(which: dict[str, t.Any]) -> None:
    result = modules.call(k8s_drain, **which)
    assert result["failed"]
    assert "name, names, node_selector" in result["msg"] or "name|names|node_selector" in result["msg"]
