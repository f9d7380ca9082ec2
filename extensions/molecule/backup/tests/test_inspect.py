# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file holds, told without a cluster, against what the API of the cluster it is of counts."""

from __future__ import annotations

import collections
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import backups, cluster
from ansible_collections.kubeops.maintenance.tests.lab import traffic

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab
    from testinfra.host import Host

Start = t.Callable[..., "Run"]

WIDGETS = Path(__file__).parents[1] / "objects" / "widgets.yml"
# Kinds of all groups, of namespaces and of none, of which none comes or goes by itself.
CORE = ("configmaps", "namespaces", "nodes", "pods", "secrets", "serviceaccounts", "services")
GROUPS = ("apiservices.apiregistration.k8s.io", "clusterroles", "daemonsets", "deployments", "replicasets", "roles")
CUSTOM = ("customresourcedefinitions.apiextensions.k8s.io", "widgets.kubeops.test")


@pytest.fixture(scope="module", autouse=True)
def widgets(lab: Lab) -> t.Iterator[None]:
    """Three objects of a kind that Kubernetes does not bring, in two namespaces."""
    traffic.kubectl(lab, "apply", "--filename=-", stdin=WIDGETS.read_text())
    try:
        traffic.kubectl(
            lab,
            "wait",
            "--for=condition=Established",
            "--timeout=300s",
            "customresourcedefinition/widgets.kubeops.test",
        )
        with backups.namespace(lab, "widgets"):
            for namespace, name in (("default", "a"), ("widgets", "a"), ("widgets", "b")):
                make(lab, namespace, name)
            yield
    finally:
        traffic.kubectl(lab, "delete", "--filename=-", stdin=WIDGETS.read_text())


def make(lab: Lab, namespace: str, name: str) -> None:
    widget = {"apiVersion": "kubeops.test/v1", "kind": "Widget", "metadata": {"name": name, "namespace": namespace}}
    traffic.kubectl(lab, "create", "--filename=-", stdin=json.dumps(widget))


def counted(lab: Lab, resource: str) -> dict[str, int]:
    """Namespace -> number of objects, as the API says; those of no namespace have an empty one."""
    found = cluster.objects(lab, "get", resource, "--all-namespaces")
    return dict(collections.Counter(one["metadata"].get("namespace", "") for one in found))


def test_it_holds_what_the_api_counts(
    lab: Lab, on: t.Callable[[str], Host], backup: Start, snapshots: Start, folder: Folder
) -> None:
    kinds = (*CORE, *GROUPS, *CUSTOM)
    assert backup().finish() == 0
    there = {kind: counted(lab, kind) for kind in kinds}
    options = f"dir={folder.path} inspect=true"
    result = on("cp1").ansible("kubeops.maintenance.etcd_snapshot_info", options, become=True, check=False)
    resources = {one["resource"]: one for one in result["snapshots"][0]["contents"]["resources"]}
    told = {kind: resources[kind]["namespaces"] or {"": resources[kind]["objects"]} for kind in kinds}
    assert told == there
    assert there["widgets.kubeops.test"] == {"default": 1, "widgets": 2}

    run = snapshots(inspect=True)
    assert run.finish() == 0, run.output
    assert run.says("widgets.kubeops.test 3")


def test_what_has_changed_since(lab: Lab, backup: Start, snapshots: Start, folder: Folder) -> None:
    (before,) = folder.snapshots()
    make(lab, "default", "newcomer")
    traffic.kubectl(lab, "--namespace=widgets", "delete", "widgets.kubeops.test/b")
    assert backup(tier="daily").finish() == 0
    assert [folder.sidecar(name)["tier"] for name in folder.snapshots()] == ["manual", "daily"]
    run = snapshots(compare=f"{before},{folder.snapshots()[-1]}")
    assert run.finish() == 0, run.output
    assert run.says("1 objects added, 1 removed")
    assert run.says("added: widgets.kubeops.test in default: newcomer")
    assert run.says("removed: widgets.kubeops.test in widgets: b")
