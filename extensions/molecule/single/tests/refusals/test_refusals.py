# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What cannot end well is refused before anything changes, and the message names the thing and the fix."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
import yaml
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster, faults
from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import TARGET, Run
from ansible_collections.kubeops.maintenance.tests.lab.topology import host

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

Inventory = dict[str, t.Any]
Start = t.Callable[..., Run]
NOBODY = 250


def without_control_planes(inventory: Inventory, _: Lab) -> None:
    groups = inventory["all"]["children"]
    groups["machines"] = groups.pop("kube_control_plane")


def with_a_host_that_is_gone(inventory: Inventory, lab: Lab) -> None:
    gone = {"ansible_host": host(lab.subnet, NOBODY), "ansible_ssh_timeout": 3}
    inventory["all"]["children"]["kube_node"]["hosts"]["w3"] = gone


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A bad request: what is wrong, and what the message has to say about it."""

    what: str
    says: tuple[str, ...]
    version: str = TARGET
    inventory: t.Callable[[Inventory, Lab], None] = lambda inventory, lab: None
    arguments: tuple[str, ...] = ()
    fault: faults.Fault = faults.none


REFUSALS = [
    Refusal(
        "a version that the repository does not have",
        ("kubeadm, kubelet, kubectl 1.37.99: not in the package repository", "choose a released version of 1.37"),
        version="1.37.99",
    ),
    Refusal(
        "two minors at once",
        ("1.36.4 to 1.38.0 is 2 minors at once", "upgrade to the latest 1.37, then 1.38.0"),
        version="1.38.0",
    ),
    Refusal(
        "a minor downgrade",
        ("kube-apiserver on cp1 is 1.36.4", "the target is 1.35.8", "choose 1.36.4 or later"),
        version="1.35.8",
    ),
    Refusal(
        "a patch downgrade",
        ("kube-apiserver on cp1 is 1.36.4", "the target is 1.36.3", "choose 1.36.4 or later"),
        version="1.36.3",
    ),
    Refusal(
        "no group of control planes",
        ("no host in the group kube_control_plane", "Put every control plane of the cluster there"),
        inventory=without_control_planes,
    ),
    Refusal(
        "a host that cannot be reached",
        ("Could not be reached: w3", "Bring the host back"),
        inventory=with_a_host_that_is_gone,
    ),
    Refusal(
        "a host whose node is not in the cluster",
        ("host w2", '"w9" is not in the cluster', "join its node to the cluster"),
        fault=faults.other_identity,
    ),
    Refusal(
        "an API that does not answer",
        ("https://127.0.0.1:1", "refused"),
        arguments=("--extra-vars=kubeconfig={nobody}",),
    ),
    Refusal(
        "an unhealthy etcd member",
        ("etcd member cp1", "NOSPACE", "repair it before the upgrade"),
        fault=faults.etcd_alarm,
    ),
    Refusal(
        "too little room for the snapshot",
        (f"cp1:{faults.BACKUPS}", "1 MiB free", "needed", "free "),
        fault=faults.small_disk,
    ),
    Refusal(
        "a node that is not Ready",
        ("node/w2", "kubectl describe node w2"),
        fault=faults.kubelet_stopped,
    ),
]


@pytest.fixture
def nobody(lab: Lab, tmp_path: Path) -> Path:
    """A kubeconfig that leads to a port where nobody listens."""
    config = yaml.safe_load(lab.kubeconfig.read_text())
    config["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "nobody.kubeconfig"
    file.touch(mode=0o600)
    file.write_text(yaml.safe_dump(config))
    return file


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.what)
def test_refused(refusal: Refusal, lab: Lab, start: Start, nobody: Path, tmp_path: Path) -> None:
    inventory = yaml.safe_load(lab.inventory.read_text())
    refusal.inventory(inventory, lab)
    file = tmp_path / "hosts.yml"
    file.write_text(yaml.safe_dump(inventory))
    with refusal.fault(lab):
        before = cluster.state(lab)
        arguments = (argument.format(nobody=nobody) for argument in refusal.arguments)
        run = start(*arguments, inventory=file, version=refusal.version)
        code = run.finish()
        after = cluster.state(lab)
    assert code != 0
    assert [phrase for phrase in refusal.says if phrase not in run.message] == [], run.message
    assert after == before


def test_check_mode_ends_after_plan_and_forecast(lab: Lab, start: Start) -> None:
    before = cluster.state(lab)
    run = start("--check")
    assert run.finish() == 0
    assert run.says(f"Plan: upgrade from 1.36.4 to {TARGET}")
    assert run.says("node w1 marked unschedulable")
    assert cluster.state(lab) == before
