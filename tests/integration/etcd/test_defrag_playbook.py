# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook on hosts whose members are real: each runs under a systemd that is played, with its own folder."""

from __future__ import annotations

import pathlib
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run
from ansible_collections.kubeops.maintenance.tests.integration.etcd.fragmented import FREE, fragment, leader, status
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Release,
    make,
    together,
)
from ansible_collections.kubeops.maintenance.tests.integration.etcd.test_nospace import alarms, fill, small
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.restores import put

SMALL = {"defrag_free_bytes": FREE}
Play = t.Callable[..., playbook_run.Run]


def host(one: Etcd) -> dict[str, t.Any]:
    """Its interpreter finds a systemctl that knows the unit of this member."""
    local, programs = one.local, one.root / "programs"
    programs.mkdir(exist_ok=True)
    flags = {
        "name": one.name,
        "data-dir": local.data_dir,
        "initial-advertise-peer-urls": one.peer_url,
        "listen-client-urls": local.endpoint,
        "trusted-ca-file": local.ca_file,
        "cert-file": local.cert_file,
        "key-file": local.key_file,
        **({"quota-backend-bytes": word.partition("=")[2]} if (word := one.flags[-1]).startswith("--quota") else {}),
    }
    argv = " ".join(f"--{name}={value}" for name, value in flags.items())
    start = f"{{ path=/usr/bin/etcd ; argv[]=/usr/bin/etcd {argv} ; ignore_errors=no ; pid=0 }}"
    systemctl, python = programs / "systemctl", programs / "python"
    systemctl.write_text(f"#!/bin/sh\n[ $1 = show ] || exit 0\ncat <<'END'\nLoadState=loaded\nExecStart={start}\nEND\n")
    python.write_text(f'#!/bin/sh\nPATH={programs}:$PATH exec {sys.executable} "$@"\n')
    for path in (systemctl, python):
        path.chmod(0o755)
    return {**playbook_run.HERE, "ansible_python_interpreter": str(python)}


@pytest.fixture
def members(releases: list[Release], tmp_path: pathlib.Path) -> t.Iterator[t.Sequence[Etcd]]:
    with together(small(make(releases[-1], tmp_path, ("m1", "m2", "m3")))) as started:
        yield started


@pytest.fixture
def play(members: t.Sequence[Etcd], tmp_path: pathlib.Path) -> Play:
    def run(*options: str, **variables: t.Any) -> playbook_run.Run:
        hosts = {f"host-of-{one.name}": host(one) for one in members}
        groups = {"kube_control_plane": {"hosts": {"cp1": {}}}, "etcd": {"hosts": hosts}}
        inventory = {"all": {"children": groups}}
        return playbook_run.play(tmp_path, inventory, "kubeops.maintenance.defrag", *options, **{**SMALL, **variables})

    return run


def sizes(members: t.Sequence[Etcd]) -> list[int]:
    return [status(one).db_size for one in members]


def test_the_leader_last(members: t.Sequence[Etcd], play: Play) -> None:
    fragment(members)
    before, led = sizes(members), leader(members)
    followers = [one.name for one in members if one is not led]

    run = play("--check")
    assert run.code == 0, run.said
    assert sizes(members) == before
    for one in members:
        assert f"etcd/{one.name}: would defragment it, which makes it stand still for about 1 s: " in run.said
    assert f"etcd/{led.name}: would move the leadership to the best of " in run.said

    run = play()
    assert run.code == 0, run.said
    places = [run.said.index(f"etcd/{name}: defragment it") for name in [*followers, led.name]]
    assert places == sorted(places)
    assert all(after < size - FREE for after, size in zip(sizes(members), before, strict=True))
    assert leader(members).name in followers
    assert f"host-of-{led.name} " in run.said.rpartition("PLAY RECAP")[2]

    run = play(defrag_free_percent=0, defrag_free_bytes=0)
    assert run.code == 0, run.said
    assert run.said.count(": nothing to do: ") == 3
    assert "changed=0" in run.said
    assert "defragment it" not in run.said


