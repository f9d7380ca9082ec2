# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make bench-drain`: three tools drain the same pods of the same cluster, one after the other.

    python tests/bench/drain.py [--tool NAME ...] [--case WORD ...]

Prints a table, writes build/bench/drain.json, and fails when the collection's own figures miss what they have to reach.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import os
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".collections"))

from ansible_collections.kubeops.maintenance.tests.api import cluster  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.bench import audit, forecast, report, tools  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.bench.watcher import Watcher, budget_limit  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.lab.progress import say  # noqa: E402
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until  # noqa: E402

RESULT = ROOT / "build" / "bench" / "drain.json"
CALM = 1.5


@dataclasses.dataclass(frozen=True)
class Case:
    """``goal``: how many times the limit our drain may take.

    Pods under budgets are those of StatefulSets, which come back when they have stopped. The others do not come back:
    what is measured is the drain, not how quickly a machine makes new pods.
    """

    name: str
    pods: int
    stops_after: float
    budgets: int = 0
    nodes: int = 1
    goal: float | None = None

    def make(self, corner: Corner) -> None:
        if not self.budgets:
            for node in corner.nodes[: self.nodes]:
                corner.owned_pods(node, self.pods // self.nodes, node=node, stops_after=self.stops_after)
        for number in range(self.budgets):
            name = f"web-{number}"
            corner.statefulset(name, self.pods // self.budgets, stops_after=self.stops_after)
            corner.pdb(name, {"app": name}, maxUnavailable=1)


CASES = (
    Case("105 pods, 5 s to stop", 105, 5, goal=1.15),
    Case("250 pods, 1 s to stop", 250, 1),
    Case("10 pods under a budget of 1", 10, 0.5, budgets=1, goal=1.2),
    Case("20 pods under 4 budgets", 20, 0.5, budgets=4, goal=1.2),
    Case("5 nodes at once, 20 pods each", 100, 5, nodes=5),
)


def measure(api: ApiCluster, asked: audit.Audit, case: Case, tool: str, scratch: Path) -> report.Row:
    corner = Corner(api.kube(), nodes=case.nodes + 1)
    try:
        case.make(corner)
        nodes = corner.nodes[: case.nodes]
        load = os.getloadavg()[0]
        asked.since_last()
        # Where nothing has to be seen, nobody takes the apiserver's time for it.
        with Watcher(api, corner.namespace) if case.budgets else contextlib.nullcontext() as watcher:
            outcome = tools.drain(tool, nodes, api.kubeconfig(audit.USER), scratch)
            if outcome.failure:
                limit = None
            elif watcher:
                until("the end of the pods", lambda: not corner.pods(nodes[0]), seconds=30)
                limit = budget_limit(watcher.budgets, watcher.pods, nodes[0])
            else:
                limit = case.stops_after
        calls = asked.since_last()
        before = calls.first - outcome.started
        seconds = outcome.seconds - before
        return report.Row(
            case=case.name,
            tool=tool,
            seconds=round(seconds, 2),
            start_seconds=round(before, 2),
            limit_seconds=limit and round(limit, 2),
            ratio=limit and round(seconds / limit, 2),
            api_calls=calls.number,
            refusals=calls.refusals,
            peak_rss_mb=round(outcome.peak_rss_mb, 1),
            load=round(load, 1),
            **report.timeline(calls, outcome.started + outcome.seconds),
            failure=outcome.failure,
            goal=case.goal,
            budgets=case.budgets,
        )
    finally:
        corner.remove()
        # Its pods are no load for those who come next.
        until(f"the end of {corner.namespace}", lambda: not corner.pods(), seconds=120, every=1)


def warm_up(api: ApiCluster, names: t.Sequence[str], scratch: Path) -> None:
    """Nobody pays for reading programs from disk."""
    corner = Corner(api.kube(), nodes=len(names))
    for tool, node in zip(names, corner.nodes, strict=True):
        outcome = tools.drain(tool, [node], api.kubeconfig(audit.USER), scratch)
        if outcome.failure:
            raise LabError(f"{tool} cannot even drain an empty node: {outcome.failure}")
    corner.remove()


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare drains.")
    parser.add_argument("--tool", action="append", choices=(tools.KUBECTL, tools.THEIRS, tools.OURS))
    parser.add_argument("--case", action="append", help="a part of the names of the cases to run")
    options = parser.parse_args()
    names = options.tool or [tools.KUBECTL, tools.THEIRS, tools.OURS]
    cases = [case for case in CASES if any(word in case.name for word in options.case or [""])]
    if os.getloadavg()[0] > CALM * (os.cpu_count() or 1):
        say(f"the machine is busy (load {os.getloadavg()[0]:.1f}): figures will be worse than they could be")
    rows: list[report.Row] = []
    try:
        tools.theirs()
        with (
            tempfile.TemporaryDirectory(prefix="kubeops-bench-") as folder,
            cluster.running(Path(folder) / "cluster", {audit.USER: [cluster.ADMINISTRATORS]}, audit.POLICY) as api,
        ):
            warm_up(api, names, Path(folder))
            asked = audit.Audit(api.audit_log)
            for case in cases:
                for tool in names:
                    say(f"{case.name}: {tool}")
                    rows.append(measure(api, asked, case, tool, Path(folder)))
        if tools.OURS in names:
            rows += forecast.rows(options.case or [""])
    except LabError as error:
        say(f"failed: {error}")
        return 1
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps([row.as_dict() for row in rows], indent=2) + "\n")
    print(f"\n{report.table(rows)}\n\n{time.strftime('%F %T')}, Kubernetes {cluster.VERSION}; {RESULT}")
    missed = report.missed(rows, tools.OURS, tools.KUBECTL)
    for sentence in missed:
        print(f"missed: {sentence}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
