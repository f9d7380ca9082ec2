# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A save that is killed in its middle: nothing looks whole, and the next run begins as if there had been none."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from testinfra.host import Host

Start = t.Callable[..., "Run"]
On = t.Callable[[str], "Host"]


@pytest.fixture(scope="module", autouse=True)
def large(ballast: None) -> None:
    """Or no save would last until it is met."""


def test_etcdctl_is_killed_and_the_gateway_takes_its_place(backup: Start, folder: Folder) -> None:
    with folder.met("kill") as met:
        run = backup()
        assert run.finish() == 0, run.output
    assert met()["name"] == "etcdctl"
    (name,) = folder.snapshots()
    assert folder.sidecar(name)["save_method"] == "gateway"
    assert folder.files() == [name, f"{name}.json"]
    folder.remove()


def nothing_looks_whole(folder: Folder) -> None:
    left = folder.files()
    assert left, "what was killed was no save"
    assert [name for name in left if ".part" not in name] == []
    until("the end of all that writes there", lambda: not folder.shell(f"pgrep -f {folder.path} || true"))
    folder.shell("flock --nonblock /run/kubeops-etcd.lock true")


def test_the_module_is_killed_and_its_etcdctl_ends_with_it(backup: Start, folder: Folder) -> None:
    with folder.met("kill-starter") as met:
        run = backup()
        assert run.finish() != 0
    assert met()["name"] == "etcdctl"
    nothing_looks_whole(folder)


def test_the_module_is_killed_while_it_writes_itself(on: On, folder: Folder) -> None:
    with folder.met("kill") as met:
        options = f"dir={folder.path} save_with=gateway"
        result = on("cp1").ansible("kubeops.maintenance.etcd_snapshot", options, become=True, check=False)
        assert "snapshot" not in result
    assert met()["name"].startswith("python")
    nothing_looks_whole(folder)


def test_the_next_run_cleans_up_and_succeeds(backup: Start, snapshots: Start, folder: Folder) -> None:
    left = folder.files()
    assert left
    assert backup("--check").finish() == 0
    assert folder.files() == left, "not in check mode"
    assert backup().finish() == 0
    (name,) = folder.snapshots()
    assert [name for name in folder.files() if ".part" in name] == []
    run = snapshots(verify=True)
    assert run.finish() == 0, run.output
    assert run.says(name)
