# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import budgets
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.budgets import (
    BLOCKED,
    DEADLOCKED,
    FREE,
    SLOW,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_budget, make_pod
from hypothesis import assume, given
from hypothesis import strategies as st

KEYS = ["app", "tier", "zone"]
VALUES = ["a", "b", "c"]
LABELS = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))


def expression(key, operator, *values):
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        (None, {"app": "a"}, False),
        ({}, {}, True),
        ({}, {"app": "a"}, True),
        ({"matchLabels": None, "matchExpressions": None}, {"app": "a"}, True),
        ({"matchLabels": {"app": "a"}}, {"app": "a", "tier": "b"}, True),
        ({"matchLabels": {"app": "a"}}, {"app": "b"}, False),
        ({"matchLabels": {"app": "a"}}, {}, False),
        ({"matchLabels": {"app": ""}}, {}, False),
        ({"matchLabels": {"app": "a", "tier": "b"}}, {"app": "a"}, False),
        (expression("app", "In", "a", "b"), {"app": "b"}, True),
        (expression("app", "In", "a", "b"), {"app": "c"}, False),
        (expression("app", "In", "a", "b"), {}, False),
        (expression("app", "NotIn", "a"), {"app": "a"}, False),
        (expression("app", "NotIn", "a"), {"app": "b"}, True),
        (expression("app", "NotIn", "a"), {}, True),
        (expression("app", "Exists"), {"app": ""}, True),
        (expression("app", "Exists"), {}, False),
        (expression("app", "DoesNotExist"), {}, True),
        (expression("app", "DoesNotExist"), {"app": "a"}, False),
        (expression("app", "Gt", "1"), {"app": "2"}, False),
        ({"matchLabels": {"app": "a"}, **expression("tier", "Exists")}, {"app": "a"}, False),
    ],
)
def test_selectors(selector, labels, selected):
    assert budgets.selects(selector, labels) is selected


@given(LABELS, st.sampled_from(KEYS), st.lists(st.sampled_from(VALUES), min_size=1))
def test_each_operator_has_its_opposite(labels, key, values):
    assert budgets.selects(expression(key, "In", *values), labels) != budgets.selects(
        expression(key, "NotIn", *values), labels
    )
    assert budgets.selects(expression(key, "Exists"), labels) != budgets.selects(
        expression(key, "DoesNotExist"), labels
    )


@given(LABELS, LABELS)
def test_match_labels_are_the_same_as_in_with_one_value(wanted, labels):
    as_expressions = {"matchExpressions": [expression(k, "In", v)["matchExpressions"][0] for k, v in wanted.items()]}
    assert budgets.selects({"matchLabels": wanted}, labels) == budgets.selects(as_expressions, labels)


def test_a_budget_covers_only_pods_of_its_namespace():
    here, there = make_budget("here"), make_budget("there", namespace="other")
    assert budgets.covering(make_pod("web"), [here, there]) == [here]


def budget(current, desired, expected, allowed, *, observed=1, conditions=(), **spec):
    made = make_budget("web", **spec)
    made["status"] = {
        "currentHealthy": current,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "observedGeneration": observed,
        "conditions": list(conditions),
    }
    return made


SYNC_FAILED = {
    "type": "DisruptionAllowed",
    "status": "False",
    "reason": "SyncFailed",
    "message": "no controllers found",
}
READY = [make_pod("a"), make_pod("b")]
UNREADY = [make_pod("a", ready=False)]


