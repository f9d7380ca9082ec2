# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the comparison of drains makes of what it saw."""

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.kubeops.maintenance.tests.bench import audit, report
from ansible_collections.kubeops.maintenance.tests.bench.watcher import Seen, budget_limit
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError

GOOD = report.Row("10 pods", "ours", 5.5, 5.0, 1.1, 40, 2, 50.0, 0.5, 0.4, goal=1.2, budgets=1)
THEIRS = dataclasses.replace(GOOD, tool="kubectl", ratio=3.0, seconds=15.0, api_calls=100, refusals=40)


def allowed(at: float, number: int, name: str = "web") -> Seen:
    spec = {"selector": {"matchLabels": {"app": name}}}
    return Seen(at, "MODIFIED", {"metadata": {"name": name}, "spec": spec, "status": {"disruptionsAllowed": number}})


def gone(at: float, name: str = "web") -> Seen:
    return Seen(at, "DELETED", {"metadata": {"name": "x", "labels": {"app": name}}, "spec": {"nodeName": "w1"}})


def test_the_limit_leaves_out_what_the_tool_waited() -> None:
    # The tool came 1 s, then 9 s after the budget had opened.
    budgets = [allowed(0, 1), allowed(1, 0), allowed(3, 1), allowed(12, 0), allowed(12.5, 0), allowed(15, 1)]
    assert budget_limit(budgets, [gone(2), gone(14)], "w1") == 2 + 2
    other = [allowed(0, 1, "db"), allowed(1, 0, "db"), allowed(9, 1, "db")]
    assert budget_limit([*budgets, *other], [gone(2), gone(14), gone(8.5, "db")], "w1") == 7.5


def test_no_limit_is_made_up() -> None:
    with pytest.raises(LabError, match="shut 1 times while 2 pods left"):
        budget_limit([allowed(0, 1), allowed(1, 0), allowed(3, 1)], [gone(2), gone(2.5)], "w1")


@pytest.mark.parametrize(
    ("change", "sentences"),
    [
        ({}, []),
        ({"ratio": 1.21}, ["10 pods: 1.21x of the limit, not 1.2x"]),
        ({"api_calls": 51}, ["10 pods: 51 API calls, kubectl 100"]),
        ({"peak_rss_mb": 50.5, "most_mb": 50}, ["10 pods: 50.5 MB, not 50"]),
        ({"refusals": 3}, ["10 pods: 3 refusals"]),
        ({"failure": "no", "ratio": None}, ["10 pods: failed: no"]),
    ],
)
def test_what_is_missed_is_said(change: dict[str, object], sentences: list[str]) -> None:
    assert report.missed([THEIRS, dataclasses.replace(GOOD, **change)], "ours", "kubectl") == sentences


def test_a_row_has_the_keys_that_others_read() -> None:
    wanted = {"case", "tool", "seconds", "limit_seconds", "ratio", "api_calls", "refusals", "peak_rss_mb"}
    assert wanted <= set(GOOD.as_dict())
    assert "3.00x" in report.table([THEIRS])


def said(call: str, second: float, status: int = 200, user: str = audit.USER, **more: object) -> str:
    event = {
        "auditID": call,
        "user": {"username": user},
        "responseStatus": {"code": status},
        "requestReceivedTimestamp": f"1970-01-01T00:00:{second:09.6f}Z",
        "stageTimestamp": f"1970-01-01T00:00:{second + 0.25:09.6f}Z",
        **more,
    }
    return json.dumps(event) + "\n"


def pod(name: str, subresource: str = "") -> dict[str, str]:
    return {"resource": "pods", "namespace": "shop", "name": name, "subresource": subresource}


def test_a_watch_is_one_call(tmp_path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(said("a", 1.5) + said("a", 2))
    calls = audit.Audit(log)
    assert calls.since_last() == audit.Calls(1, 0, 1.5)
    with log.open("a") as more:
        more.write(said("b", 3.5, 429))
    assert calls.since_last() == audit.Calls(1, 1, 3.5)


def test_where_the_time_went(tmp_path) -> None:
    log = tmp_path / "audit.log"
    log.write_text(
        said("a", 1)
        + said("b", 2, 201, objectRef=pod("x", "eviction"))
        + said("c", 2.5, 429, objectRef=pod("y", "eviction"))
        + said("d", 3, 201, objectRef=pod("y", "eviction"))
        + said("e", 7, user=audit.KUBELETS, objectRef=pod("x"))
        + said("f", 9, user=audit.KUBELETS, objectRef=pod("y"))
        + said("g", 9.5, user=audit.KUBELETS, objectRef=pod("of nobody"))
    )
    calls = audit.Audit(log).since_last()
    assert calls == audit.Calls(4, 1, 1.0, asked=2.0, admitted=3.25, gone=9.25, stops=(5.0, 6.0))
    assert report.timeline(calls, 9.5) == {
        "look_seconds": 1.0,
        "evict_seconds": 1.25,
        "wait_seconds": 6.0,
        "end_seconds": 0.25,
        "stop_median_seconds": 6.0,
        "stop_max_seconds": 6.0,
    }
