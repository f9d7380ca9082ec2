# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table at the end of a run: one line per node, made from what the roles left on the hosts.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import textwrap
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._columns import aligned

HEADINGS = ("node", "from", "to", "drained in", "total", "result")


def seconds(value: float | None) -> str:
    """``75.2`` -> ``1m15s``, None -> ``-``."""
    if value is None:
        return "-"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def row(planned: t.Mapping[str, t.Any], left: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What became of one node.

    ``planned`` is the node's part of the plan, ``left`` the host's variables: ``turn_done`` (parts), ``turn_seconds``
    of the turns that ended well, ``report_failure`` and ``report_seconds`` of one that did not, ``drained_result``.
    """
    spent = [float(left[name]) for name in ("turn_seconds", "report_seconds") if name in left]
    drained = left.get("drained_result", {}).get("durations", {}) if planned["drain"] else {}
    return {
        "node": planned["node_name"],
        "from": planned["from"],
        "to": planned["to"],
        "drained_seconds": drained.get("total"),
        "total_seconds": sum(spent) if spent else None,
        "result": outcome(planned, left),
    }


def outcome(planned: t.Mapping[str, t.Any], left: t.Mapping[str, t.Any]) -> str:
    if "report_failure" in left:
        # The whole message stands below the table.
        return "FAILED: " + textwrap.shorten(left["report_failure"], 60, placeholder=" ...")
    wanted = {part for part, work in planned["parts"].items() if work}
    done = wanted & set(left.get("turn_done", ()))
    if not wanted:
        return "nothing to do"
    if done != wanted:
        return "control plane upgraded, kubelet not reached" if done else "not reached"
    return "upgraded" if planned["steps"] else "finished what an earlier run left"


def table(rows: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """Aligned lines, the headings first."""
    cells = [HEADINGS] + [
        (
            str(entry["node"]),
            str(entry["from"]),
            str(entry["to"]),
            seconds(entry["drained_seconds"]),
            seconds(entry["total_seconds"]),
            str(entry["result"]),
        )
        for entry in rows
    ]
    # the shared function lies where mypy does not look
    lines: list[str] = aligned(cells)
    return lines
