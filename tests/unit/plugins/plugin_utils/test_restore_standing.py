# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which restore goes on, in which direction, and what is refused."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import ids, order, plan
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.cluster_plan import Wish, make
from ansible_collections.kubeops.maintenance.tests.unit.plugins.plugin_utils.restore_infos import (
    FRESH,
    HOSTS,
    LATER,
    NAME,
    OLD,
    OLDER,
    Infos,
    infos,
    live,
    planned,
    snapshot,
    standing,
)
from hypothesis import given
from hypothesis import strategies as st

Phases = t.Union[str, dict[str, str]]
PHASES = [*plan.FORWARD, *plan.BACK]


def on(phases: Phases) -> dict[str, str]:
    return dict.fromkeys(HOSTS, phases) if isinstance(phases, str) else phases


@pytest.mark.parametrize("phases", ["preparing", "prepared", {"a": "prepared"}, {"b": "preparing", "c": "prepared"}])
def test_what_was_only_prepared_is_made_anew(phases: Phases) -> None:
    found = planned(standing(on(phases)), LATER, offered=[snapshot(LATER)])
    assert (found["id"], found["resume"], found["direction"]) == (FRESH, False, "forward")
    assert found["phases"] == {}


@pytest.mark.parametrize(
    ("phases", "direction"),
    [
        ("stopping", "forward"),
        ("started", "forward"),
        ({"a": "stopping", "b": "prepared", "c": "prepared"}, "forward"),
        ({"a": "swapped", "b": "started"}, "forward"),
        # A run was killed while it noted the commit.
        ({"a": "committed", "b": "verified", "c": "verified"}, "forward"),
        # The API has to serve again, and nodes have to know.
        ("committed", "forward"),
        ({"a": "finished", "b": "committed", "c": "finished"}, "forward"),
        ("rolling_back", "back"),
        ({"a": "rolled_back", "b": "started", "c": "verified"}, "back"),
        ({"a": "prepared", "b": "rolling_back", "c": "stopped"}, "back"),
        ({"a": "rolled_back", "b": "prepared", "c": "rolled_back"}, "back"),
    ],
)
def test_what_was_begun_goes_on(phases: Phases, direction: str) -> None:
    there = standing(on(phases))
    for wanted in ("newest", NAME, *([LATER] if direction == "back" else [])):
        found = planned(there, wanted)
        assert (found["id"], found["bump"], found["resume"]) == (OLD, 5 * 10**9, True)
        assert (found["direction"], found["taken_back"]) == (direction, False)
        assert found["phases"] == {host: on(phases).get(host, "") for host in HOSTS}


def test_another_snapshot_has_to_wait() -> None:
    with pytest.raises(MaintenanceError) as caught:
        planned(standing(on("swapped")), LATER, offered=[snapshot(LATER)])
    assert (
        f"the restore {OLD} of {NAME} is swapped on a, swapped on b, swapped on c. Go on with it (snapshot={NAME}) or"
        " take it back (restore_undo=true)"
    ) in caught.value.msg


def test_who_lacks_the_snapshot_of_a_restore_that_goes_on() -> None:
    """Also where no host has it any more: who is prepared needs it no more."""
    there = standing({"a": "stopped", "b": "stopped"}, there=infos(snapshot=None, live=None, clusters={}))
    found = planned(there)
    assert (found["source"], found["lacking"]) == ("", ["c"])
    assert planned(standing({"a": "stopped", "b": "preparing"}))["lacking"] == []


@pytest.mark.parametrize("undo", [True, "true", "yes", OLD])
def test_undone(undo: bool | str) -> None:
    found = planned(standing(on("swapped")), undo=undo)
    assert (found["direction"], found["taken_back"], found["lacking"]) == ("back", True, [])
    assert found["lines"][0] == f"TAKE BACK the restore of {NAME}"
    assert "LOST" not in "".join(found["lines"])


def kept(there: Infos, **revisions: int) -> Infos:
    """With what was there before, on these hosts."""
    for host, revision in revisions.items():
        there[host]["previous"] = {"id": OLD, "revision": revision}
    return there


