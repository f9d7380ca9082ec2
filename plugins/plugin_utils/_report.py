# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table at the end of a run: one line per node, made from what the roles left on the hosts.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import textwrap
import typing as t

HEADINGS = ("node", "from", "to", "drained in", "total", "result")


def seconds(value: float | None) -> str:
    """``75.2`` -> ``1m15s``, None -> ``-``."""
    if value is None:
        return "-"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"


def row(planned: t.Mapping[str, t.Any], left: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What became of one node.

    ``planned`` is the node's part of the plan, ``left`` the host's variables: ``control_plane_result``,
    ``drained_result``, ``kubelet_result`` where the roles of those names ran, ``report_failure`` where a turn failed.
    """
    results = {
        name: left[f"{name}_result"] for name in ("control_plane", "drained", "kubelet") if f"{name}_result" in left
    }
    failure = left.get("report_failure")
    if failure:
        # The whole message stands below the table.
        outcome = "FAILED: " + textwrap.shorten(failure, 60, placeholder=" ...")
    elif not planned["steps"]:
        outcome = "nothing to do"
    elif left.get("turn_done"):
        outcome = "upgraded"
    else:
        outcome = "not reached" if not results else "control plane upgraded, kubelet not yet"
    spent = [result.get("durations", {}).get("total") for result in results.values()]
    known = [value for value in spent if value is not None]
    drained = results.get("drained", {})
    return {
        "node": planned["node_name"],
        "from": planned["from"],
        "to": planned["to"],
        "drained_seconds": drained.get("durations", {}).get("total") if planned["drain"] else None,
        "total_seconds": sum(known) if known else None,
        "result": outcome,
    }


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
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in cells]
