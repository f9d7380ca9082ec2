# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real member on a machine that is no control plane, and control planes whose files go with its snapshot."""

from __future__ import annotations

import json
import pathlib
import stat
import subprocess
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd
from ansible_collections.kubeops.maintenance.tests.integration.etcd.test_archive import Keys, age
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_control_plane import Node
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.test_encryption_config import (
    DOCUMENTED,
)

PLAY = """
- hosts: all
  gather_facts: false
  max_fail_percentage: 0
  module_defaults:
    kubeops.maintenance.etcd_info: {manifest_dir: "{{ manifests }}"}
    kubeops.maintenance.etcd_snapshot: {manifest_dir: "{{ manifests }}"}
    kubeops.maintenance.etcd_snapshot_files: {manifest_dir: "{{ manifests }}"}
  tasks:
    - ansible.builtin.include_role: {name: kubeops.maintenance.backup}
      vars:
        backup_hosts: "{{ ansible_play_hosts }}"
        backup_dir: "{{ place }}/backups"
        backup_files: "{{ files | default('encrypted') }}"
        backup_recipients: "{{ recipients }}"
    - ansible.builtin.include_role: {name: kubeops.maintenance.copies}
      vars:
        copies_hosts: [cp2, e1] # cp1 would be told of in the end
        copies_dir: "{{ place }}/backups"
        copies_controller: "{{ controller }}"
      when: controller is defined
"""
OURS, THEIRS = ".files.age", ".control-plane.files.age"


class Site:
    """The machine of etcd, a control plane that does not answer, and one that does."""

    def __init__(self, etcd: Etcd, root: pathlib.Path) -> None:
        self.etcd, self.root = etcd, root
        self.keys: Keys = age(root / "key")
        self.controller = root / "controller"
        self.node = Node(root / "cp2")
        (self.node.manifests / "etcd.yaml").unlink()
        self.node.pod(
            "kube-apiserver",
            f"--encryption-provider-config={self.node.write('kubernetes/enc.yaml', DOCUMENTED)}",
            f"--etcd-servers={etcd.client_url}",
            f"--etcd-cafile={etcd.local.ca_file}",
            f"--etcd-certfile={etcd.local.cert_file}",
            f"--etcd-keyfile={etcd.local.key_file}",
        )
        Client(etcd.local).put(b"/registry/secrets/default/a", b"k8s:enc:aesgcm:v1:key1:xxxx")

    @property
    def backups(self) -> tuple[pathlib.Path, ...]:
        """Everywhere that the snapshot goes."""
        return self.etcd.backups, self.root / "cp2" / "backups", self.controller

    def play(self, *options: str, **variables: t.Any) -> playbook_run.Run:
        hosts = {
            "cp1": {"ansible_host": "127.0.0.1", "ansible_port": 1, "place": "/nowhere", "manifests": "/nowhere"},
            "cp2": {"manifests": str(self.node.manifests), "place": str(self.root / "cp2"), **playbook_run.HERE},
            "e1": {"manifests": str(self.etcd.root), "place": str(self.etcd.root), **playbook_run.HERE},
        }
        playbook = self.root / "play.yml"
        playbook.write_text(PLAY)
        given = {"recipients": [self.keys.public], **variables}
        return playbook_run.play(self.root, {"all": {"hosts": hosts}}, playbook, *options, **given)

    def taken(self, place: pathlib.Path) -> tuple[pathlib.Path, dict[str, t.Any]]:
        """The one snapshot that is there, with its sidecar."""
        (path,) = place.glob("*.db")
        return path, json.loads(path.with_name(f"{path.name}.json").read_text())


@pytest.fixture
def site(etcd: Etcd, tmp_path: pathlib.Path) -> Site:
    return Site(etcd, tmp_path)


def test_they_go_wherever_the_snapshot_goes(site: Site, tmp_path: pathlib.Path) -> None:
    ended = site.play("-vvv", controller=str(site.controller))
    assert ended.code == 0, ended.said
    assert '"data"' not in ended.said
    assert "only etcd's own are saved" not in ended.said
    for place in site.backups:
        path, sidecar = site.taken(place)
        told = sidecar["control_plane_archive"]
        archive = path.with_name(told["name"])
        assert told["name"] == path.name + THEIRS
        assert {one.name for one in place.iterdir() if one.is_file()} == {
            path.name + end for end in ("", ".json", OURS, THEIRS)
        }
        assert stat.S_IMODE(archive.stat().st_mode) == 0o600
        opened = site.keys.open(archive)
        assert opened.returncode == 0, opened.stderr
        listed = subprocess.run(["tar", "-t"], input=opened.stdout, capture_output=True, check=True).stdout.decode()
        assert [one.rstrip("/") for one in listed.splitlines()] == told["paths"]
        root = str(site.node.kubernetes).lstrip("/")
        assert {f"{root}/{one}" for one in ("manifests/kube-apiserver.yaml", "pki/ca.key", "enc.yaml")} < set(
            told["paths"]
        )
        assert [one["archived"] for one in sidecar["encryption"]] == [True]
        found = modules.call(etcd_snapshot_info, dir=str(place), verify=True)
        assert (found["ok"], found["snapshots"][0]["control_plane_archive"]) == (True, told)
        archive.write_bytes(b"x" * told["size"])
        assert "is not the archive" in modules.call(etcd_snapshot_info, dir=str(place), verify=True)["summary"][1]
    assert not list(tmp_path.rglob("control-plane-*"))


def test_check_mode_writes_nothing(site: Site) -> None:
    ended = site.play("--check")
    assert ended.code == 0, ended.said
    assert "would save a manual snapshot of etcd/cp1" in ended.said
    assert not any(place.exists() for place in site.backups)


def test_a_control_plane_that_cannot_encrypt_stops_it_before_anything_is_written(site: Site) -> None:
    ended = site.play(recipients=["age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"])
    assert ended.code == 2
    assert "cp2]: FAILED" in ended.said
    assert "Nothing was written" in ended.said
    assert not any(place.exists() for place in site.backups)


def test_without_recipients_a_warning_says_what_is_missing(site: Site) -> None:
    ended = site.play(recipients=[])
    assert ended.code == 0, ended.said
    assert "nobody is named who may decrypt them" in ended.said
    _path, sidecar = site.taken(site.etcd.backups)
    assert (sidecar["archive"], sidecar["control_plane_archive"]) == (None, None)


def test_plain_only_where_the_user_says_so_and_nothing_of_it_stays_on_the_way(site: Site) -> None:
    ended = site.play("-vvv", files="plain", recipients=[])
    assert ended.code == 0, ended.said
    path, _sidecar = site.taken(site.etcd.backups)
    listed = subprocess.run(
        ["tar", "-tf", f"{path}.control-plane.files.tar"], capture_output=True, check=True, text=True
    ).stdout
    assert f"{site.node.kubernetes}/pki/ca.key".lstrip("/") in listed.splitlines()
    assert not list(site.root.rglob("control-plane-*"))
