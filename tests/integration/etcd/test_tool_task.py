# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program as a task installs it: made on the controller, copied as Ansible copies."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.integration import playbook_run


@pytest.fixture
def install(tmp_path: pathlib.Path) -> t.Callable[..., t.Any]:
    """The diff and the result of one task."""
    task = {
        "kubeops.maintenance.etcd_backup_tool": {"dest": str(tmp_path / "tool.pyz"), "python": sys.executable},
        "register": "it",
    }
    shown = {"ansible.builtin.copy": {"content": "{{ it | to_json }}", "dest": str(tmp_path / "result.json")}}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [task, {**shown, "check_mode": False, "diff": False}]}
    (tmp_path / "play.yml").write_text(json.dumps([play]))

    def run(*arguments: str) -> tuple[str, dict[str, t.Any]]:
        inventory = {"all": {"hosts": {"localhost": playbook_run.HERE}}}
        ended = playbook_run.play(tmp_path, inventory, tmp_path / "play.yml", "--diff", *arguments)
        assert ended.code == 0, ended.said
        return ended.said, json.loads((tmp_path / "result.json").read_text())

    return run


def test_it_is_installed_once_and_shows_its_version(install: t.Callable[..., t.Any], tmp_path: pathlib.Path) -> None:
    tool = tmp_path / "tool.pyz"
    said, foretold = install("--check")
    assert foretold["changed"]
    assert f"+{foretold['version']}\n" in said
    assert not tool.exists()
    said, result = install()
    assert result["changed"]
    assert f"+{result['version']}\n" in said
    assert "import" not in said
    answer = subprocess.run([tool, "--version"], check=True, capture_output=True, text=True).stdout
    assert answer == f"{result['version']}\n"
    assert (tool.stat().st_mode & 0o777, tool.stat().st_uid) == (0o755, 0)
    said, again = install()
    assert (again["changed"], again["version"]) == (False, result["version"])
    tool.chmod(0o777)
    assert install()[1]["changed"]
    tool.write_text("another one")
    said, other = install()
    assert other["changed"]
    assert "another one" not in said
    assert list((tmp_path / "ansible" / "tmp").iterdir()) == []