SETTLED: list[Phases] = [
    "committed",
    "finished",
    "superseded",
    {"a": "finished", "b": "superseded", "c": "committed"},
    {"a": "finished"},
    # By hand. Of these no cluster is made but by a restore.
    {"a": "committed", "b": "rolled_back"},
    {"a": "finished", "b": "rolled_back"},
]


@pytest.mark.parametrize("phases", SETTLED)
def test_undone_after_the_commit(phases: Phases) -> None:
    """What was there before becomes a snapshot, and a new restore begins with it."""
    revisions = {host: 10998 for host, phase in on(phases).items() if phase != "rolled_back"}
    best = max(revisions)
    there = kept(standing(on(phases)), **{**revisions, best: 10999})
    found = planned(there, undo=OLD)
    assert found["recover"] == {"id": OLD, "host": best, "revision": 10999}
    assert (found["direction"], found["resume"], found["taken_back"], found["phases"]) == ("forward", False, False, {})
    assert "is LOST, and kept" in "".join(found["lines"])
    found = planned(there, NAME, undo=OLD, recovered=True)
    assert (found["id"], found["undoes"], found["recover"], found["direction"]) == (FRESH, OLD, None, "forward")
    assert found["snapshot"]["name"] == NAME
    assert found["live_revision"] == 10432 + 5 * 10**9
    assert f"all that was written since the restore {OLD} is LOST" in "".join(found["lines"])


@pytest.mark.parametrize(
    "phases", ["prepared", "stopping", "verified", {"a": "committed", "b": "verified"}, "finished"]
)
def test_a_run_that_undoes_goes_on(phases: Phases) -> None:
    """Also where the new restore was committed on one member; what was only prepared is made anew."""
    there = standing(on(phases), FRESH, kept(standing(on("committed")), a=1), undoes=OLD)
    found = planned(there, undo=OLD)
    if phases in ("prepared", "finished"):
        assert found["recover"]
    else:
        assert (found["id"], found["resume"], found["direction"]) == (FRESH, True, "forward")
        assert found["undoes"] == OLD
    if phases not in ("prepared", "finished"):
        assert planned(there)["id"] == FRESH


def test_a_run_that_undoes_and_had_to_go_back() -> None:
    """Who asked for the data from before hears that the data is what it was."""
    there = standing(on("rolling_back"), FRESH, kept(standing(on("finished")), a=1), undoes=OLD)
    found = planned(there, undo=OLD)
    assert (found["id"], found["direction"], found["taken_back"]) == (FRESH, "back", False)


def test_nothing_is_left_to_restore() -> None:
    there = standing(on("finished"))
    there["a"]["previous"] = {"id": OLDER, "revision": 1}
    with pytest.raises(MaintenanceError, match=f"what was there before the restore {OLD} is on no host any more"):
        planned(there, undo=OLD)


def test_what_is_only_committed_is_no_hindrance() -> None:
    """Such as where the kubelet of a node stays sick: the same command goes on, another one begins."""
    there = standing(on("committed"))
    for wanted in ("newest", NAME):
        assert planned(there, wanted)["id"] == OLD
    found = planned(there, LATER, offered=[snapshot(LATER)])
    assert (found["id"], found["resume"]) == (FRESH, False)
    begun = standing(on("stopping"), FRESH, there)
    assert planned(begun, "newest")["id"] == FRESH
    # The last one that was committed, and no other.
    done = standing(on("finished"), FRESH, standing(on("committed")))
    assert not planned(done, "newest")["resume"]


def test_one_that_is_under_way_comes_first() -> None:
    there = standing(on("stopped"), FRESH, kept(standing(on("finished")), a=1))
    with pytest.raises(MaintenanceError, match=f"{FRESH} of .* before the restore {OLD} is undone"):
        planned(there, undo=OLD)


def test_an_id_comes_after_all_that_are_known() -> None:
    """The clock of the controller may be behind."""
    later = "20991231T235959Z-ffffff"
    found = planned(standing(on("finished"), later))
    assert found["id"] == "21000101T000000Z-000000"


