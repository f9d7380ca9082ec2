# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""snapshots.yml on the snapshot that the upgrade has left."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run

BACKUPS = "/var/backups/kubeops/etcd"
NOTHING = {"hourly": 0, "daily": 0, "weekly": 0, "monthly": 0, "at_least": 1}

testinfra_hosts = ["ansible://kube_control_plane"]


@pytest.fixture
def look_after(play: t.Callable[..., Run]) -> t.Callable[..., str]:
    """What the playbook says, run with these variables."""

    def work(*arguments: str, **variables: t.Any) -> str:
        run = play("snapshots", f"--extra-vars={json.dumps(variables)}", *arguments)
        assert run.finish() == 0, run.output
        return run.output

    return work


def test_one_from_before_an_upgrade_is_kept_until_it_is_released(host, look_after, play) -> None:
    with host.sudo():
        (name,) = host.check_output(f"ls {BACKUPS} | grep '[.]db$'").split()
    assert f"{name} pre-upgrade" in look_after(verify=True)
    kept = look_after(prune=True, etcd_backup_keep=NOTHING)
    assert f"keep {name}: from before an upgrade: kept until it is released" in kept
    assert f"{name} pre-upgrade" in look_after("--check", release=name)
    assert "verified when it was taken, released" in look_after(release=name)
    assert f"keep {name}: one of the 1 newest" in look_after(prune=True, etcd_backup_keep=NOTHING)
    refused = play("snapshots", "--extra-vars=release=nobody")
    assert refused.finish() != 0
    assert f"No host has a snapshot nobody in {BACKUPS}, so nothing was released. There are: {name}" in refused.output
    with host.sudo():
        assert host.check_output(f"ls {BACKUPS}").split() == [name, f"{name}.json", "tools"]


def test_etcd_info_on_a_real_node(host) -> None:
    """Through the module as Ansible brings it to the node."""
    result = host.ansible("kubeops.maintenance.etcd_info", become=True, check=False)
    assert result["ok"], result["summary"]
    assert result["source"] == "/etc/kubernetes/manifests/etcd.yaml"
    assert (result["member"], result["leader"], result["data_dir"]) == ("cp1", "cp1", "/var/lib/etcd")
    statuses = {check["name"]: check["status"] for check in result["checks"]}
    assert statuses.pop("etcd data equal") == "skip"  # nobody to compare with
    assert set(statuses.values()) == {"pass"}
