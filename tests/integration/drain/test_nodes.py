# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Draining a node of a real API, giving it back, and whose it is meanwhile."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import LOST, Fault, Proxy

WORK = "kubeops.maintenance/work"


def work(corner: Corner) -> dict[str, t.Any] | None:
    text = corner.node()["metadata"].get("annotations", {}).get(WORK)
    return json.loads(text) if text else None


def cordoned(corner: Corner) -> bool:
    return bool(corner.node()["spec"].get("unschedulable"))


def test_a_drained_node_has_only_its_daemons(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 6, stops_after=1)
    corner.daemonset("agent", tolerate_all=True)
    node, other = corner.nodes
    agents = {pod["metadata"]["uid"] for pod in corner.pods(labels="app=agent")}
    result = drain(owner="test", reason="new disk")
    assert result["changed"]
    assert len(result["evicted"]) == 6
    assert [entry["name"][:6] for entry in result["kept"]] == ["agent-"]
    assert (result["remaining"], result["blocked"], result["newcomers"]) == ([], [], [])
    assert len(corner.names(node)) == 1
    assert {pod["metadata"]["uid"] for pod in corner.pods(labels="app=agent")} == agents
    corner._until("all pods on the other node", lambda: len(corner.pods(other, "app=web")) == 6)
    assert cordoned(corner)
    assert (work(corner) or {})["reason"] == "new disk"
    assert result["durations"]["total"] >= 1
    assert (len(proxy.asked("PATCH")), len(proxy.asked("POST"))) == (1, 6)


def test_the_second_run_asks_twice_and_changes_nothing(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 2)
    corner.daemonset("agent")
    drain()
    proxy.clear()
    again = drain()
    assert not again["changed"]
    assert again["actions"] == []
    assert [(call.method, call.path) for call in proxy.calls] == [
        ("GET", f"/api/v1/nodes/{corner.nodes[0]}"),
        ("GET", "/api/v1/pods"),
    ]


def test_check_mode_foretells_the_drain_and_changes_nothing(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 3)
    foretold = drain(check=True)
    assert set(proxy.summary()) == {"GET"}
    assert not cordoned(corner)
    done = drain()
    assert foretold["changed"]
    assert sorted(foretold["actions"]) == sorted(done["actions"])
    assert {entry["name"] for entry in foretold["evicted"]} == {entry["name"] for entry in done["evicted"]}


def test_a_pod_that_came_back_under_its_name_is_left_alone(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.statefulset("db", 3)
    # The answer is lost, and the pod is back under its name on the other node when it is asked for again.
    proxy.inject(Fault("POST", "/db-1/eviction$", kind=LOST))
    result = drain()
    assert {entry["name"] for entry in result["evicted"]} == {"db-0", "db-1", "db-2"}
    accepted = [call for call in proxy.asked("POST") if call.status == 201]
    assert len(accepted) == 3
    assert corner.names(corner.nodes[1]) == {"db-0", "db-1", "db-2"}
    assert corner.names(corner.nodes[0]) == set()


def test_the_apiserver_refuses_the_eviction_of_another_uid(corner: Corner) -> None:
    corner.pod("one")
    path = f"/api/v1/namespaces/{corner.namespace}/pods/one/eviction"
    options = {"preconditions": {"uid": "of-the-one-before"}}
    with pytest.raises(Exception, match="409") as caught:
        corner.kube.post(
            path,
            {
                "apiVersion": "policy/v1",
                "kind": "Eviction",
                "deleteOptions": options,
                "metadata": {"name": "one", "namespace": corner.namespace},
            },
        )
    assert "of-the-one-before" in str(caught.value)


def test_what_tolerates_a_cordon_comes_back_and_is_reported(corner: Corner, drain: t.Any) -> None:
    # Nothing else is there that it could go to, now or later.
    corner.kube.delete(f"/api/v1/nodes/{corner.nodes.pop()}")
    corner.deployment("stubborn", 1, tolerate_all=True)
    result = drain()
    assert len(result["evicted"]) == 1
    assert [entry["name"] for entry in result["newcomers"]] == list(corner.names(corner.nodes[0]))
    assert "tolerate" in str(result["warnings"])


def test_a_cordon_of_somebody_else_stays(corner: Corner, drain: t.Any) -> None:
    corner.deployment("web", 1)
    corner.cordon(corner.nodes[0])
    result = drain()
    assert result["unschedulable_before"]
    assert not result["cordoned_by_us"]
    assert (work(corner) or {})["unschedulable_before"]
    given_back = drain(state="uncordon")
    assert given_back["changed"]
    assert cordoned(corner)
    assert work(corner) is None
    assert not drain(state="uncordon")["changed"]
    drain(state="uncordon", force_uncordon=True)
    assert not cordoned(corner)


def test_a_node_in_work_belongs_to_its_owner(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 1)
    drain(state="cordon", owner="upgrade", run="r1", target="1.37.1")
    proxy.clear()
    refused = drain(owner="somebody", failed=True)
    assert "is in work of upgrade (run r1" in refused["msg"]
    assert not drain(state="uncordon", owner="somebody")["changed"]
    assert set(proxy.summary()) == {"GET"}
    taken_over = drain(owner="upgrade", run="r2")
    assert len(taken_over["evicted"]) == 1
    assert (work(corner) or {})["run"] == "r2"
    drain(state="uncordon", owner="upgrade")
    assert (cordoned(corner), work(corner)) == (False, None)


def test_a_cordon_that_is_refused_stops_everything(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 2)
    proxy.inject(Fault("PATCH", "/nodes/", status=403, body="no", times=9))
    assert "403" in drain(failed=True)["msg"]
    assert proxy.asked("POST") == []
    assert len(corner.names(corner.nodes[0])) == 2
