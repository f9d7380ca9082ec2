# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Three control planes that are folders of this machine, for a real ansible-playbook."""

from __future__ import annotations

import json
import pathlib
import sys
import typing as t

from ansible_collections.kubeops.maintenance.tests.integration import playbook_run


class Site:
    """Hosts, each with a directory for its snapshots, and the controller's directory."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root, self.controller = root, root / "controller"
        self.temporary = root / "tmp"
        self.temporary.mkdir()
        self.python = sys.executable
        self.lost: set[str] = set()

    def backups(self, host: str) -> pathlib.Path:
        return self.root / host

    def play(self, *tasks: dict[str, t.Any], hosts: str = "cp1", options: t.Sequence[str] = (), ok: bool = True) -> str:
        return self.run([{"hosts": hosts, "gather_facts": False, "tasks": list(tasks)}], options, ok)

    def run(self, plays: list[dict[str, t.Any]], options: t.Sequence[str] = (), ok: bool = True) -> str:
        done = playbook_run.run([*self.command(plays), *options], self.environment)
        assert (done.code == 0) == ok, done.said
        return done.said

    def command(self, plays: list[dict[str, t.Any]]) -> list[str]:
        one = {"ansible_connection": "local", "ansible_python_interpreter": self.python}
        hosts = {name: {"backups": str(self.backups(name)), **one} for name in ("cp1", "cp2", "cp3")}
        for name in self.lost:
            hosts[name].update(ansible_connection="ssh", ansible_host="127.0.0.1", ansible_port="9")
        everybody = {"controller": str(self.controller)}
        groups = {"kube_control_plane": {"hosts": hosts}}
        inventory, playbook = self.root / "inventory.yml", self.root / "play.yml"
        inventory.write_text(json.dumps({"all": {"vars": everybody, "children": groups}}))
        playbook.write_text(json.dumps(plays))
        return playbook_run.command(inventory, playbook)

    @property
    def environment(self) -> dict[str, str]:
        ours = {"ANSIBLE_LOCAL_TEMP": str(self.root / "local"), "ANSIBLE_REMOTE_TEMP": str(self.root / "remote")}
        return {
            **playbook_run.environment(self.root),
            **ours,
            "ANSIBLE_LOG_PATH": str(self.root / "log"),
            "TMPDIR": str(self.temporary),
        }

    def content(self, place: pathlib.Path) -> dict[str, bytes]:
        """The files in it, and none below."""
        found = sorted(place.iterdir()) if place.exists() else []
        return {path.name: path.read_bytes() for path in found if path.is_file()}

    def modes(self, place: pathlib.Path) -> set[int]:
        return {path.stat().st_mode & 0o777 for path in place.iterdir() if path.is_file()}
