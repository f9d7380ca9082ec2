# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One file of sources, for nodes that have Python alone."""

from __future__ import annotations

import pathlib
import subprocess
import sys

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils import _onefile

SOURCES = {
    "tool.py": "from ._errors import Oops\nfrom ._room import help, seen\ndef main(v): print(v, help.SAID)\n",
    "_errors.py": "class Oops(Exception): ...\n",
    "_room/__init__.py": "from . import seen\n",
    "_room/help.py": "def late():\n    from .. import _late\nSAID = 'helped'\n",
    "_room/seen.py": "",
    "_room/unseen.py": "import ansible\n",
    "_late.py": "import json, os.path\n",
    "_other.py": "import ansible\n",
}


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    root = tmp_path / "plugins" / "module_utils"
    for name, text in SOURCES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "galaxy.yml").write_text("name: x\nversion: 1.2.3\n")
    return root


def test_whatever_is_imported_is_in_it_and_nothing_else(root: pathlib.Path) -> None:
    names = {name.removeprefix("kubeops/") for name in _onefile.closure("tool", root)}
    assert names == {"__init__.py", *SOURCES} - {"_room/unseen.py", "_other.py"}


def test_what_a_node_does_not_have_is_refused(root: pathlib.Path) -> None:
    (root / "_room" / "seen.py").write_text("import ansible.errors\n")
    with pytest.raises(_onefile.NotPortable, match="seen.py: imports ansible.errors"):
        _onefile.build("tool", "/usr/bin/python3", root)


def test_it_runs_alone_and_says_its_version(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    content, version = _onefile.build("tool", sys.executable, root)
    program = tmp_path / "elsewhere" / "program"
    program.parent.mkdir()
    program.write_bytes(content)
    program.chmod(0o700)
    said = subprocess.run([program], check=True, capture_output=True, text=True, cwd="/", env={}).stdout
    assert said == f"{version} helped\n"
    assert version.startswith("kubeops.maintenance 1.2.3 (")


def test_the_same_sources_make_the_same_bytes(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    first = _onefile.build("tool", "/usr/bin/python3", root)
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "plugins").rename(elsewhere)
    (tmp_path / "galaxy.yml").rename(tmp_path / "elsewhere.yml")
    installed = tmp_path / "MANIFEST.json"
    installed.write_text('{"collection_info": {"version": "1.2.3"}}')
    (tmp_path / "plugins").mkdir()
    for path in sorted((elsewhere / "module_utils").rglob("*.py"), reverse=True):
        copy = root / path.relative_to(elsewhere / "module_utils")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        copy.chmod(0o755)
    assert _onefile.build("tool", "/usr/bin/python3", root) == first
    (root / "_late.py").write_text("import json\n")
    assert _onefile.build("tool", "/usr/bin/python3", root)[1] != first[1]


def test_the_tool_of_this_collection_needs_nothing_else() -> None:
    names = _onefile.closure("_schedule.tool")
    assert {"kubeops/_etcd/snapshots/retention.py", "kubeops/_errors.py", "kubeops/_static_pod.py"} <= set(names)
    assert not [name for name in names if "_kube" in name or "_drain" in name]
