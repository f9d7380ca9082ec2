# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import ownership
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.ownership import ANNOTATION, Work
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.fake import merge
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_node
from hypothesis import given
from hypothesis import strategies as st

ME = Work("me", run="run-2", target="1.37.1", reason="upgrade", since="2026-11-20T10:00:00Z")
MINE = dataclasses.replace(ME, run="run-1", since="2026-11-20T08:00:00Z")
OTHERS = Work("them", run="theirs", reason="new disk", since="2026-11-19T08:00:00Z")


def node(unschedulable=False, work=None, text=None):
    made = make_node(**({"unschedulable": True} if unschedulable else {}))
    made["metadata"]["resourceVersion"] = "7"
    if work or text is not None:
        made["metadata"]["annotations"][ANNOTATION] = work.as_text() if text is None else text
    return made


def after(before, change):
    return merge(before, change.patch) if change.patch else before


def test_the_annotation_is_compact_json_with_the_agreed_keys():
    assert MINE.as_text() == (
        '{"owner":"me","run":"run-1","target":"1.37.1","reason":"upgrade","since":"2026-11-20T08:00:00Z",'
        '"unschedulable_before":false,"given_back":false,"baseline":{}}'
    )


@pytest.mark.parametrize(
    ("before", "cordon", "unschedulable_before", "run", "since"),
    [
        (node(), "cordon node w1", False, "run-2", ME.since),
        # A foreign cordon is remembered.
        (node(True), "mark node w1 as in work of me", True, "run-2", ME.since),
        # Work of the same owner is taken over and remembers how it began.
        (node(True, MINE), "mark node w1 as in work of me", False, "run-2", MINE.since),
        (node(True, dataclasses.replace(MINE, unschedulable_before=True)), "mark node w1", True, "run-2", MINE.since),
        # Somebody uncordoned it by hand in the middle of our work.
        (node(False, MINE), "cordon node w1", False, "run-2", MINE.since),
    ],
)
def test_claim(before, cordon, unschedulable_before, run, since):
    change = ownership.claim(before, ME)
    assert change.action.startswith(cordon)
    assert change.patch["metadata"]["resourceVersion"] == "7"
    found = after(before, change)
    assert found["spec"]["unschedulable"] is True
    work = ownership.work_of(found)
    assert (work.owner, work.run, work.since) == ("me", run, since)
    assert work.unschedulable_before is unschedulable_before
    assert change.state() == {"unschedulable": True, "work": work.as_dict()}
    assert ownership.claim(found, ME).patch is None


def test_a_new_run_alone_is_told_apart():
    assert ownership.claim(node(True, MINE), ME).only_run
    assert not ownership.claim(node(False, MINE), ME).only_run
    assert not ownership.claim(node(True, MINE), dataclasses.replace(ME, target="1.38.0")).only_run
    assert not ownership.claim(node(True), ME).only_run


def test_the_baseline_is_that_of_the_beginning():
    well, ill = {"workloads": {}}, {"workloads": {"shop/deployment/web": 1}}
    begun = after(node(), ownership.claim(node(), dataclasses.replace(ME, baseline=well)))
    assert ownership.work_of(begun).baseline == well
    taken_over = after(begun, ownership.claim(begun, dataclasses.replace(ME, run="run-3", baseline=ill)))
    assert ownership.work_of(taken_over).baseline == well
    # A work of an older release has none.
    old = node(True, text='{"owner":"me"}')
    assert ownership.claim(old, dataclasses.replace(ME, baseline=ill)).work.baseline == ill


def test_a_baseline_that_is_none_is_nothing():
    assert ownership.work_of(node(True, text='{"owner":"me","baseline":"x"}')).baseline == {}


@pytest.mark.parametrize(("more", "kept"), [(0, True), (1, False)])
def test_a_baseline_is_kept_while_an_annotation_can_hold_it(more, kept):
    frame = len('{"workloads":{"":1}}')
    baseline = {"workloads": {"x" * (ownership.LARGEST_BASELINE - frame + more): 1}}
    work, warning = ownership.storable(dataclasses.replace(ME, baseline=baseline))
    assert work == dataclasses.replace(ME, baseline=baseline if kept else {})
    assert bool(warning) is not kept


def test_what_a_call_does_not_say_stays_as_it_was():
    work = ownership.claim(node(True, MINE), Work("me", since="later")).work
    assert work == MINE


@pytest.mark.parametrize("unschedulable", [True, False])
def test_work_of_another_owner_is_refused_and_named(unschedulable):
    with pytest.raises(MaintenanceError) as caught:
        ownership.claim(node(unschedulable, OTHERS), ME)
    assert "in work of them (run theirs, since 2026-11-19T08:00:00Z, reason: new disk)" in caught.value.msg
    assert "force_uncordon=true" in caught.value.msg


@pytest.mark.parametrize("text", ["", "nonsense", "[1]", '{"run": "1"}', "null"])
def test_an_unreadable_annotation_belongs_to_somebody_else(text):
    found = node(True, text=text)
    with pytest.raises(MaintenanceError, match="an unreadable annotation kubeops.maintenance/work="):
        ownership.claim(found, ME)
    assert ownership.release(found, "me", force=False).patch is None
    assert ownership.work_of(after(found, ownership.release(found, "me", force=True))) is None


def test_keys_of_a_later_version_are_passed_over():
    text = json.dumps({**MINE.as_dict(), "baseline": {}})
    assert ownership.work_of(node(True, text=text)) == MINE


