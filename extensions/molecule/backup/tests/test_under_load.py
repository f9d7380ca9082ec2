# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A snapshot of a cluster that works: nobody loses a write, and the file holds what was there when it began."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.extensions.molecule.support import backups, cluster

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab
    from testinfra.host import Host

Start = t.Callable[..., "Run"]


def test_check_mode_writes_nothing(backup: Start, folder: Folder) -> None:
    run = backup("--check")
    assert run.finish() == 0, run.output
    assert run.says(f"would save a manual snapshot of etcd/cp1 to {folder.path}")
    assert folder.state() == ""


def test_nobody_loses_a_write(lab: Lab, backup: Start, folder: Folder) -> None:
    with backups.namespace(lab, "load"):
        with backups.Writers(lab, "load") as writers:
            before, written = writers.revision, len(writers.acknowledged)
            run = backup(reason="under load")
            assert run.finish() == 0, run.output
            after, meanwhile = writers.revision, len(writers.acknowledged) - written
        assert writers.lost() == set()
    assert writers.refused == []
    assert meanwhile > 100
    print(f"{meanwhile} writes meanwhile, the slowest took {writers.longest:.2f} s")
    (name,) = folder.snapshots()
    sidecar = folder.sidecar(name)
    assert before <= sidecar["revision"] <= after
    assert name.endswith(f"-manual-rev{sidecar['revision']}.db")
    assert run.says(f"{folder.path}/{name}: revision {sidecar['revision']}")


def test_the_sidecar_tells_what_it_is_of(lab: Lab, folder: Folder) -> None:
    (name,) = folder.snapshots()
    sidecar = folder.sidecar(name)
    (system,) = cluster.objects(lab, "get", "namespace", "kube-system")
    told = {key: sidecar[key] for key in ("member", "kube_system_uid", "tier", "reason", "etcd_version")}
    assert told == {
        "member": "cp1",
        "kube_system_uid": system["metadata"]["uid"],
        "tier": "manual",
        "reason": "under load",
        "etcd_version": "3.6.16",
    }
    assert [member["name"] for member in sidecar["members"]] == ["cp1"]


def test_the_programs_of_a_restore_are_kept_with_it(folder: Folder) -> None:
    """Those of the running member, taken out of its container, which has no shell."""
    (name,) = folder.snapshots()
    sidecar = folder.sidecar(name)
    assert sidecar["save_method"] == "etcdctl 3.6.16"
    kept = f"{folder.path}/tools/etcd-3.6.16"
    digests = folder.shell(f"cd {kept} && stat -c '%U %a' . etcd etcdctl etcdutl && sha256sum etcd etcdctl etcdutl")
    assert digests.splitlines()[:4] == ["root 700"] * 4
    told = {line.split()[1]: line.split()[0] for line in digests.splitlines()[4:]}
    assert sidecar["tools"] == {"version": "3.6.16", "directory": kept, "programs": told}
    with folder.scratch() as place:
        folder.shell(f"{kept}/etcdutl snapshot restore {folder.path}/{name} --data-dir={place}/data")
        assert folder.shell(f"ls {place}/data") == "member"


def test_only_root_can_read_it(on: t.Callable[[str], Host], folder: Folder) -> None:
    files = (
        on("cp1").check_output(f"find {folder.path} -type f -not -path '*/tools/*' -printf '%u %m %P\\n'").splitlines()
    )
    assert sorted(files) == [f"root 600 {name}" for name in folder.files()]
    assert folder.shell(f"stat -c '%U %a' {folder.path}") == "root 700"


def test_a_second_run_takes_another_one(backup: Start, snapshots: Start, folder: Folder) -> None:
    (first,) = folder.snapshots()
    run = backup()
    assert run.finish() == 0, run.output
    assert folder.snapshots()[0] == first
    assert len(folder.snapshots()) == 2
    run = snapshots("--extra-vars=verify=true")
    assert run.finish() == 0, run.output
    for name in folder.snapshots():
        assert run.says(name)
    assert run.output.count("verified again") == 2
