# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.pacing import Pace, Target
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.replies import (
    ADMITTED,
    BUDGET,
    FATAL,
    LATER,
    Reply,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_budget, make_pod


def budget(allowed, name="web", **status):
    made = make_budget(name, minAvailable=2)
    made["status"] = {
        "currentHealthy": 2 + allowed,
        "desiredHealthy": 2,
        "expectedPods": 5,
        "disruptionsAllowed": allowed,
        "observedGeneration": 1,
        **status,
    }
    return made


def targets(count, under="shop/web", ready=True):
    return [Target(make_pod(f"{under}-{i}", ready=ready), (under,) if under else ()) for i in range(count)]


def turn(pace, waiting, now=0.0):
    return [waiting.index(target) for target in pace.turn(waiting, now)]


def test_pods_without_a_budget_go_at_once():
    assert turn(Pace([], 0.0), targets(40, under="")) == list(range(40))


@pytest.mark.parametrize(("allowed", "chosen"), [(0, []), (1, [0]), (2, [0, 1]), (9, [0, 1, 2])])
def test_a_budget_is_asked_for_what_it_allows(allowed, chosen):
    assert turn(Pace([budget(allowed)], 0.0), targets(3)) == chosen


def test_budgets_do_not_hold_each_other():
    waiting = targets(2) + targets(2, under="shop/db") + targets(1, under="")
    assert turn(Pace([budget(0), budget(1, "db")], 0.0), waiting) == [2, 4]


def test_what_is_asked_already_counts():
    pace, waiting = Pace([budget(2)], 0.0), targets(4)
    waiting[0].in_flight = True
    assert turn(pace, waiting) == [1]


@pytest.mark.parametrize("state", ["in_flight", "admitted", "fatal"])
def test_nobody_is_asked_twice(state):
    (target,) = waiting = targets(1, under="")
    setattr(target, state, True)
    assert turn(Pace([], 0.0), waiting) == []


def test_who_is_gone_is_not_asked():
    (target,) = waiting = targets(1, under="")
    target.gone_after = 0.0
    assert turn(Pace([], 0.0), waiting) == []


def test_a_budget_that_is_not_judged_anew_yet_allows_nothing():
    assert turn(Pace([budget(3, observedGeneration=0)], 0.0), targets(3)) == []


def test_unready_pods_that_need_no_leave_do_not_wait():
    healthy_enough = budget(0, currentHealthy=2)
    assert turn(Pace([healthy_enough], 0.0), targets(3, ready=False)) == [0, 1, 2]
    assert turn(Pace([budget(0, currentHealthy=1)], 0.0), targets(3, ready=False)) == []


def test_a_shut_budget_is_tried_now_and_then_with_one_pod():
    pace, waiting = Pace([budget(0)], 0.0), targets(3)
    tries = []
    for second in range(300):
        for index in turn(pace, waiting, float(second)):
            tries.append(second)
            pace.answered(waiting[index], Reply(BUDGET, "no"), float(second))
    # 5 s after the start, then after 5, 10, 20, 40 and every 60 s.
    assert tries == [5, 10, 20, 40, 80, 140, 200, 260]


def test_a_try_that_is_under_way_is_enough():
    pace, waiting = Pace([budget(0)], 0.0), targets(3)
    waiting[0].in_flight = True
    assert turn(pace, waiting, 100.0) == []


def test_what_a_budget_learned_to_allow_is_used_at_once():
    pace, waiting = Pace([budget(0)], 0.0), targets(3)
    pace.answered(waiting[0], Reply(BUDGET, "no"), 0.0)
    pace.learn([budget(1)], 0.0)
    assert turn(pace, waiting, 0.1) == [1]
    assert turn(pace, waiting, 0.5) == [0]


def test_failures_are_repeated_less_and_less_often():
    pace, (target,) = Pace([], 0.0), targets(1, under="")
    now, pauses = 0.0, []
    for _failure in range(7):
        pace.answered(target, Reply(LATER, "reset"), now)
        pauses.append(target.not_before - now)
        assert turn(pace, [target], target.not_before - 0.01) == []
        now = target.not_before
        assert turn(pace, [target], now) == [0]
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.parametrize("meaning", [LATER, BUDGET])
def test_the_server_says_how_long_to_wait(meaning):
    pace, (target,) = Pace([budget(1)], 0.0), targets(1)
    pace.answered(target, Reply(meaning, "busy", retry_after=30.0), 0.0)
    assert turn(pace, [target], 29.0) == []
    assert turn(pace, [target], 30.0) == [0]


def test_a_refusal_by_an_unknown_budget_is_a_failure_like_any_other():
    pace, (target,) = Pace([], 0.0), targets(1, under="")
    for _refusal in range(3):
        pace.answered(target, Reply(BUDGET, "no"), 0.0)
    assert target.not_before == 2.0


@pytest.mark.parametrize(("meaning", "admitted", "fatal"), [(ADMITTED, True, False), (FATAL, False, True)])
def test_final_answers(meaning, admitted, fatal):
    pace, (target,) = Pace([], 0.0), targets(1, under="")
    target.in_flight = True
    pace.answered(target, Reply(meaning, "why"), 0.0)
    assert (target.admitted, target.fatal, target.in_flight, target.reason) == (admitted, fatal, False, "why")
    assert turn(pace, [target], 100.0) == []


def version(number, allowed):
    made = budget(allowed)
    made["metadata"]["resourceVersion"] = str(number)
    return made


def test_what_was_admitted_counts_until_the_budget_says_so_itself():
    pace, waiting = Pace([version(9, 2)], 0.0), targets(4)
    assert turn(pace, waiting[:1]) == [0]
    pace.answered(waiting[0], Reply(ADMITTED), 0.0)
    assert turn(pace, waiting) == [1]
    pace.learn([version(9, 2), version(8, 3)], 0.0)
    assert turn(pace, waiting) == [1]
    pace.learn([version(10, 2)], 0.0)
    assert turn(pace, waiting) == [1, 2]


def test_an_unready_pod_that_needed_no_leave_costs_its_budget_nothing():
    pace = Pace([budget(1)], 0.0)
    (unready,) = targets(1, ready=False)
    pace.answered(unready, Reply(ADMITTED), 0.0)
    assert turn(pace, targets(2)) == [0]


def test_a_budget_that_is_kept_up_to_date_is_not_tried_against_its_word():
    pace, waiting = Pace([version(1, 0)], 0.0), targets(2)
    pace.learn([version(2, 0)], 4.0)
    assert turn(pace, waiting, now=8.0) == []
    assert turn(pace, waiting, now=9.0) == [0]


def test_a_budget_that_was_deleted_holds_nobody():
    pace, waiting = Pace([budget(0)], 0.0), targets(2)
    pace.forget(budget(0))
    assert turn(pace, waiting) == [0, 1]
