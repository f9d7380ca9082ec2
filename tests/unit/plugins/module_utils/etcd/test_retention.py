# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is promised about snapshots, as properties, and the calendar by a table."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.identity import Identity
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.retention import (
    Policy,
    Snapshot,
    decide,
)
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.store import TIERS
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.datetime(2026, 11, 20, 10, 30, tzinfo=datetime.UTC)
HOME = Identity("now", "home")
#: Before a restore, and where nobody can read the UID.
BEFORE, NAMELESS = Identity("before", "home"), Identity("now")
DEFAULT = Policy()

snapshots = st.lists(
    st.builds(
        Snapshot,
        name=st.uuids().map(str),
        taken=st.datetimes(
            min_value=datetime.datetime(2023, 6, 1),
            max_value=datetime.datetime(2026, 11, 22),
            timezones=st.sampled_from([datetime.UTC, datetime.timezone(datetime.timedelta(hours=-9))]),
        ),
        tier=st.sampled_from(TIERS),
        cluster=st.sampled_from(
            [HOME, HOME, BEFORE, NAMELESS, Identity("now", "other"), Identity("other"), Identity("")]
        ),
        verified=st.sampled_from([True, True, True, False]),
        released=st.booleans(),
        proven=st.booleans(),
    ),
    max_size=40,
    unique_by=lambda one: one.name,
)
policies = st.builds(
    Policy,
    hourly=st.integers(0, 48),
    daily=st.integers(0, 14),
    weekly=st.integers(0, 8),
    monthly=st.integers(0, 24),
    at_least=st.integers(0, 5),
)


def kept(found: t.Iterable[Snapshot], policy: Policy = DEFAULT, now: datetime.datetime = NOW) -> set[str]:
    return {verdict.snapshot.name for verdict in decide(found, policy, HOME, now) if verdict.keep}


def ordinary(found: t.Iterable[Snapshot]) -> list[Snapshot]:
    mine = (
        one
        for one in found
        if one.cluster in (HOME, BEFORE, NAMELESS) and one.ordinary and one.verified and one.taken <= NOW
    )
    return sorted(mine, key=lambda one: (one.taken, one.name), reverse=True)


@given(snapshots, policies)
def test_each_has_a_verdict_with_a_reason(found: list[Snapshot], policy: Policy) -> None:
    verdicts = decide(found, policy, HOME, NOW)
    assert sorted(verdict.snapshot.name for verdict in verdicts) == sorted(one.name for one in found)
    assert all(verdict.reason for verdict in verdicts)


@given(snapshots, policies)
def test_the_newest_verified_ones_are_always_kept(found: list[Snapshot], policy: Policy) -> None:
    assert kept(found, policy) >= {one.name for one in ordinary(found)[: max(1, policy.at_least)]}


@given(snapshots, policies)
def test_what_is_not_ours_to_delete_is_not_touched(found: list[Snapshot], policy: Policy) -> None:
    ours = {one.name for one in ordinary(found)}
    assert kept(found, policy) >= {one.name for one in found if one.name not in ours}


@given(snapshots, policies)
def test_a_second_run_finds_nothing(found: list[Snapshot], policy: Policy) -> None:
    left = kept(found, policy)
    assert kept([one for one in found if one.name in left], policy) == left


@given(snapshots, policies, st.timedeltas(datetime.timedelta(), datetime.timedelta(days=400)))
def test_what_goes_today_would_also_go_later(found: list[Snapshot], policy: Policy, later: datetime.timedelta) -> None:
    past = [one for one in found if one.taken <= NOW]
    assert kept(past, policy, NOW + later) <= kept(past, policy)


@given(snapshots, policies, st.randoms())
def test_their_order_does_not_matter(found: list[Snapshot], policy: Policy, random: t.Any) -> None:
    mixed = list(found)
    random.shuffle(mixed)
    assert kept(mixed, policy) == kept(found, policy)


@given(snapshots)
def test_every_day_of_a_week_is_there_again(found: list[Snapshot]) -> None:
    left = kept(found)
    recent = [one for one in ordinary(found) if NOW - one.taken <= datetime.timedelta(days=6)]
    days = {one.taken.astimezone(datetime.UTC).date() for one in recent}
    there = {one.taken.astimezone(datetime.UTC).date() for one in ordinary(found) if one.name in left}
    assert days <= there


