# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs for one of two clusters, and runs that forget to say for which.

The first of the files: a cluster that was restored is not well for a while.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster
from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

Play = t.Callable[..., "Run"]

BACKUPS = "/var/backups/kubeops/clusters"


def states(lab: Lab) -> dict[str, t.Any]:
    return {each.cluster: cluster.state(each) for each in lab.clusters}


def test_what_would_be_of_both_is_refused(lab: Lab, play: Play) -> None:
    other = "is of another cluster than host cp2"
    before = states(lab)
    runs = {
        play("backup", f"--extra-vars=etcd_backup_dir={BACKUPS}"): "these hosts are of 2 clusters of etcd",
        play("health"): other,
        play("drain", "--extra-vars=nodes=cp2"): other,
        play("plan", "--extra-vars=kubernetes_version=1.37.1"): other,
    }
    for run, reason in runs.items():
        assert run.finish() != 0
        assert reason in run.output
        assert "-e cluster=" in run.output
    assert states(lab) == before


def test_the_health_of_one(play: Play) -> None:
    run = play("health", "--extra-vars=cluster=cluster2")
    assert run.finish() == 0, run.output
    assert run.says("1 node Ready")
    assert not run.says("cp1")


def test_a_backup_of_one_and_a_drill_leave_the_other_alone(lab: Lab, play: Play) -> None:
    first, second = (Folder(lab, BACKUPS, node) for node in ("cp1", "cp2"))
    before = states(lab)["cluster1"]
    options = ["--extra-vars=cluster=cluster2", f"--extra-vars=etcd_backup_dir={BACKUPS}"]
    try:
        run = play("backup", *options, "--extra-vars=etcd_backup_files=none")
        assert run.finish() == 0, run.output
        (name,) = second.snapshots()
        assert second.sidecar(name)["member"] == "cp2"
        run = play("snapshots", *options, "--extra-vars=drill=true")
        assert run.finish() == 0, run.output
        assert f"cp2: {name}: proven" in run.output
        assert not run.says("cp1")
        assert first.files() == []
        assert states(lab)["cluster1"] == before
    finally:
        second.remove()
