# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever an apiserver, or something in front of it, may answer to an eviction."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import LOST, RESET, Fault, Proxy, refusal

EVICTION = Fault("POST", "/eviction$")
UNPROCESSED = refusal(
    429,
    "Cannot evict pod as it would violate the pod's disruption budget.",
    "TooManyRequests",
    causes=[{"reason": "DisruptionBudget", "message": "The disruption budget web is still being processed."}],
    retryAfterSeconds=1,
)
TERMINATING = refusal(403, "unable to create new content", "Forbidden", causes=[{"reason": "NamespaceTerminating"}])
WEBHOOK = refusal(500, 'Internal error occurred: failed calling webhook "x": EOF', "InternalError")
CONFLICT = refusal(500, "etcdserver: leader changed", "InternalError")
MIGRATION = refusal(429, 'admission webhook "virt" denied the request: migration started', "TooManyRequests")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"status": 500, "body": WEBHOOK}, id="webhook failed"),
        pytest.param({"status": 500, "body": CONFLICT}, id="etcd's leader changed"),
        pytest.param({"status": 502, "body": "<html>bad gateway</html>"}, id="load balancer, 502"),
        pytest.param({"status": 503, "body": "no", "retry_after": 1}, id="503 with Retry-After"),
        pytest.param({"status": 504, "body": refusal(504, "timed out", "Timeout")}, id="504"),
        pytest.param({"status": 429, "body": "too many requests", "retry_after": 1}, id="429 of flow control"),
        pytest.param({"status": 429, "body": MIGRATION}, id="429 of a webhook"),
        pytest.param({"status": 429, "body": UNPROCESSED}, id="429 of a budget not judged yet"),
        pytest.param({"status": 403, "body": TERMINATING}, id="403, namespace terminating"),
        pytest.param({"status": 409, "body": refusal(409, "try again", "Conflict")}, id="409"),
        pytest.param({"kind": RESET}, id="reset"),
        pytest.param({"kind": LOST}, id="answer lost"),
        pytest.param({"seconds": 1.5}, id="slow"),
    ],
)
def test_what_passes_is_waited_for(corner: Corner, proxy: Proxy, drain: t.Any, fault: dict[str, t.Any]) -> None:
    corner.deployment("web", 3)
    proxy.inject(dataclasses.replace(EVICTION, times=2, **fault))
    result = drain()
    assert len(result["evicted"]) == 3
    assert result["remaining"] == []
    assert corner.names(corner.nodes[0]) == set()
    assert len([call for call in proxy.asked("POST") if call.status == 201]) == 3


def test_what_is_refused_for_good_is_asked_once_and_the_others_go_on(
    corner: Corner, proxy: Proxy, drain: t.Any
) -> None:
    corner.deployment("web", 3)
    proxy.inject(dataclasses.replace(EVICTION, status=403, body=refusal(403, "webhook says no", "Forbidden")))
    result = drain(failed=True)
    assert len(result["evicted"]) == 2
    assert [entry["reason"] for entry in result["remaining"]] == ["refused (403): webhook says no"]
    assert len(proxy.asked("POST")) == 3


def test_credentials_that_expire_end_the_drain(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 40)
    proxy.inject(dataclasses.replace(EVICTION, times=99, status=401, body=refusal(401, "Unauthorized", "Unauthorized")))
    result = drain(failed=True)
    assert "credentials are not accepted" in result["msg"]
    assert result["evicted"] == []
    # Those that were under way, and no others; nobody waits for the rest.
    assert len(proxy.asked("POST")) <= 40
    assert result["durations"]["total"] < 200


@pytest.mark.parametrize("fault", [{"status": 500, "body": CONFLICT}, {"status": 502}, {"kind": RESET}])
def test_a_look_that_fails_is_taken_again(corner: Corner, proxy: Proxy, drain: t.Any, fault: dict[str, t.Any]) -> None:
    corner.deployment("web", 3, stops_after=1)
    # Pods are listed twice before the first eviction.
    proxy.inject(Fault("GET", r"^/api/v1/pods\?", skip=2, times=2, **fault))
    assert len(drain()["evicted"]) == 3


@pytest.mark.parametrize(
    "fault", [{"status": 500, "body": CONFLICT}, {"status": 409, "body": "changed"}, {"kind": LOST}]
)
def test_a_cordon_that_fails_is_sent_again(corner: Corner, proxy: Proxy, drain: t.Any, fault: dict[str, t.Any]) -> None:
    proxy.inject(Fault("PATCH", "/nodes/", **fault))
    result = drain(state="cordon")
    assert result["changed"]
    assert corner.node()["spec"]["unschedulable"]
