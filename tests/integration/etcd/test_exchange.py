# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots from a node to the controller and from there to others, by a real ansible-playbook."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import vault
from ansible_collections.kubeops.maintenance.tests.integration.etcd import snapshots
from ansible_collections.kubeops.maintenance.tests.integration.etcd.site import Site
from ansible_collections.kubeops.maintenance.tests.integration.playbook_run import ROOT

FETCH, SEND = "kubeops.maintenance.etcd_snapshot_fetch", "kubeops.maintenance.etcd_snapshot_send"
# Prints what its children needed at most, in KiB.
MEASURED = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True);"
MEASURED += "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"


def fetch(**more: t.Any) -> dict[str, t.Any]:
    return {FETCH: {"dir": "{{ backups }}", "dest": "{{ controller }}", **more}, "register": "done"}


def send(**more: t.Any) -> dict[str, t.Any]:
    return {SEND: {"dir": "{{ backups }}", "src": "{{ controller }}", **more}, "register": "done"}


@pytest.fixture
def site(tmp_path: pathlib.Path) -> Site:
    return Site(tmp_path)


def test_to_the_controller_and_to_another_node(site: Site) -> None:
    snapshots.put(site.backups("cp1"), 8, size=12, archive=b"SECRET" * 1000, control_plane=b"PKI")
    cp1 = site.content(site.backups("cp1"))
    assert "changed=1" in site.play(fetch(), options=["--check"])
    assert not site.controller.exists()
    said = site.play(fetch(), options=["-vvv"])
    assert "changed=1" in said
    assert site.content(site.controller) == cp1
    assert site.modes(site.controller) == {0o600}
    assert site.controller.stat().st_mode & 0o777 == 0o700
    assert "changed=0" in site.play(fetch())

    assert "changed=1" in site.play(send(), hosts="cp2", options=["--check"])
    assert not site.backups("cp2").exists()
    said += site.play(send(), hosts="cp2", options=["-vvv"])
    assert site.content(site.backups("cp2")) == cp1
    assert site.modes(site.backups("cp2")) == {0o600}
    assert site.backups("cp2").stat().st_mode & 0o777 == 0o700
    assert "changed=0" in site.play(send(), hosts="cp2")

    # 6 MiB that do not pack have been on both ways, and none of it was said.
    said += (site.root / "log").read_text()
    assert len(said) < 300_000
    assert '"data"' not in said
    assert not list(site.root.rglob("*piece*"))


PROGRAMS = {"etcd": b"the server" * 500_000, "etcdutl": b"the tool" * 200_000}


def test_the_tools_of_a_snapshot(site: Site) -> None:
    """A host that has lost its disk has none, and the controller may be all that is left."""
    place, there = site.backups("cp1"), site.backups("cp2")
    tools = snapshots.keep_tools(place, "3.6.16", **PROGRAMS)
    for hour in (8, 9):
        snapshots.put(place, hour, tools=tools)
    both = (fetch(tools=True), "cp1", site.controller), (send(tools=True), "cp2", there)
    for task, host, target in both:
        assert "changed=1" in site.play(task, hosts=host, options=["--check"])
        assert not target.exists()
        assert "changed=1" in site.play(task, hosts=host)
        folder = target / "tools" / "etcd-3.6.16"
        assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in PROGRAMS} == PROGRAMS
        assert {path.name for path in folder.iterdir()} == {*PROGRAMS, "SHA256SUMS"}
        assert {path.stat().st_mode & 0o777 for path in (folder, folder / "etcdutl")} == {0o700}
        assert vault.kept(str(target), "3.6.16") == tools["programs"]
        assert "changed=0" in site.play(task, hosts=host)
    assert sorted(vault.programs(str(there), "3.6.16")) == sorted(PROGRAMS)

    # One of them is rotten, and what is fine stays.
    (there / "tools" / "etcd-3.6.16" / "etcdutl").write_bytes(b"rotten")
    inode = (there / "tools" / "etcd-3.6.16" / "etcd").stat().st_ino
    assert "changed=1" in site.play(send(tools=True), hosts="cp2")
    assert vault.kept(str(there), "3.6.16") == tools["programs"]
    assert (there / "tools" / "etcd-3.6.16" / "etcd").stat().st_ino == inode
    assert "changed=0" in site.play(send(), hosts="cp2")


def test_tools_that_are_not_what_the_sidecar_says_are_not_brought(site: Site) -> None:
    tools = snapshots.keep_tools(site.backups("cp1"), "3.6.16", **PROGRAMS)
    snapshots.put(site.backups("cp1"), 8, tools={**tools, "programs": {"etcdutl": "0" * 64}})
    site.play(fetch(tools=True))
    assert not (site.controller / "tools").exists()


