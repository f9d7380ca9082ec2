# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What AWX shows: the events of ansible-runner."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import ansible_runner
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run
from ansible_collections.kubeops.maintenance.tests.integration.progress import playbook
from ansible_collections.kubeops.maintenance.tests.integration.progress.conftest import DRAIN, Held, drain


def test_lines_are_events_while_the_drain_runs(api_cluster: ApiCluster, held: Held, tmp_path: Path) -> None:
    inventory, play = playbook.write(tmp_path, {DRAIN: drain(held.node, kubeconfig=str(api_cluster.kubeconfig()))})
    folder = tmp_path / "runner"
    folder.mkdir()
    events: list[dict[str, t.Any]] = []

    def listen(event: dict[str, t.Any]) -> None:
        events.append(event)
        if held.verdict in event["stdout"]:
            held.lift()

    run = ansible_runner.run(
        private_data_dir=str(folder),
        playbook=str(play),
        inventory=str(inventory),
        envvars={
            "ANSIBLE_COLLECTIONS_PATH": str(playbook_run.ROOT / ".collections"),
            "ANSIBLE_LOCAL_TEMP": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        },
        event_handler=listen,
        quiet=True,
        timeout=playbook.SECONDS,
    )
    assert (run.status, run.rc) == ("successful", 0), "\n".join(event["stdout"] for event in events)
    lines = [event for event in events if event["stdout"].startswith(held.node)]
    assert {event["event"] for event in lines} == {"verbose"}
    assert lines[0]["stdout"] == f"{held.node}: cordoned"
    assert lines[-1]["stdout"].startswith(f"{held.node}: empty after")
