# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role copies: one snapshot to two other control planes, to the controller and to a real S3 server."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.integration.etcd import snapshots
from ansible_collections.kubeops.maintenance.tests.integration.etcd.servers import BUCKET, S3
from ansible_collections.kubeops.maintenance.tests.integration.etcd.site import Site

REMOTE = f"s3:{BUCKET}/etcd"


class Cluster(Site):
    """cp1 has taken a snapshot."""

    def __init__(self, root: pathlib.Path, s3: S3) -> None:
        super().__init__(root)
        self.s3 = s3
        tools = snapshots.keep_tools(self.backups("cp1"), "3.6.16", etcdutl=b"the tool")
        self.snapshot = snapshots.put(self.backups("cp1"), 8, archive=b"encrypted", control_plane=b"PKI", tools=tools)
        self.lines: list[str] = []

    def copy(self, *options: str, ok: bool = True, **variables: t.Any) -> str:
        taken = "{{ {'snapshot': {'path': path}} if inventory_hostname == 'cp1' else {'skipped': true} }}"
        role = {
            "copies_hosts": "{{ ansible_play_hosts }}",
            "copies_dir": "{{ backups }}",
            "copies_remote_config": str(self.s3.config),
            **variables,
        }
        play = {
            "hosts": "kube_control_plane",
            "gather_facts": False,
            "max_fail_percentage": 0,
            "vars": {"path": str(self.snapshot)},
            "tasks": [
                {"ansible.builtin.set_fact": {"backup_result": taken}},
                {"ansible.builtin.include_role": {"name": "kubeops.maintenance.copies"}, "vars": role},
            ],
        }
        return self.run([play], options, ok)

    def noted(self) -> set[str]:
        return {one["to"] for one in snapshots.sidecar(self.snapshot).get("copies", ())}

    def has(self, host: str) -> bool:
        return (self.backups(host) / self.snapshot.name).exists()


@pytest.fixture
def cluster(tmp_path: pathlib.Path, s3: S3) -> Cluster:
    return Cluster(tmp_path, s3)


def test_everywhere(cluster: Cluster) -> None:
    everywhere = {"copies_controller": str(cluster.controller), "copies_remote": REMOTE}
    said = cluster.copy(**everywhere)
    files = {name: content for name, content in cluster.content(cluster.backups("cp1")).items() if "json" not in name}
    for place in (cluster.backups("cp2"), cluster.backups("cp3"), cluster.controller):
        assert {name: content for name, content in cluster.content(place).items() if "json" not in name} == files
        assert snapshots.sidecar(place / cluster.snapshot.name)["sha256"]
        assert (place / "tools" / "etcd-3.6.16" / "etcdutl").read_bytes() == b"the tool"
    assert cluster.s3.files() == [*sorted(files), f"{cluster.snapshot.name}.json"]
    assert cluster.noted() == {
        f"cp2:{cluster.backups('cp1')}",
        f"cp3:{cluster.backups('cp1')}",
        f"controller:{cluster.controller}",
        REMOTE,
    }
    assert f"{cluster.snapshot.name}: verified copies in " in said
    again = cluster.copy(**everywhere)
    assert again.count("changed=0") == 3


def test_the_controller_keeps_nothing_of_what_was_only_on_its_way(cluster: Cluster) -> None:
    cluster.copy()
    assert cluster.has("cp2")
    assert cluster.has("cp3")
    assert not list(cluster.temporary.rglob("*.db*"))


def test_one_host_that_cannot_have_it_and_one_that_is_lost(cluster: Cluster) -> None:
    """Both are named, and everybody else has a copy."""
    cluster.backups("cp2").mkdir(mode=0o700)
    (cluster.backups("cp2") / cluster.snapshot.name).write_text("something else")
    cluster.lost = {"cp3"}
    said = " ".join(cluster.copy(ok=False, copies_controller=str(cluster.controller), copies_remote=REMOTE).split())
    assert "no copy on cp2: " in said
    assert "there is another file of that name" in said
    assert "no copy on cp3: " in said
    assert f"The snapshot itself is verified and safe: {cluster.snapshot.name} on cp1" in said
    assert cluster.noted() == {f"controller:{cluster.controller}", REMOTE}
    assert (cluster.controller / cluster.snapshot.name).exists()
    assert cluster.snapshot.name in cluster.s3.files()


def test_a_remote_that_does_not_answer(cluster: Cluster) -> None:
    cluster.s3.stop()
    said = " ".join(cluster.copy(ok=False, copies_remote=REMOTE).split())
    assert f"no copy on the remote: {REMOTE}: it does not answer" in said
    assert cluster.has("cp2")


def test_only_the_remote_and_only_this_one(cluster: Cluster) -> None:
    snapshots.put(cluster.backups("cp1"), 7)
    cluster.copy(copies_control_planes=False, copies_remote=REMOTE, copies_remote_all=False)
    assert not cluster.has("cp2")
    assert [name for name in cluster.s3.files() if name.endswith(".db")] == [cluster.snapshot.name]


def test_check_mode_says_where(cluster: Cluster) -> None:
    said = cluster.copy("--check", copies_controller="/srv/x", copies_remote=REMOTE)
    assert f"upload {cluster.snapshot.name} to {REMOTE}" in said
    assert "would copy the snapshot to cp2:" in said
    assert cluster.s3.files() == []
    assert not cluster.has("cp2")
