# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role shows of the snapshots in two hosts' directories."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_info
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd

COLLECTIONS = pathlib.Path(etcd_info.__file__).parents[5]
PLAY = """
- hosts: all
  gather_facts: false
  max_fail_percentage: 0
  roles:
    - role: kubeops.maintenance.snapshots
      snapshots_dir: "{{ place }}"
      snapshots_hosts: "{{ ansible_play_hosts }}"
"""


class Shown(t.NamedTuple):
    code: int
    said: str


@pytest.fixture
def places(etcd: Etcd, tmp_path: pathlib.Path) -> list[pathlib.Path]:
    """Of two hosts: both have both snapshots of the first one's member."""
    client = Client(etcd.local)
    client.put(b"/registry/pods/shop/one", b"k8s\0")
    etcd.backup()
    client.put(b"/registry/pods/shop/two", b"k8s\0")
    etcd.backup()
    shutil.copytree(etcd.backups, tmp_path / "copies")
    return [etcd.backups, tmp_path / "copies"]


@pytest.fixture
def show(places: list[pathlib.Path], tmp_path: pathlib.Path) -> t.Callable[..., Shown]:
    def run(**variables: t.Any) -> Shown:
        here = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
        hosts = {f"cp{number}": {"place": str(place), **here} for number, place in enumerate(places, 1)}
        (tmp_path / "hosts.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
        (tmp_path / "play.yml").write_text(PLAY)
        command = [pathlib.Path(sys.executable).parent / "ansible-playbook", "-i", "hosts.yml", "play.yml"]
        ended = subprocess.run(
            [*command, "-e", json.dumps(variables)],
            cwd=tmp_path,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
                "ANSIBLE_HOME": str(tmp_path / "ansible"),
                "ANSIBLE_NOCOLOR": "1",
            },
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )
        return Shown(ended.returncode, ended.stdout)

    return run


def test_what_is_shown(places: list[pathlib.Path], show: t.Callable[..., Shown]) -> None:
    old, new = sorted(path.name for path in places[0].glob("*.db"))
    newest = show(snapshots_inspect="true")
    assert newest.code == 0, newest.said
    assert newest.said.count(f"{new}: 2 objects at revision 3") == 2
    named = show(snapshots_inspect=old, snapshots_compare=[old, new])
    assert named.code == 0, named.said
    assert named.said.count(f"{old}: 1 objects at revision 2") == 1
    assert named.said.count("1 objects added, 0 removed, 0 changed") == 1
    assert "added: pods in shop: two" in named.said
    refused = show(snapshots_compare=[old, "x.db"])
    assert refused.code != 0
    assert f"No host has {old} and x.db in" in refused.said
