# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The schedule of all hosts of a play, as the playbook shows it."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.kubeops.maintenance.plugins.filter.schedule import FilterModule
from ansible_collections.kubeops.maintenance.plugins.module_utils._schedule import systemd

NOW = datetime.datetime.now(datetime.UTC)


def at(hours: float) -> str:
    return (NOW + datetime.timedelta(hours=hours)).isoformat(timespec="seconds").replace("+00:00", "Z")


def host(member: bool = True, **changed: t.Any) -> dict[str, t.Any]:
    backup, drill = (systemd.describe(name, {}) for name in systemd.NAMES)
    there = {"installed": True, "active": True, "enabled": True, "last": at(-0.5), "next": at(0.5)}
    return {"member": member, "schedules": [{**backup, **there, "said": "", **changed}, {**drill, "said": ""}]}


def lines(found: dict[str, t.Any], *snapshots: tuple[float, str]) -> list[str]:
    taken = [{"started": at(hours), "trouble": trouble} for hours, trouble in snapshots]
    return FilterModule().filters()["schedule_lines"](found, taken)


def test_the_newest_snapshot_of_any_host_counts() -> None:
    said = lines({"cp1": host(), "cp2": host()}, (-9, ""), (-0.4, ""))
    assert said == [f"{name}: next snapshot {at(0.5)}, none since the machine has started" for name in ("cp1", "cp2")]


def test_a_damaged_one_does_not() -> None:
    assert (
        "WARN  newest snapshot: all hosts: the newest is 9 h old" in lines({"cp1": host()}, (-9, ""), (-1, "bad"))[-1]
    )


def test_a_host_without_a_member_is_no_matter() -> None:
    assert len(lines({"cp1": host(), "lb": host(member=False, installed=False)}, (-0.1, ""))) == 1


def test_but_for_a_timer_that_was_left_there() -> None:
    said = lines(
        {"cp1": host(), "old": host(member=False, failed=True, began=at(-0.5), result="exit-code")}, (-0.1, "")
    )
    assert [line for line in said if line.startswith("WARN  schedule of the snapshot: old: ")]