@pytest.mark.parametrize(
    ("made", "covered", "verdict", "reason", "fix"),
    [
        (budget(3, 1, 3, 2, minAvailable=1), READY, FREE, "lets all 2 go at once (3 of 3 pods healthy, 1 needed)", ""),
        (
            budget(3, 2, 3, 1, minAvailable=2),
            READY,
            SLOW,
            "lets 1 of 2 go at a time (3 of 3 pods healthy, 2 needed)",
            "",
        ),
        (
            budget(2, 2, 3, 0, minAvailable=2),
            READY,
            BLOCKED,
            "allows no eviction now, because 1 of its pods is not healthy (2 of 3 pods healthy, 2 needed)",
            "bring them back, or set its unhealthyPodEvictionPolicy to AlwaysAllow so that unready pods may go",
        ),
        (
            budget(0, 2, 3, 0, minAvailable=2),
            UNREADY,
            BLOCKED,
            "allows no eviction now, because none of its pods is healthy (0 of 3 pods healthy, 2 needed)",
            "bring them back, or set its unhealthyPodEvictionPolicy to AlwaysAllow so that unready pods may go",
        ),
        (
            budget(1, 2, 3, 0, minAvailable=2, unhealthyPodEvictionPolicy="AlwaysAllow"),
            READY,
            BLOCKED,
            "2 of its pods are not healthy",
            "bring them back",
        ),
        (
            budget(2, 2, 2, 0, maxUnavailable=0),
            READY,
            DEADLOCKED,
            "can never allow an eviction: maxUnavailable is 0 (2 of 2 pods healthy, 2 needed)",
            "set its maxUnavailable to 1 or more",
        ),
        (budget(2, 2, 2, 0, maxUnavailable="0%"), READY, DEADLOCKED, "maxUnavailable is 0%", "set its maxUnavailable"),
        (
            budget(2, 2, 2, 0, minAvailable=2),
            READY,
            DEADLOCKED,
            "can never allow an eviction, not even with every pod healthy (2 of 2 pods healthy, 2 needed)",
            "lower its minAvailable (2), or run more than 2 pods",
        ),
        (
            budget(5, 5, 5, 0, minAvailable="90%"),
            READY,
            DEADLOCKED,
            "not even with every pod healthy",
            "lower its minAvailable (90%), or run more than 5 pods",
        ),
        (budget(2, 2, 2, 0, minAvailable="100%"), READY, DEADLOCKED, "not even", "lower its minAvailable below 100%"),
        (budget(1, 1, 1, 0), READY, DEADLOCKED, "not even", "run more than 1 pods"),
        (
            budget(0, 0, 0, 0, maxUnavailable=1, conditions=[SYNC_FAILED]),
            READY,
            DEADLOCKED,
            "the controller-manager cannot compute it: no controllers found",
            "correct its selector, or what it selects",
        ),
        # What its status says is of an older budget.
        (budget(2, 2, 2, 0, observed=0, minAvailable=1), READY, BLOCKED, "was changed and not judged anew", "wait"),
        (budget(2, 1, 2, 1, observed=0, minAvailable=1), READY, BLOCKED, "was changed and not judged anew", "wait"),
        # As the controller leaves a budget that it could never compute.
        (
            budget(0, 0, 0, 0, observed=0, conditions=[SYNC_FAILED], maxUnavailable=1),
            READY,
            DEADLOCKED,
            "cannot compute it: no controllers found",
            "correct its selector",
        ),
        (
            budget(2, 1, 2, 1, observed=0, maxUnavailable=0),
            READY,
            DEADLOCKED,
            "maxUnavailable is 0",
            "set its maxUnavailable",
        ),
        (make_budget("new", minAvailable=1), READY, BLOCKED, "was changed and not judged anew", "wait"),
        # It has allowed one just now, and counts that until the pod is seen to go.
        (budget(3, 2, 3, 0, minAvailable=2), READY, BLOCKED, "those that it allowed are not over yet", "wait"),
        # Pods that it has no say in.
        (budget(2, 2, 3, 0, minAvailable=2), UNREADY, FREE, "has no say in these pods", ""),
        (budget(0, 0, 2, 0, minAvailable=0), UNREADY, BLOCKED, "none of its pods is healthy", "bring them"),
        (budget(1, 2, 3, 0, minAvailable=2), UNREADY, BLOCKED, "2 of its pods are not healthy", "bring them"),
        (
            budget(0, 2, 3, 0, minAvailable=2, unhealthyPodEvictionPolicy="AlwaysAllow"),
            UNREADY,
            FREE,
            "has no say in these pods",
            "",
        ),
        (budget(2, 2, 2, 0, minAvailable=2), [make_pod("p", phase="Pending")], FREE, "has no say", ""),
        (budget(2, 2, 2, 0, minAvailable=2), [make_pod("p", phase="Succeeded")], FREE, "has no say", ""),
    ],
)
def test_verdicts(made, covered, verdict, reason, fix):
    found = budgets.judge(made, covered)
    assert (found.verdict, found.workload) == (verdict, "deployment/web")
    assert reason in found.reason
    assert found.fix.startswith(fix) if fix else found.fix == ""


def test_a_verdict_is_data_and_a_sentence():
    found = budgets.judge(budget(2, 2, 2, 0, minAvailable=2), READY)
    assert found.as_dict() == {
        "namespace": "shop",
        "name": "web",
        "verdict": "deadlocked",
        "pods": 2,
        "current": 2,
        "desired": 2,
        "expected": 2,
        "allowed": 0,
        "workload": "deployment/web",
        "reason": "can never allow an eviction, not even with every pod healthy (2 of 2 pods healthy, 2 needed)",
        "fix": "lower its minAvailable (2), or run more than 2 pods",
    }
    assert found.sentence() == f"budget shop/web (deployment/web) {found.reason}; {found.fix}"


@given(st.integers(1, 6), st.integers(0, 7), st.integers(1, 6), st.data())
def test_deadlocked_is_what_no_recovery_of_pods_opens(expected, desired, here, data):
    """Against the disruption controller's own arithmetic: allowed = current - desired."""
    current = data.draw(st.integers(0, expected))
    assume(here <= expected)
    now, at_best = max(0, current - desired), max(0, expected - desired)
    found = budgets.judge(
        budget(current, desired, expected, now, minAvailable=desired), [make_pod(f"p{i}") for i in range(here)]
    ).verdict
    assert (found == DEADLOCKED) == (at_best == 0)
    assert (found == BLOCKED) == (now == 0 < at_best)
    assert (found == FREE) == (now >= here)
