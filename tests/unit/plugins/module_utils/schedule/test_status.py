# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of the timers, and what that says of the schedule."""

from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._schedule import status, systemd

# As systemd 252 answers, for one host whose second timer was never installed.
SHOWN = """\
Id=kubeops-etcd-backup.timer
NeedDaemonReload=no
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NextElapseUSecRealtime=Sat 2026-11-21 16:00:00 UTC
LastTriggerUSec=Sat 2026-11-21 15:00:00 UTC
Result=success

Id=kubeops-etcd-backup.service
NeedDaemonReload=no
LoadState=loaded
ActiveState=inactive
UnitFileState=static
Result=success
ExecMainStatus=0
ExecMainStartTimestamp=Sat 2026-11-21 15:00:00 UTC
InvocationID=6f1f

Id=kubeops-etcd-failed@kubeops-etcd-backup.service.service
LoadState=loaded
ActiveState=inactive

Id=kubeops-etcd-drill.timer
LoadState=not-found
ActiveState=inactive
UnitFileState=
NextElapseUSecRealtime=
LastTriggerUSec=n/a

Id=kubeops-etcd-drill.service
LoadState=not-found
ActiveState=inactive
Result=success
ExecMainStartTimestamp=
InvocationID=
"""
NOW = datetime.datetime(2026, 11, 21, 15, 30, tzinfo=datetime.UTC)
FRESH = "2026-11-21T15:00:03.123Z"


def read(shown: str) -> list[dict[str, t.Any]]:
    def run(words: t.Sequence[str]) -> tuple[int, str, str]:
        assert words[:3] == ["env", "TZ=UTC", "LC_ALL=C"]
        if words[3] == "systemctl":
            return 0, shown, ""
        return 0, "took it\n" if words[-1] == "_SYSTEMD_INVOCATION_ID=6f1f" else "", ""

    return systemd.read(run)


def entry(**changed: t.Any) -> dict[str, t.Any]:
    return {**read(SHOWN)[0], **changed}


def sentences(hosts: dict[str, dict[str, t.Any]], newest: str | None = FRESH) -> list[str]:
    found = status.checks({host: [one] for host, one in hosts.items()}, newest, NOW)
    assert {check.status for check in found} <= {"warn"}
    assert all(check.fix for check in found)
    return [f"{check.object}: {check.evidence}" for check in found]


def test_what_systemd_says() -> None:
    backup, drill = read(SHOWN)
    assert backup == {
        "name": "backup",
        "installed": True,
        "active": True,
        "enabled": True,
        "next": "2026-11-21T16:00:00Z",
        "last": "2026-11-21T15:00:00Z",
        "reload": False,
        "running": False,
        "failed": False,
        "began": "2026-11-21T15:00:00Z",
        "result": "success",
        "exit_status": "0",
        "invocation": "6f1f",
        "untold": False,
        "said": "took it",
    }
    assert (drill["installed"], drill["next"], drill["last"], drill["result"]) == (False, None, None, "")


def test_a_machine_without_systemd() -> None:
    found = systemd.read(lambda _words: (127, "", "no such program"))
    assert [(one["name"], one["installed"], one["running"]) for one in found] == [
        ("backup", False, False),
        ("drill", False, False),
    ]


@pytest.mark.parametrize(("state", "running"), [("activating", True), ("deactivating", True), ("failed", False)])
def test_a_run_that_goes_on(state: str, running: bool) -> None:
    shown = SHOWN.replace("ActiveState=inactive\nUnitFileState=static", f"ActiveState={state}\nUnitFileState=static")
    assert read(shown)[0]["running"] is running


def test_all_is_well() -> None:
    hosts = {"cp1": read(SHOWN), "cp2": read(SHOWN)}
    assert status.lines(hosts, FRESH, NOW) == [
        f"{host}: next snapshot 2026-11-21T16:00:00Z, last 2026-11-21T15:00:00Z ended well: took it"
        for host in ("cp1", "cp2")
    ]


def test_nothing_is_scheduled() -> None:
    assert status.lines({"cp1": read(""), "cp2": read("")}, "", NOW) == []


def test_the_last_run_failed() -> None:
    hosts = {"cp1": [entry(failed=True, result="exit-code", said="FAILED: etcd is down", untold=True)]}
    said = status.lines(hosts, FRESH, NOW)
    assert said[0].endswith("last 2026-11-21T15:00:00Z failed (exit-code)")
    assert said[1] == (
        "WARN  schedule of the snapshot: cp1: kubeops-etcd-backup.service failed at 2026-11-21T15:00:00Z:"
        " etcd is down. Fix: systemctl status kubeops-etcd-backup.service;"
        " journalctl -u kubeops-etcd-backup.service"
    )
    assert "kubeops-etcd-failed@kubeops-etcd-backup.service.service failed, too" in said[2]


def test_a_timer_that_is_off() -> None:
    assert sentences({"cp1": entry(active=False)}) == ["cp1: kubeops-etcd-backup.timer is not active"]
    assert sentences({"cp1": entry(enabled=False)}) == ["cp1: kubeops-etcd-backup.timer is not enabled"]


def test_a_member_without_a_timer() -> None:
    hosts = {"cp1": entry(), "cp2": entry(installed=False), "cp3": entry()}
    assert sentences(hosts) == ["cp2: no timer here, cp1, cp3 leave this member's turns to it"]


def test_timers_that_do_not_elapse_together() -> None:
    hosts = {"cp1": entry(), "cp2": entry(next="2026-11-21T17:00:00Z", last="2026-11-21T16:00:00Z")}
    assert sentences(hosts) == [
        "timers: they do not elapse together: cp1 at 2026-11-21T16:00:00Z, cp2 at 2026-11-21T17:00:00Z"
    ]


@pytest.mark.parametrize(
    ("newest", "said"),
    [
        ("2026-11-21T13:30:00Z", []),
        ("2026-11-21T13:29:59Z", ["all hosts: the newest is 2 h old, two periods are 2 h"]),
        ("2026-11-11T13:29:59Z", ["all hosts: the newest is 10 days old, two periods are 2 h"]),
        ("", ["all hosts: the newest is not there, two periods are 2 h"]),
        (None, []),
    ],
)
def test_the_newest_snapshot_is_older_than_two_periods(newest: str | None, said: list[str]) -> None:
    assert sentences({"cp1": entry()}, newest) == said


def test_a_timer_that_has_never_elapsed_has_no_period() -> None:
    assert sentences({"cp1": entry(last=None)}, "") == []