@pytest.mark.parametrize(
    ("phases", "undo", "told"),
    [
        ({}, True, "there is no unfinished restore to take back"),
        ("finished", True, f"restore_undo={OLD} restores what was there before it, and what was written since is lost"),
        ("committed", True, f"restore_undo={OLD} restores what was there before it"),
        ("committed", OLDER, f"there is no restore {OLDER} to undo. Restores here: {OLD}"),
        ({}, OLD, "Restores here: none"),
        ({"a": "committed", "b": "rolling_back"}, False, "End going back on b by hand"),
        ({"a": "committed", "b": "rolling_back"}, OLD, "End going back on b by hand"),
        ({"a": "committed", "b": "verified"}, True, f"Go on with it (snapshot={NAME}); then restore_undo={OLD}"),
        ({"a": "committed", "b": "verified"}, OLD, f"Go on with it (snapshot={NAME}); then restore_undo={OLD}"),
        ({"a": "committed", "b": "rolled_back"}, False, f"these are no one cluster. restore_undo={OLD}"),
        ({"a": "finished", "b": "rolled_back"}, False, f"these are no one cluster. restore_undo={OLD}"),
    ],
)
def test_refused(phases: Phases, undo: bool | str, told: str) -> None:
    with pytest.raises(MaintenanceError) as caught:
        planned(standing(on(phases)), undo=undo)
    assert told in caught.value.msg


def test_the_last_one_first() -> None:
    """What is renamed back has to be what the last one has set aside. A restore can be of any."""
    there = standing(on("swapped"), there=standing({"a": "stopped"}, OLDER))
    with pytest.raises(MaintenanceError, match=f"after the restore {OLDER} came {OLD}. Undo the last one first"):
        planned(there, undo=OLDER)
    assert planned(there, undo=OLD)["id"] == OLD
    done = standing(on("finished"), there=standing(on("finished"), OLDER))
    done["a"]["previous"] = {"id": OLDER, "revision": 1}
    assert planned(done, undo=OLDER)["recover"]["id"] == OLDER


def test_two_that_were_begun() -> None:
    there = standing({"a": "swapped"}, there=standing({"b": "stopped"}, OLDER))
    with pytest.raises(MaintenanceError, match="several restores are unfinished: .*restore_undo=ID"):
        planned(there)
    assert planned(there, undo=OLD)["direction"] == "back"


def test_with_other_hosts() -> None:
    there = standing(on("swapped"))
    there["c"]["member"] = {**there["c"]["member"], "name": "cp9"}
    with pytest.raises(MaintenanceError, match="is of the members cp1, cp2, cp3, this run has cp1, cp2, cp9"):
        planned(there)


@pytest.mark.parametrize("undo", [True, OLD])
@pytest.mark.parametrize("phases", ["prepared", "rolled_back", {"a": "rolled_back", "b": "prepared"}])
def test_control_planes_that_a_killed_run_has_left_stopped(phases: Phases, undo: bool | str) -> None:
    """It was killed before it stopped the first member, or after it brought back the last.
    They have to start again.
    """
    found = planned(standing(on(phases)), undo=undo)
    assert (found["id"], found["direction"], found["taken_back"]) == (OLD, "back", True)
    last = "data      each member has what it had before; control planes that are stopped are started"
    assert found["lines"][-1] == last


@pytest.mark.parametrize("phases", ["prepared", "rolled_back"])
def test_what_is_taken_back_is_never_older_than_what_is_committed(phases: str) -> None:
    with pytest.raises(MaintenanceError, match="there is no restore to take back, for "):
        planned(standing(on(phases), OLDER, there=standing(on("finished"))), undo=True)


def without(there: Infos, host: str) -> Infos:
    """That machine is gone, and out of the inventory."""
    return {name: info for name, info in there.items() if name != host}


