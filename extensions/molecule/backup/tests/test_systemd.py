# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An etcd that systemd runs, on a node of its own, told by its unit however that is written."""

from __future__ import annotations

import json
import shlex
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.kubeops.maintenance.extensions.molecule import support
from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import releases
from ansible_collections.kubeops.maintenance.tests.lab import podman

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

NODE = "w2"
ETCD = "/usr/local/bin/etcd"
MAKE = (Path(support.__file__).parent / "systemd_etcd.sh").read_text()
REMOVE = f"""
systemctl stop etcd
rm -rf /etc/systemd/system/etcd.service* /etc/etcd.env /etc/ssl/etcd /var/lib/etcd/data {ETCD}
userdel etcd
systemctl daemon-reload
"""
FILES = {
    *(f"etc/ssl/etcd/{name}.pem" for name in ("ca", "member", "member-key", "admin", "admin-key")),
    "etc/etcd.env",
    "etc/systemd/system/etcd.service",
    "etc/systemd/system/etcd.service.d/10-tuning.conf",
}


@pytest.fixture(scope="module")
def folder(lab: Lab) -> t.Iterator[Folder]:
    made = Folder(lab, "/var/backups/kubeops/systemd", NODE)
    podman.podman("cp", releases()[-1].directory / "etcd", f"{lab.container(NODE)}:{ETCD}")
    yield made
    made.shell(REMOVE)
    made.remove()


@pytest.fixture
def inventory(lab: Lab, tmp_path: Path) -> Path:
    """Where the node is all that there is of a control plane."""
    known = yaml.safe_load(lab.inventory.read_text())["all"]
    hosts = {"hosts": {NODE: known["children"]["kube_node"]["hosts"][NODE]}}
    file = tmp_path / "hosts.yml"
    file.write_text(json.dumps({"all": {"vars": known["vars"], "children": {"kube_control_plane": hosts}}}))
    return file


@pytest.mark.parametrize(
    "command",
    [
        f"{ETCD} --name ${{MEMBER}}",
        f"{ETCD} $SEVERAL $UNSET",
        f"""/bin/bash -c "GOMAXPROCS=$$(nproc) exec {ETCD} --name=\\"${{MEMBER}}\\"" """,
    ],
    ids=["one word", "several words", "a shell"],
)
def test_a_snapshot_with_all_that_the_unit_names(
    play: t.Callable[..., Run], folder: Folder, inventory: Path, command: str
) -> None:
    folder.remove()
    folder.shell(f"set -- {shlex.quote(command.strip())}\n{MAKE}")
    variables = json.dumps({"etcd_backup_dir": folder.path, "etcd_backup_files": "plain"})
    run = play("backup", f"--extra-vars={variables}", inventory=inventory)
    assert run.finish() == 0, run.output
    (name,) = folder.snapshots()
    sidecar = folder.sidecar(name)
    assert sidecar["member"] == "etcd1"
    assert set(sidecar["archive"]["paths"]) >= FILES
    assert sidecar["archive"]["left_out"] == []
    archived = folder.shell(f"tar -tf {folder.path}/{sidecar['archive']['name']}").splitlines()
    assert [one.rstrip("/") for one in archived] == sidecar["archive"]["paths"]
    assert "this node is no control plane, so only etcd's own are saved" in run.output