def test_the_way_out_of_nospace(members: t.Sequence[Etcd], play: Play) -> None:
    fill(members[0], lambda number: b"/registry/leases/one")
    run = play()
    assert run.code
    assert "Nothing was changed. " in run.said
    assert run.said.count("-e defrag_recover_nospace=true") == run.said.count("etcd has no alarm: ") > 0
    before = sizes(members)
    run = play("--check", defrag_recover_nospace=True)
    assert run.code == 0, run.said
    compacted = run.said.index("would compact to the current revision")
    disarmed = run.said.index("would disarm NOSPACE")
    assert compacted < run.said.index(": would defragment it") < run.said.rindex(": would defragment it") < disarmed
    assert sizes(members) == before
    assert alarms(members[0])
    run = play(defrag_recover_nospace=True)
    assert run.code == 0, run.said
    compacted, disarmed = run.said.index(": compact to the current revision "), run.said.index(": disarm NOSPACE of ")
    assert run.said.count(": compact to the current revision ") == 1
    assert compacted < min(run.said.index(f"etcd/{one.name}: defragment it") for one in members)
    assert disarmed > max(run.said.index(f"etcd/{one.name}: defragment it") for one in members)
    assert alarms(members[0]) == []
    Client(members[0].local).put(b"/registry/leases/two", b"there is room")


def test_one_reason_stops_all(members: t.Sequence[Etcd], play: Play, tmp_path: pathlib.Path) -> None:
    """A host that is silent, too: what is at work there is not known."""
    fragment(members)
    before = sizes(members)
    restored = put(members[2].data, plan.STOPPED)
    run = play()
    assert run.code
    assert "no restore in progress: etcd: " in run.said
    plan.enter(restored, plan.FINISHED)
    silent = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
    hosts = {f"host-of-{one.name}": host(one) for one in members[:2]}
    groups = {"kube_control_plane": {"hosts": {**hosts, "silent": silent}}}
    run = playbook_run.play(tmp_path, {"all": {"children": groups}}, "kubeops.maintenance.defrag", **SMALL)
    assert run.code
    assert "silent does not answer: " in run.said
    assert "etcd/m3: no host of this run has it, so it is left as it is" in run.said
    assert sizes(members) == before


def test_a_run_without_the_controller(play: Play) -> None:
    """Which makes the order: nothing would be done, and nothing said."""
    run = play("--limit", "etcd")
    assert run.code
    assert "--limit etcd leaves out the controller" in run.said
    run = play("--limit", "host-of-m1,localhost")
    assert run.code
    assert "Nothing was changed. host-of-m2: its member was not looked at. Run it without --limit" in run.said


def test_a_cluster_without_the_group_etcd_beside_one_with_it(releases: list[Release], tmp_path: pathlib.Path) -> None:
    with Etcd(releases[-1], tmp_path / "m1", "m1").running() as etcd:
        two = {"hosts": {"host-of-m1": host(etcd)}}
        groups = {"kube_control_plane": two, "two": two, "etcd": {"hosts": {"elsewhere": {}}}}
        run = playbook_run.play(
            tmp_path, {"all": {"children": groups}}, "kubeops.maintenance.defrag", "--check", cluster="two"
        )
    assert run.code == 0, run.said
    assert "etcd/m1: nothing to do: " in run.said


def test_everybody_comes_to_the_same_order(tmp_path: pathlib.Path) -> None:
    """Whose hosts are in another order at the same time defragments another member."""
    names = [f"h{number}" for number in range(9, 0, -1)]
    hosts = {"hosts": {name: dict(playbook_run.HERE) for name in names}}
    run = playbook_run.play(
        tmp_path, {"all": {"children": {"kube_control_plane": hosts}}}, "kubeops.maintenance.defrag"
    )
    reasons = run.said[run.said.index("Nothing was changed. ") :]
    found = [reasons.index(f"{name}: no etcd member") for name in names]
    assert found == sorted(found)
