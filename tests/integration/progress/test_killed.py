# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What becomes of a task whose ansible-playbook was killed."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.integration.progress.conftest import DRAIN, HEALTH, Held, drain
from ansible_collections.kubeops.maintenance.tests.integration.progress.playbook import Playbook
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

Process = tuple[int, str]


def test_nothing_is_evicted_and_nothing_left_after_a_kill(api_cluster: ApiCluster, held: Held, tmp_path: Path) -> None:
    with Playbook(tmp_path, {DRAIN: drain(held.node, kubeconfig=str(api_cluster.kubeconfig()))}) as playbook:
        playbook.hears(held.verdict)
        below = killed(playbook)
        # From here on the eviction is allowed, and would happen at once.
        held.lift()
        ended(below)
    web = held.web()
    assert len(web) == 1
    pods = [pod for pod in held.corner.pods(held.node) if pod["metadata"]["name"] in web]
    assert not pods[0]["metadata"].get("deletionTimestamp")
    assert held.corner.node()["spec"]["unschedulable"], "for the run that goes on with it"
    assert list(tmp_path.glob("*/kubeops-*")) == []


def test_a_result_too_large_for_a_queue_that_nobody_empties_keeps_no_process(
    api_cluster: ApiCluster, corner: Corner, tmp_path: Path
) -> None:
    shop = {"group": "shop"}
    corner.deployment("web", 100, labels=shop)
    corner.deployment("sick", 1, labels=shop, ready=False)
    corner.pdb("shop", shop, minAvailable=100)
    with Playbook(tmp_path, {DRAIN: drain(corner.nodes[0], kubeconfig=str(api_cluster.kubeconfig()))}) as playbook:
        playbook.hears("allows no eviction now")
        ended(killed(playbook))


def test_nobody_waits_for_a_cluster_to_be_well_after_a_kill(
    api_cluster: ApiCluster, held: Held, tmp_path: Path
) -> None:
    options = {"checks": ["budgets"], "wait_timeout": 600, "wait_sleep": 1, "kubeconfig": str(api_cluster.kubeconfig())}
    with Playbook(tmp_path, {HEALTH: options}) as playbook:
        playbook.hears("health: 1 check fails")
        ended(killed(playbook))


def killed(playbook: Playbook) -> set[Process]:
    """What it had started: Ansible's worker, a shell perhaps, the module."""
    below = descendants(playbook.process.pid)
    assert len(below) >= 2
    playbook.process.kill()
    playbook.process.wait()
    return below


def ended(below: set[Process]) -> None:
    try:
        until("the end of all that it started", lambda: not [one for one in below if lives(one)], seconds=300)
    finally:
        for process in filter(lives, below):
            os.kill(process[0], signal.SIGKILL)


def descendants(process: int) -> set[Process]:
    """Each with its start, because numbers of processes are used again."""
    children = {}
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            fields = stat(int(path.name))
            children.setdefault(int(fields[1]), []).append((int(path.name), fields[19]))
    found: set[Process] = set()
    below = children.get(process, [])
    while below:
        found.update(below)
        below = [child for number, _start in below for child in children.get(number, [])]
    return found


def lives(process: Process) -> bool:
    """A zombie does not: nobody here is left to reap it but init."""
    with contextlib.suppress(OSError):
        fields = stat(process[0])
        return fields[19] == process[1] and fields[0] != "Z"
    return False


def stat(process: int) -> list[str]:
    """The fields of /proc after the name: state, parent, ..., start."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