@pytest.mark.parametrize(
    ("phases", "undo", "direction"),
    [
        # A run was killed in the middle, and then the host died.
        ({"a": "swapped", "b": "started", "c": "swapped"}, True, "back"),
        ({"a": "stopped", "b": "prepared", "c": "stopping"}, OLD, "back"),
        ({"a": "rolled_back", "b": "verified", "c": "verified"}, False, "back"),
        ({"a": "rolled_back", "b": "rolled_back", "c": "verified"}, True, "back"),
        # All were proven, and the control planes are still stopped.
        ("committed", False, "forward"),
        ({"a": "verified", "b": "committed", "c": "verified"}, False, "forward"),
    ],
)
def test_a_host_that_is_gone_for_good(phases: Phases, undo: bool | str, direction: str) -> None:
    """Those that are left go back, or end what was proven with all of them. Nothing else would start them again."""
    there = without(standing(on(phases)), "c")
    with pytest.raises(MaintenanceError, match="or, where cp3 is gone for good, name it in restore_gone$"):
        make(there, ["a", "b"], Wish("newest", undo), FRESH)
    found = make(there, ["a", "b"], Wish("newest", undo, gone=["cp3"]), FRESH)
    assert (found["id"], found["direction"], found["resume"]) == (OLD, direction, True)
    assert [one["name"] for one in found["members"]] == ["cp1", "cp2", "cp3"]
    assert set(found["phases"]) == {"a", "b"}


@pytest.mark.parametrize("phase", ["stopped", "swapping", "started", "verified"])
def test_a_member_that_has_served_since(phase: str) -> None:
    """Somebody has put the cluster back by hand, and it has worked for days."""
    there = standing(on(phase))
    there["b"]["live"] = live(answers=True)
    with pytest.raises(MaintenanceError) as caught:
        planned(there)
    assert f"b: its etcd serves what it had before, though the restore {OLD} is {phase} there" in caught.value.msg
    assert planned(there, undo=True)["direction"] == "back"
    # It serves what was restored.
    there["b"]["live"] = live(answers=True, cluster_id=ids.cluster(order.parse(there["b"]["unfinished"])))
    assert planned(there)["direction"] == "forward"
    assert planned(standing(on("stopping"), there=infos(live=live(answers=True))))["direction"] == "forward"
    assert planned(standing(on("committed"), there=infos(live=live(answers=True))))["committed"]


@pytest.mark.parametrize("phases", ["stopping", "swapped", "verified"])
def test_what_goes_forward_needs_all_members(phases: str) -> None:
    there = without(standing(on(phases)), "c")
    with pytest.raises(MaintenanceError, match=r"name it in restore_gone, and take it back \(restore_undo=true\)"):
        make(there, ["a", "b"], Wish("newest", gone=["cp3"]), FRESH)


@pytest.mark.parametrize("phases", ["finished", "superseded", "rolled_back"])
def test_what_is_finished_is_no_hindrance(phases: str) -> None:
    found = planned(standing(on(phases)))
    assert (found["id"], found["resume"]) == (FRESH, False)
    # The restored cluster went on from there, whether it is alive or not.
    assert found["live_revision"] == 10432 + 5 * 10**9


@given(st.lists(st.sampled_from(["", *PHASES]), min_size=3, max_size=3))
def test_the_rules(phases: list[str]) -> None:
    said = {host: phase for host, phase in zip(HOSTS, phases, strict=True) if phase}
    there = standing(said)
    done = set(said.values())
    begun = any(map(plan.begun, done))
    try:
        found = planned(there)
    except MaintenanceError as error:
        # Only what is committed here and taken back there needs a word from a person.
        assert done & {plan.COMMITTED, plan.FINISHED, plan.SUPERSEDED}
        assert done & set(plan.BACK)
        assert f"restore_undo={OLD}" in error.msg
        return
    goes_on = begun and not done <= set(plan.FINAL)
    assert found["resume"] == goes_on
    assert found["id"] == (OLD if goes_on else FRESH)
    assert (found["direction"] == "back") == bool(goes_on and done & set(plan.BACK))
    assert not found["taken_back"]
