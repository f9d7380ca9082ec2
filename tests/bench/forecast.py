# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forecast for a node of a large cluster, which has to be quick and small however many pods there are."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import Kube, connect

from ..api.pki import Pki
from ..lab.progress import say
from . import large_cluster, report, tools

SERVER = Path(large_cluster.__file__)
SECONDS = 10
MEGABYTES = 600
CASES = {
    "forecast, 150,000 pods, room nearby": large_cluster.EASY,
    "forecast, 150,000 pods, no room": large_cluster.HARD,
}


def rows(words: t.Sequence[str]) -> list[report.Row]:
    """Of the cases that have one of ``words`` in their names. There is no other tool that says as much."""
    cases = {name: node for name, node in CASES.items() if any(word in name for word in words)}
    if not cases:
        return []
    with tempfile.TemporaryDirectory(prefix="kubeops-bench-") as folder:
        scratch = Path(folder)
        pki = Pki(scratch / "pki")
        with _server(*pki.server("large")) as port:
            access = {"host": f"https://127.0.0.1:{port}", "ca_cert": str(pki.ca)}
            kube = connect(access)
            return [_row(name, node, access, kube, scratch) for name, node in cases.items()]


def _row(case: str, node: str, access: dict[str, str], kube: Kube, scratch: Path) -> report.Row:
    say(case)
    load = os.getloadavg()[0]
    kube.get("/calls")
    options = {"name": node, **access, "delete_options": {"ignore_daemonsets": True}, "_ansible_check_mode": True}
    outcome = tools.run_module(tools.OURS, [options], scratch)
    calls = kube.get("/calls")
    failure = outcome.failure or _wrong(json.loads(outcome.said), node)
    seconds = outcome.seconds - (calls["first"] - outcome.started)
    return report.Row(
        case=case,
        tool=tools.OURS,
        seconds=round(seconds, 2),
        start_seconds=round(calls["first"] - outcome.started, 2),
        limit_seconds=None if failure else SECONDS,
        ratio=None if failure else round(seconds / SECONDS, 2),
        api_calls=calls["number"],
        refusals=0,
        peak_rss_mb=round(outcome.peak_rss_mb, 1),
        load=round(load, 1),
        failure=failure,
        goal=1,
        most_mb=MEGABYTES,
    )


def _wrong(result: dict[str, t.Any], node: str) -> str:
    """A quick answer that is not right is none."""
    lost = 1 if node == large_cluster.HARD else 0
    found = len(result["evicted"]), len(result["no_room"])
    return "" if found == (large_cluster.LEAVING, lost) else f"{found[0]} pods to evict, {found[1]} without room"


@contextlib.contextmanager
def _server(certificate: Path, key: Path) -> t.Iterator[int]:
    command = [sys.executable, str(SERVER), str(certificate), str(key)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield int(process.stdout.readline())
        finally:
            process.kill()
