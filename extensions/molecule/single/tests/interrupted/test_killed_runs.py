# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs killed at the worst moments, and one that its gate stops. Each one goes on from where the one before ended."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster
from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import TARGET, Run
from ansible_collections.kubeops.maintenance.tests.lab import traffic

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

Start = t.Callable[..., Run]
SICKEN = Path(__file__).parents[2] / "hooks" / "sicken.yml"
NOTE = "import os, sys; print(os.environ['KUBEOPS_STAGE'], os.environ['KUBEOPS_NODE'], file=open(sys.argv[1], 'a'))"
UNIT = f"kubeops-kubeadm-upgrade-{TARGET}.service"


def kubeadm_runs(lab: Lab) -> bool:
    return cluster.shell(lab, "cp1", f"systemctl show --property=SubState --value {UNIT}") == "running"


def kubeadm_swaps_manifests(lab: Lab) -> bool:
    journal = cluster.shell(lab, "cp1", f"journalctl --output=cat --unit={UNIT}")
    return "[upgrade/staticpods] Moving new manifest" in journal


def test_a_run_is_killed_inside_kubeadm_upgrade_apply(lab: Lab, start: Start) -> None:
    run = start()
    run.until("kubeadm is amid the static pods", lambda: kubeadm_swaps_manifests(lab))
    run.kill()
    assert kubeadm_runs(lab), "kubeadm died with the run that had started it"


def pods_leave(lab: Lab, name: str) -> bool:
    """The node is cordoned, and one of its pods is on its way out."""
    return cluster.unschedulable(lab, name) and any(
        pod["metadata"].get("deletionTimestamp") for pod in cluster.pods_on(lab, name)
    )


def test_the_next_run_goes_on_and_is_killed_in_the_middle_of_a_drain(lab: Lab, start: Start) -> None:
    assert kubeadm_runs(lab), "kubeadm was to be still at work"
    run = start()
    run.until("pods leave w1", lambda: pods_leave(lab, "w1"))
    run.kill()
    run.until_gone()  # the eviction stops with the run
    assert run.says(f"Plan: finish the upgrade to {TARGET}")
    assert starts_of_kubeadm_apply(lab) == 1, "kubeadm was started anew instead of waited for"
    left = cluster.work(lab, "w1")
    assert left
    assert left["target"] == TARGET
    assert not left["unschedulable_before"]


def starts_of_kubeadm_apply(lab: Lab) -> int:
    journal = cluster.shell(lab, "cp1", f"journalctl --output=cat --unit={UNIT}")
    return journal.count("[upgrade/control-plane] Upgrading your static Pod-hosted control plane")


def test_the_node_in_work_breaks_meanwhile(lab: Lab) -> None:
    """Its kubelet is off, as a run that was killed later would have left it: the next run repairs it first."""
    cluster.shell(lab, "w1", "systemctl stop kubelet")
    cluster.until_ready(lab, "w1", wanted=False)


def test_the_next_run_repairs_it_and_stops_at_its_gate(lab: Lab, start: Start, tmp_path: Path) -> None:
    """A workload turns ill while the node is out. The node has been given back by then; still the next run knows."""
    notes = tmp_path / "notes"
    hooks: list[dict[str, t.Any]] = [
        {"name": f"note {stage}", "when": stage, "command": ["python3", "-c", NOTE, str(notes)]}
        for stage in ("before_drain", "after_drain", "before_uncordon", "after")
    ]
    hooks.append({"name": "sicken", "when": "before_uncordon", "tasks": str(SICKEN)})
    run = start("--extra-vars", json.dumps({"node_hooks": hooks, "health_timeout": 10}))
    assert run.finish() != 0
    assert run.says("workloads: default/deployment/sick: 0 of 1 pod available; it was well before")
    assert notes.read_text().splitlines() == ["before_drain w1", "after_drain w1", "before_uncordon w1"]
    assert not cluster.unschedulable(lab, "w1")
    left = cluster.work(lab, "w1")
    assert left
    assert left["given_back"]
    assert left["baseline"]["workloads"] == {}
    traffic.kubectl(lab, "delete", "deployment", "sick")