@pytest.mark.parametrize(
    ("before", "force", "unschedulable", "result"),
    [
        (node(), False, None, "node w1 already marked schedulable."),
        (node(), True, None, "node w1 already marked schedulable."),
        (node(True, MINE), False, False, "node w1 marked schedulable."),
        (node(False, MINE), False, False, "node w1 marked schedulable."),
        (
            node(True, dataclasses.replace(MINE, unschedulable_before=True)),
            False,
            True,
            "node w1 was unschedulable before the work of me and stays so.",
        ),
        (node(True, dataclasses.replace(MINE, unschedulable_before=True)), True, False, "node w1 marked schedulable."),
        (node(True), False, None, "was cordoned by somebody else and stays as it is; force_uncordon=true"),
        (node(True), True, False, "node w1 marked schedulable."),
        (node(True, OTHERS), False, None, "is in work of them (run theirs, since 2026-11-19T08:00:00Z, reason: new d"),
        (node(True, OTHERS), True, False, "node w1 marked schedulable."),
    ],
)
def test_release(before, force, unschedulable, result):
    change = ownership.release(before, "me", force)
    assert result in change.result
    found = after(before, change)
    if unschedulable is None:
        assert change.patch is None
        assert found == before
        assert change.state() == ownership.state(ownership.is_unschedulable(before), ownership.work_of(before))
    else:
        assert ownership.is_unschedulable(found) is unschedulable
        assert ANNOTATION not in found["metadata"]["annotations"]
        assert change.state() == {"unschedulable": unschedulable, "work": None}


@pytest.mark.parametrize(
    ("before", "unschedulable", "result"),
    [
        (node(True, MINE), False, "node w1 marked schedulable."),
        (
            node(True, dataclasses.replace(MINE, unschedulable_before=True)),
            True,
            "was unschedulable before the work of",
        ),
    ],
)
def test_a_work_that_is_kept_is_on_the_node_until_it_is_given_back_once_more(before, unschedulable, result):
    change = ownership.release(before, "me", force=False, keep_work=True)
    assert result in change.result
    found = after(before, change)
    work = ownership.work_of(found)
    assert ownership.is_unschedulable(found) is unschedulable
    assert work == dataclasses.replace(ownership.work_of(before), given_back=True)
    assert change.state() == {"unschedulable": unschedulable, "work": work.as_dict()}
    assert "given back, its proof is still to come" in work.sentence()
    again = ownership.release(found, "me", force=False, keep_work=True)
    assert (again.patch, again.work) == (None, work)
    ended = ownership.release(found, "me", force=False)
    assert ended.action == "end the work on node w1"
    found = after(found, ended)
    assert ownership.is_unschedulable(found) is unschedulable
    assert ownership.work_of(found) is None


GIVEN_BACK = dataclasses.replace(MINE, given_back=True)


def test_what_somebody_cordons_after_it_was_given_back_stays_cordoned():
    found = node(True, GIVEN_BACK)
    assert ownership.release(found, "me", force=False, keep_work=True).patch is None
    assert ownership.is_unschedulable(after(found, ownership.release(found, "me", force=False)))
    assert not ownership.is_unschedulable(after(found, ownership.release(found, "me", force=True)))


@pytest.mark.parametrize(("cordoned", "before"), [(True, True), (False, False)])
def test_a_work_that_was_given_back_is_taken_up_again_from_what_is_there(cordoned, before):
    work = ownership.claim(node(cordoned, dataclasses.replace(GIVEN_BACK, unschedulable_before=not before)), ME).work
    assert (work.given_back, work.unschedulable_before) == (False, before)
    assert work.since == MINE.since


THEN, NOW = {"nodes": {}}, {"nodes": {"w2": 1}}


@pytest.mark.parametrize("given_back", [True, False])
@pytest.mark.parametrize(
    ("said", "same"),
    [
        ({}, True),
        ({"run": "run-3"}, True),
        ({"target": "", "reason": ""}, True),
        ({"target": "1.38.0"}, False),
        ({"reason": "new disk"}, False),
        ({"target": "", "reason": "new disk"}, False),
    ],
)
def test_a_work_whose_gate_never_passed_goes_on_for_the_same_purpose_only(said, same, given_back):
    old = dataclasses.replace(MINE, baseline=THEN, given_back=given_back)
    me = dataclasses.replace(ME, baseline=NOW, **said)
    work = ownership.claim(node(not given_back, old), me).work
    # One that still has the node is the same work, whatever it is called now: its damage is in what is seen now.
    if same or not given_back:
        assert (work.since, work.baseline) == (MINE.since, THEN)
        assert (work.target, work.reason) == (me.target or MINE.target, me.reason or MINE.reason)
    else:
        assert work == me


def test_what_somebody_cordoned_after_the_old_work_is_known_to_the_new_one():
    me = dataclasses.replace(ME, target="1.38.0")
    assert ownership.claim(node(True, dataclasses.replace(MINE, given_back=True)), me).work.unschedulable_before


def test_only_the_own_work_is_kept():
    assert ownership.release(node(True, OTHERS), "me", force=True, keep_work=True).work is None
    assert ownership.release(node(), "me", force=False, keep_work=True).patch is None


WORDS = st.text(max_size=20)


@given(st.booleans(), WORDS, WORDS, WORDS, st.lists(WORDS, max_size=3))
def test_giving_back_undoes_any_number_of_claims(cordoned, owner, target, reason, runs):
    before = node(cordoned)
    found = before
    for run in runs:
        found = after(found, ownership.claim(found, Work(owner, run, target, reason, since="now")))
    found = after(found, ownership.release(found, owner, force=False))
    assert ownership.is_unschedulable(found) is cordoned
    assert ownership.work_of(found) is None
