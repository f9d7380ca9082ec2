# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drain whose ansible-playbook was killed."""

from __future__ import annotations

import contextlib
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.integration.progress.conftest import DRAIN, Held, drain
from ansible_collections.kubeops.maintenance.tests.integration.progress.playbook import Playbook
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until


def test_nothing_is_evicted_and_nothing_left_after_a_kill(api_cluster: ApiCluster, held: Held, tmp_path: Path) -> None:
    with Playbook(tmp_path, {DRAIN: drain(held.node, kubeconfig=str(api_cluster.kubeconfig()))}) as playbook:
        playbook.hears(held.verdict)
        below = descendants(playbook.process.pid)
        # Ansible's worker, a shell perhaps, the module.
        assert len(below) >= 2
        playbook.process.kill()
        playbook.process.wait()
        # From here on the eviction is allowed, and would happen at once.
        held.lift()
        until("the end of all that it started", lambda: not [one for one in below if lives(one)], seconds=30)
    web = held.web()
    assert len(web) == 1
    pods = [pod for pod in held.corner.pods(held.node) if pod["metadata"]["name"] in web]
    assert not pods[0]["metadata"].get("deletionTimestamp")
    assert held.corner.node()["spec"]["unschedulable"], "for the run that goes on with it"
    assert list(tmp_path.glob("*/kubeops-*")) == []


Process = tuple[int, str]


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
