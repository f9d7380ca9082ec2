# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter of the snapshots' schedule."""

from __future__ import annotations

import datetime
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._schedule import status

Result = t.Mapping[str, t.Any]


def lines(found: t.Mapping[str, Result], snapshots: t.Sequence[Result]) -> list[str]:
    """A host without a member has no turn. One that has a timer all the same is shown: its runs fail."""
    hosts = {
        host: one["schedules"]
        for host, one in found.items()
        if one["member"] or any(entry["installed"] for entry in one["schedules"])
    }
    newest = max((str(one.get("started", "")) for one in snapshots if not one["trouble"]), default="")
    told: list[str] = status.lines(hosts, newest, datetime.datetime.now(datetime.timezone.utc))
    return told


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"schedule_lines": lines}