def test_a_broken_transfer_goes_on(site: Site) -> None:
    path = snapshots.put(site.backups("cp1"), 8, size=12)
    site.controller.mkdir(mode=0o700)
    part = site.controller / f"{path.name}.part"
    part.write_bytes(path.read_bytes()[:-1000])
    inode = part.stat().st_ino
    site.play(fetch())
    assert (site.controller / path.name).read_bytes() == path.read_bytes()
    assert (site.controller / path.name).stat().st_ino == inode

    site.backups("cp2").mkdir(mode=0o700)
    (site.backups("cp2") / f"{path.name}.part").write_bytes(path.read_bytes()[:7_000_000])
    site.play(send(), hosts="cp2")
    assert site.content(site.backups("cp2")) == site.content(site.backups("cp1"))


@pytest.mark.parametrize("task", ["fetch", "send"])
def test_what_does_not_fit_together_is_no_snapshot(site: Site, task: str) -> None:
    """Half of something else was left there: the checksum of the whole tells."""
    source, there = ("cp1", site.controller) if task == "fetch" else ("controller", site.backups("cp2"))
    path = snapshots.put(site.backups(source), 8)
    there.mkdir(mode=0o700)
    (there / f"{path.name}.part").write_bytes(b"x" * 5000)
    work, host = (fetch(), "cp1") if task == "fetch" else (send(), "cp2")
    said = site.play(work, hosts=host, ok=False)
    assert "What has arrived of it was removed; the snapshot itself is where it was" in said
    assert site.content(there) == {}
    site.play(work, hosts=host)
    assert site.content(there) == site.content(site.backups(source))


@pytest.mark.parametrize("what", ["", ".files.age", ".control-plane.files.age"])
def test_damaged_on_the_node(site: Site, what: str) -> None:
    path = snapshots.put(site.backups("cp1"), 8, archive=b"encrypted", control_plane=b"encrypted")
    snapshots.flip(path.with_name(path.name + what), -1)
    said = site.play(fetch(), ok=False)
    assert ("is not the archive" if what else "The snapshot is damaged") in said
    assert site.content(site.controller) == {}


def test_another_file_of_that_name_stays(site: Site) -> None:
    path = snapshots.put(site.backups("cp1"), 8)
    site.controller.mkdir(mode=0o700)
    (site.controller / path.name).write_text("mine")
    assert "there is another file of that name" in site.play(fetch(), ok=False)
    assert (site.controller / path.name).read_text() == "mine"


def test_a_node_that_says_half_a_word(site: Site) -> None:
    """Its words have a piece in them, so they are not told."""
    snapshots.put(site.backups("cp1"), 8, size=4)
    python = site.root / "python"
    python.write_text(f'#!/bin/sh\n{sys.executable} "$@" | head -c 100000\n')
    python.chmod(0o700)
    site.python = str(python)
    said = site.play(fetch(), options=["-vvv"], ok=False)
    assert "the module did not end as a module does" in said
    assert len(said) < 60_000
    assert site.content(site.controller).keys() <= {snapshots.name(8) + ".part"}


def test_debugging_would_print_it(site: Site) -> None:
    snapshots.put(site.backups("cp1"), 8)
    command = site.command([{"hosts": "cp1", "gather_facts": False, "tasks": [fetch()]}])
    debugging = {**site.environment, "ANSIBLE_DEBUG": "1"}
    done = subprocess.run(command, cwd=ROOT, env=debugging, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "ANSIBLE_DEBUG would print every Secret" in done.stdout
    assert site.content(site.controller) == {}


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(site: Site) -> None:
    both = [
        {"hosts": "cp1", "gather_facts": False, "tasks": [fetch()]},
        {"hosts": "cp2", "gather_facts": False, "tasks": [send()]},
    ]

    def peak(size: int, hour: int) -> float:
        snapshots.put(site.backups("cp1"), hour, size=size)
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *site.command(both)],
            cwd=ROOT,
            env=site.environment,
            capture_output=True,
            text=True,
            timeout=900,
            check=True,
        )
        return int(done.stdout.split()[-1]) / 1024

    small, large = peak(1, 8), peak(200, 9)
    print(f"peak of RSS: {small:.0f} MiB for 1 MiB, {large:.0f} MiB for 200 MiB")
    assert site.content(site.backups("cp2")) == site.content(site.backups("cp1"))
    assert large < small + 128
