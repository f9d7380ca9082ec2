# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was measured, as rows, as a table, and against what has to be reached. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kubeops.maintenance.tests.bench.audit import Calls

REFUSALS_PER_BUDGET = 2
SHARE_OF_CALLS = 0.5
COLUMNS = ("case", "tool", "seconds", "limit", "ratio", "API calls", "429", "peak MB", "start", "stop", "load")


@dataclasses.dataclass(frozen=True)
class Row:
    """``limit_seconds`` is what the pods and budgets allow at best; None where the tool failed.

    ``seconds`` are those from the first request to the end of the process. What comes before, an interpreter that loads
    its libraries, are the ``start_seconds``: Ansible itself takes more, and no cluster can make it quicker.

    Of the other ``seconds``: until the first eviction was asked for, until the last one was admitted, until the last
    pod was gone, and until the process ended. ``stop_..._seconds``: how long pods really took to stop. A busy machine
    makes them late; the limit is what they were told.
    """

    case: str
    tool: str
    seconds: float
    limit_seconds: float | None
    ratio: float | None
    api_calls: int
    refusals: int
    peak_rss_mb: float
    load: float
    start_seconds: float
    look_seconds: float = 0.0
    evict_seconds: float = 0.0
    wait_seconds: float = 0.0
    end_seconds: float = 0.0
    stop_median_seconds: float = 0.0
    stop_max_seconds: float = 0.0
    failure: str = ""
    goal: float | None = None
    budgets: int = 0
    most_mb: float | None = None

    def as_dict(self) -> dict[str, t.Any]:
        row = dataclasses.asdict(self)
        del row["goal"], row["budgets"], row["most_mb"]
        return row


def timeline(calls: Calls, ended: float) -> dict[str, float]:
    """Where the seconds of a drain went."""
    stops = calls.stops
    if not stops:
        return {}
    found = {
        "look_seconds": calls.asked - calls.first,
        "evict_seconds": calls.admitted - calls.asked,
        "wait_seconds": calls.gone - calls.admitted,
        "end_seconds": ended - calls.gone,
        "stop_median_seconds": stops[len(stops) // 2],
        "stop_max_seconds": stops[-1],
    }
    return {name: round(seconds, 2) for name, seconds in found.items()}


def table(rows: t.Sequence[Row]) -> str:
    lines = [COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(f"{cell:<{width}}" if n < 2 else f"{cell:>{width}}" for n, (cell, width) in enumerate(pairs)).rstrip()
        for pairs in (list(zip(line, widths, strict=True)) for line in lines)
    ) + "".join(f"\n{row.tool} failed ({row.case}): {row.failure}" for row in rows if row.failure)


def _cells(row: Row) -> tuple[str, ...]:
    limit, ratio = ("failed", "-") if row.failure else (f"{row.limit_seconds:.1f}", f"{row.ratio:.2f}x")
    figures = (f"{row.seconds:.1f}", limit, ratio, str(row.api_calls), str(row.refusals))
    stop = f"{row.stop_median_seconds:.1f}-{row.stop_max_seconds:.1f}" if row.stop_max_seconds else "-"
    return (row.case, row.tool, *figures, f"{row.peak_rss_mb:.0f}", f"{row.start_seconds:.1f}", stop, f"{row.load:.1f}")


def missed(rows: t.Sequence[Row], ours: str, kubectl: str) -> list[str]:
    """What our rows do not reach, as sentences."""
    calls_of_kubectl = {row.case: row.api_calls for row in rows if row.tool == kubectl}
    found = []
    for row in rows:
        if row.tool != ours:
            continue
        if row.failure:
            found.append(f"{row.case}: failed: {row.failure}")
        if row.goal and row.ratio and row.ratio > row.goal:
            found.append(f"{row.case}: {row.ratio}x of the limit, not {row.goal}x")
        if row.most_mb and row.peak_rss_mb > row.most_mb:
            found.append(f"{row.case}: {row.peak_rss_mb} MB, not {row.most_mb}")
        most = calls_of_kubectl.get(row.case)
        if most is not None and row.api_calls > most * SHARE_OF_CALLS:
            found.append(f"{row.case}: {row.api_calls} API calls, kubectl {most}")
        if row.refusals > REFUSALS_PER_BUDGET * row.budgets:
            found.append(f"{row.case}: {row.refusals} refusals")
    return found
