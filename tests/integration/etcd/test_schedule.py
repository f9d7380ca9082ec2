# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one file that timers run, with a bare Python and nothing of Ansible, against real members."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import choose
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import snapshot, store
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.plugins.plugin_utils import _onefile
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Release,
    agreed,
    make,
    together,
)
from ansible_collections.kubeops.maintenance.tests.integration.etcd.servers import BUCKET, S3

# The oldest that nodes may have, where this machine has it, and one that has nothing of the collection's.
OLDEST = sorted((pathlib.Path.home() / ".pyenv" / "versions").glob("3.9.*/bin/python3"))
SYSTEM = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable
BIG = b"x" * 200_000


class Tool:
    """The tool as it is installed on the node of a member, with a configuration of its own."""

    def __init__(self, etcd: Etcd, python: str = SYSTEM, **settings: t.Any) -> None:
        self.etcd = etcd
        self.program = etcd.root / "etcd-backup.pyz"
        self.program.write_bytes(_onefile.build("_schedule.tool", python)[0])
        self.program.chmod(0o700)
        self.config = etcd.root / "etcd-backup.json"
        self.config.touch(0o600)
        self.config.write_text(json.dumps({"dir": str(etcd.backups), "manifest_dir": str(etcd.root), **settings}))

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": "/nowhere", "PYTHONSTARTUP": "/nowhere"}
        command = [self.program, "--config", self.config, *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=subprocess.STDOUT, text=True, cwd="/", env=environment)

    def run(self, *words: str) -> tuple[int, list[str]]:
        with self.start(*words) as process:
            said, _nothing = process.communicate(timeout=300)
        return process.returncode, said.splitlines()

    @property
    def snapshots(self) -> list[str]:
        return [path for path, _sidecar in store.described(str(self.etcd.backups))]


@pytest.mark.parametrize("python", [SYSTEM, *map(str, OLDEST)])
def test_a_run_takes_a_verified_snapshot_and_prunes(etcd: Etcd, python: str) -> None:
    none = dict.fromkeys(("hourly", "daily", "weekly", "monthly"), 0)
    tool = Tool(etcd, python, tier="daily", keep={**none, "at_least": 2}, files="none")
    by_hand = etcd.backup()["snapshot"]["path"]
    for number in range(3):
        Client(etcd.local).put(b"/registry/pods/%d" % number, b"p")
        code, said = tool.run("backup")
        assert code == 0, said
    newest, *others = tool.snapshots
    assert said[0].startswith(f"took {newest}: revision 4, 3 keys, ")
    assert said[-1] == f"{pathlib.Path(newest).name} is there and verified; 1 deleted, 3 kept"
    assert [line for line in said if line.startswith("deleted etcd-cp1-")]
    assert len(others) == 2
    assert by_hand in others
    assert snapshot.verify(newest).contents.revision == 4
    sidecar = json.loads(pathlib.Path(store.sidecar(newest)).read_text())
    assert (sidecar["tier"], sidecar["reason"]) == ("daily", "taken by the schedule")


def test_of_several_members_one_takes_it_and_the_others_say_who(
    releases: list[Release], tmp_path: pathlib.Path
) -> None:
    members = make(releases[-1], tmp_path, ["cp1", "cp2", "cp3"])
    tools = {member.name: Tool(member) for member in members}
    with together(members):
        turn, ended = -1, {}
        while turn != choose.turn(datetime.datetime.now(datetime.UTC)):  # an hour may begin in between
            turn = choose.turn(datetime.datetime.now(datetime.UTC))
            before = {name: len(tool.snapshots) for name, tool in tools.items()}
            ended = {name: tool.run("backup") for name, tool in tools.items()}
        took = [name for name, tool in tools.items() if len(tool.snapshots) > before[name]]
        assert len(took) == 1
        leader = members[0].gateway.status().leader
        assert next(one for one in members if one.name == took[0]).gateway.status().member_id != leader
        for name in {*tools} - {*took}:
            assert ended[name] == (0, [f"{took[0]} takes this turn's snapshot, {name} has nothing to do"])
        lost = next(one for one in members if one.name == took[0])
        lost.end()
        others = [tool for name, tool in tools.items() if name != took[0]]
        agreed([tool.etcd for tool in others])
        said = [line for tool in others for line in tool.run("backup")[1]]
        assert sum(f"etcd/{took[0]} passed over: does not answer" in line for line in said) == 2
        assert sum(len(tool.snapshots) for tool in others) == 1
        code, said = tools[took[0]].run("backup")
    assert code == 1
    assert said[-1].startswith("FAILED: no member of etcd says who the members are: ")


@pytest.mark.parametrize("alarm", ["NOSPACE", "CORRUPT"])
def test_no_member_may(etcd: Etcd, alarm: str) -> None:
    member = int(etcd.gateway.status().member_id, 16)
    Client(etcd.local).call("maintenance/alarm", action="ACTIVATE", memberID=str(member), alarm=alarm)
    tool = Tool(etcd)
    code, said = tool.run("backup")
    assert code == 1
    assert f"FAILED: no member of etcd may take a snapshot, so none was taken: cp1 has raised {alarm}" in said[-1]
    assert tool.snapshots == []


def test_a_directory_that_everybody_may_write_to(etcd: Etcd) -> None:
    etcd.backups.mkdir()
    etcd.backups.chmod(0o777)
    code, said = Tool(etcd).run("backup")
    assert (code, said[-1]) == (
        1,
        f"FAILED: {etcd.backups}: everybody may write to it. Choose another, or: chmod 0700 {etcd.backups}",
    )


