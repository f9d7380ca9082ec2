# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd knows of the schedule: when each timer elapses, and how its last run went.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import typing as t

from .commands import Run

NAMES = ("backup", "drill")
_TIMER = ("LoadState", "ActiveState", "UnitFileState", "NextElapseUSecRealtime", "LastTriggerUSec")
_SERVICE = ("ActiveState", "Result", "ExecMainStatus", "ExecMainStartTimestamp", "InvocationID")
_SHOWN = ",".join(dict.fromkeys(("Id", "NeedDaemonReload", *_TIMER, *_SERVICE)))


def timer(name: str) -> str:
    return f"kubeops-etcd-{name}.timer"


def service(name: str) -> str:
    return f"kubeops-etcd-{name}.service"


def notice(name: str) -> str:
    """The unit that tells of a failure of the service."""
    return f"kubeops-etcd-failed@{service(name)}.service"


def read(run: Run) -> list[dict[str, t.Any]]:
    """One entry for each timer, whether it is there or not."""
    units = [unit for name in NAMES for unit in (timer(name), service(name), notice(name))]
    # Times are said in the zone of who asks, by a name that says little; in UTC it is known.
    said = _ask(run, "systemctl", "show", f"--property={_SHOWN}", "--", *units)
    shown = parse(said)
    found = [describe(name, shown) for name in NAMES]
    for one in found:
        journal = ("journalctl", "--quiet", "--no-pager", "--output=cat", "--lines=1")
        lines = _ask(run, *journal, f"_SYSTEMD_INVOCATION_ID={one['invocation']}") if one["invocation"] else ""
        one["said"] = lines.strip()
    return found


def _ask(run: Run, *words: str) -> str:
    """Empty on a machine without systemd, where nothing of it is there."""
    _code, said, _error = run(["env", "TZ=UTC", "LC_ALL=C", *words])
    return said


def parse(said: str) -> dict[str, dict[str, str]]:
    """The answer of ``systemctl show``: one block for each unit, by its id."""
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in said.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def describe(name: str, shown: t.Mapping[str, t.Mapping[str, str]]) -> dict[str, t.Any]:
    of_timer, of_service = shown.get(timer(name), {}), shown.get(service(name), {})
    began = _time(of_service.get("ExecMainStartTimestamp"))
    active = of_service.get("ActiveState", "inactive")
    return {
        "name": name,
        "installed": of_timer.get("LoadState") == "loaded",
        "active": of_timer.get("ActiveState") == "active",
        "enabled": of_timer.get("UnitFileState") == "enabled",
        "next": _time(of_timer.get("NextElapseUSecRealtime")),
        "last": _time(of_timer.get("LastTriggerUSec")),
        "reload": "yes" in (of_timer.get("NeedDaemonReload"), of_service.get("NeedDaemonReload")),
        "running": active in ("activating", "deactivating", "reloading"),
        "failed": active == "failed",
        # Of the last run since the machine has started; systemd forgets those before.
        "began": began,
        "result": of_service.get("Result", "") if began else "",
        "exit_status": of_service.get("ExecMainStatus", "") if began else "",
        "invocation": of_service.get("InvocationID", "") if began else "",
        "untold": shown.get(notice(name), {}).get("ActiveState") == "failed",
    }


def _time(said: t.Optional[str]) -> t.Optional[str]:
    """``Sat 2026-11-21 16:00:00 UTC`` as ``2026-11-21T16:00:00Z``, None where there is no time."""
    try:
        found = datetime.datetime.strptime(str(said).partition(" ")[2], "%Y-%m-%d %H:%M:%S UTC")
    except ValueError:
        return None
    return f"{found.isoformat()}Z"
