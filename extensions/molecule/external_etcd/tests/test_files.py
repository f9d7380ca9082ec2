# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the control plane go with the snapshot, which is taken on a machine that has none of them."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.extensions.molecule.support import archives, restores
from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
from ansible_collections.kubeops.maintenance.tests.lab.process import output, run

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.kubeops.maintenance.extensions.molecule.support.restores import Start
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

DIRECTORY = "/var/backups/kubeops/files"
KUBEADM = "from-snapshot/kube-system/configmaps/kubeadm-config/ClusterConfiguration"


def test_on_every_machine_that_has_the_snapshot(lab: Lab, play: Start, members: list[str], tmp_path: Path) -> None:
    key = tmp_path / "key.txt"
    run("age-keygen", "-o", key)
    backup = restores.starter(play, "backup", etcd_backup_dir=DIRECTORY)
    (first, *_others) = [node.name for node in lab.nodes if "kube_control_plane" in node.groups]
    folders = {node: Folder(lab, DIRECTORY, node) for node in (*members, first)}
    there = archives.on_the_node(folders[first])
    assert {"/etc/kubernetes/manifests/kube-apiserver.yaml", "/etc/kubernetes/pki/ca.key"} < set(there)
    try:
        taken = backup(etcd_backup_recipients=[output("age-keygen", "-y", key)])
        assert taken.finish() == 0, taken.output
        assert "only etcd's own are saved" not in taken.output
        for node, folder in folders.items():
            (name,) = folder.snapshots()
            sidecar = folder.sidecar(name)
            place = tmp_path / node
            for field in ("archive", "control_plane_archive"):
                sealed = folder.fetch(sidecar[field]["name"], tmp_path / f"{node}-{field}")
                archives.open_with_age(key, sealed, place)
            assert archives.missing(there, place) == []
            assert (place / KUBEADM).read_text()
            assert sorted(folder.files()) == sorted(
                [name, f"{name}.json", f"{name}.files.age", f"{name}.control-plane.files.age"]
            )
    finally:
        for folder in folders.values():
            folder.remove()