def test_what_is_taken_stays_where_it_cannot_be_pruned(etcd: Etcd) -> None:
    """An orphan that cannot be deleted is the last thing that a pruning comes to."""
    none = dict.fromkeys(("hourly", "daily", "weekly", "monthly"), 0)
    tool = Tool(etcd, keep={**none, "at_least": 1})
    assert tool.run("backup")[0] == 0
    [first] = tool.snapshots
    orphan = pathlib.Path(store.sidecar(first.replace("-hourly-", "-daily-")))
    orphan.mkdir()
    os.utime(orphan, (0, 0))
    code, said = tool.run("backup")
    orphan.rmdir()
    assert code == 1
    assert said[-1].startswith(f"FAILED: {orphan}: ")
    assert "Before that it took " in said[-1]
    assert first not in tool.snapshots
    assert len(tool.snapshots) == 1


def test_the_files_of_the_control_plane_are_saved_for_who_may_read_them(etcd: Etcd, tmp_path: pathlib.Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    public = subprocess.run(["age-keygen", "-y", key], check=True, capture_output=True, text=True).stdout.strip()
    tool = Tool(etcd, recipients=[public])
    assert tool.run("check") == (0, [])
    code, said = tool.run("backup")
    assert code == 0, said
    [taken] = tool.snapshots
    opened = subprocess.run(["age", "-d", "-i", key, f"{taken}.files.age"], check=True, capture_output=True).stdout
    assert b"etcd.yaml" in opened
    code, said = Tool(etcd, recipients=["age1nobody"]).run("check")
    assert (code, said[-1].partition(":")[0]) == (1, "FAILED")
    code, said = Tool(etcd).run("backup")
    assert code == 0
    assert [line for line in said if line.startswith("control plane files: ")]


def test_it_is_copied_to_a_remote_before_anything_is_pruned(etcd: Etcd, s3: S3) -> None:
    none = dict.fromkeys(("hourly", "daily", "weekly", "monthly"), 0)
    places = {"remote": f"s3:{BUCKET}/etcd", "remote_config": str(s3.config)}
    tool = Tool(etcd, keep={**none, "at_least": 1}, **places)
    assert tool.run("backup")[0] == 0
    [first] = tool.snapshots
    s3.stop()
    code, said = tool.run("backup")
    assert code == 1
    assert said[-1].startswith(f"FAILED: s3:{BUCKET}/etcd: it does not answer")
    assert "Before that it took " in said[-1]
    assert len(tool.snapshots) == 2
    assert first in tool.snapshots
    s3.start()
    code, said = tool.run("backup")
    assert code == 0, said
    assert f"; 2 copied to s3:{BUCKET}/etcd and read back; 2 deleted, 1 kept" in said[-1]
    there = [name for name in s3.files() if name.endswith(".db")]
    assert {pathlib.Path(path).name for path in (first, *tool.snapshots)} < set(there)
    assert len(there) == 3


def test_a_drill_proves_the_newest_or_fails(etcd: Etcd) -> None:
    tool = Tool(etcd, files="none")
    code, said = tool.run("drill")
    assert code == 0
    assert said[-1] == f"{etcd.backups} has no snapshot yet, so there is nothing to prove"
    for number in range(2):
        Client(etcd.local).put(b"/registry/pods/%d" % number, b"p")
        assert tool.run("backup")[0] == 0
    code, said = tool.run("drill")
    assert code == 0, said
    newest, older = tool.snapshots
    name = pathlib.Path(newest).name
    assert said[-1].startswith(f"{name} was restored with etcd {etcd.release.version} and is what it was: proven in ")
    proven = [bool(json.loads(pathlib.Path(store.sidecar(path)).read_text()).get("proven")) for path in (newest, older)]
    assert proven == [True, False]
    content = pathlib.Path(newest).read_bytes()
    pathlib.Path(newest).write_bytes(content[:-40] + bytes((content[-40] ^ 1,)) + content[-39:])
    code, said = tool.run("drill")
    assert code == 1
    assert said[-1].startswith("FAILED: the drill failed, and the snapshot counts as damaged from now on: ")


def test_one_that_systemd_ends_leaves_nothing(etcd: Etcd) -> None:
    client = Client(etcd.local)
    for number in range(300):
        client.put(b"/registry/configmaps/%d" % number, BIG)
    tool = Tool(etcd)
    with tool.start("backup") as process:
        until(lambda: list(etcd.backups.glob("*.part")) or None, Deadline(120), lambda: "no snapshot", interval=0.01)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGTERM
    assert list(etcd.backups.glob("etcd-*")) == []


def test_a_configuration_is_checked_and_a_notice_given(etcd: Etcd) -> None:
    told = etcd.root / "told.json"
    command = [sys.executable, "-c", f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"]
    tool = Tool(etcd, on_failure={"command": command})
    assert tool.run("check") == (0, [])
    code, said = tool.run("failed", "no-such-unit.service")
    assert code == 0, said
    assert said[-1].endswith(f"{sys.executable} was run")
    assert json.loads(told.read_text())["unit"] == "no-such-unit.service"
    tool.config.chmod(0o644)
    assert tool.run("check") == (0, [])
    assert tool.run("failed", "x.service")[0] == 1
    tool.config.write_text('{"dir": "/b", "kep": {}}')
    code, said = tool.run("check")
    assert (code, said[-1].partition("; ")[0]) == (1, f"FAILED: {tool.config}: unknown key kep")


def test_the_status_of_this_node(etcd: Etcd) -> None:
    tool = Tool(etcd)
    tool.run("backup")
    code, said = tool.run("status")
    assert code == 0, said
    assert pathlib.Path(tool.snapshots[0]).name in said[-1]
    assert "verified when it was taken" in said[-1]