@given(snapshots, policies, st.integers(0, 5))
def test_a_run_deletes_no_more_than_it_may(found: list[Snapshot], policy: Policy, most: int) -> None:
    limited = Policy(policy.hourly, policy.daily, policy.weekly, policy.monthly, policy.at_least, most)
    gone, all_gone = ({one.name for one in found} - kept(found, each) for each in (limited, policy))
    assert len(gone) == min(most, len(all_gone))
    times = {one.name: (one.taken, one.name) for one in found}
    assert sorted(all_gone, key=times.__getitem__)[: len(gone)] == sorted(gone, key=times.__getitem__)


def hours(number: int) -> list[Snapshot]:
    """One an hour until now."""
    times = (NOW - datetime.timedelta(hours=back) for back in range(number))
    return [Snapshot(f"{when:%Y-%m-%dT%H}", when, "hourly", HOME) for when in times]


def test_two_years_of_hours() -> None:
    left = sorted(kept(hours(2 * 365 * 24), Policy(at_most=99999)), reverse=True)
    # A day of hours and the one that is just 24 hours old, the last hour of 6 days, of weeks (on Sundays), of months.
    assert left[:25] == [one.name for one in hours(25)]
    assert left[25:] == [
        *(f"2026-11-{day}T23" for day in (18, 17, 16, 15, 14, 13)),
        "2026-11-08T23",
        "2026-11-01T23",
        "2026-10-31T23",
        "2026-10-25T23",
        *(f"2026-{month}T23" for month in ("09-30", "08-31", "07-31", "06-30", "05-31", "04-30", "03-31", "02-28")),
        "2026-01-31T23",
        "2025-12-31T23",
        "2025-11-30T23",
    ]


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        ({"tier": "manual"}, "taken by hand: never deleted by itself"),
        ({"tier": "pre-upgrade"}, "from before an upgrade: kept until it is released"),
        ({"tier": "pre-upgrade", "released": True}, "no hour, day, week or month keeps it"),
        ({"tier": "daily"}, "no hour, day, week or month keeps it"),
        (
            {"tier": "daily", "verified": False},
            "its file is not the one that was verified, or a drill could not restore it: have a look at it",
        ),
    ],
)
def test_an_old_one(one: dict[str, t.Any], reason: str) -> None:
    old = Snapshot("old", NOW - datetime.timedelta(days=400), cluster=HOME, **one)
    between = Snapshot("between", NOW - datetime.timedelta(days=200), "daily", HOME)
    assert decide([*hours(5), between, old], Policy(), HOME, NOW)[-1].reason == reason


def test_a_proven_one_stands_for_its_day_even_if_it_is_not_the_newest() -> None:
    morning, noon = (
        Snapshot(str(hour), NOW.replace(day=17, hour=hour), "daily", HOME, proven=hour == 8) for hour in (8, 12)
    )
    assert kept([*hours(3), morning, noon], Policy(hourly=2)) >= {"8"}
    assert "12" not in kept([*hours(3), morning, noon], Policy(hourly=2))


@pytest.mark.parametrize("jump", [{"days": 400}, {"days": 40000}])
def test_a_clock_that_jumps_ahead_deletes_nothing(jump: dict[str, int]) -> None:
    """However many are taken by that clock. Before, only the newest few were left."""
    then = NOW + datetime.timedelta(**jump)
    wrong = [dataclasses.replace(one, name=f"wrong {one.name}", taken=one.taken + (then - NOW)) for one in hours(30)]
    for number in (1, 30):
        verdicts = decide([*wrong[-number:], *hours(50)], Policy(), HOME, then)
        assert {one.name for one in hours(50)} <= {verdict.snapshot.name for verdict in verdicts if verdict.keep}
        days = (wrong[-1].taken - NOW).days
        told = f"from before {days} days without a snapshot: have a look at the clocks, or delete it by hand"
        assert verdicts[-1].reason == told
    # When it is right again, the others are as before, and what it has taken is from the future.
    assert kept([*wrong, *hours(50)]) == kept(hours(50)) | {one.name for one in wrong}


def test_one_from_the_future_takes_nobodys_place() -> None:
    future = Snapshot("future", NOW + datetime.timedelta(minutes=5), "hourly", HOME)
    reasons = {verdict.snapshot.name: verdict.reason for verdict in decide([future, *hours(1)], Policy(), HOME, NOW)}
    assert reasons == {
        "future": "from the future: have a look at the clocks",
        "2026-11-20T10": "hourly, daily, weekly, monthly",
    }
