# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A real ansible-playbook that is waited for."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.kubeops.maintenance.tests.integration.progress.playbook import ROOT, environment

SECONDS = 300
#: Of a host that is a folder of this machine.
HERE = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}


class Run(t.NamedTuple):
    code: int
    said: str


def play(
    folder: pathlib.Path, inventory: t.Mapping[str, t.Any], playbook: str, *options: str, **variables: t.Any
) -> Run:
    """``playbook``: its name, or its text. What Ansible leaves behind is below ``folder``."""
    hosts, path = folder / "hosts.yml", folder / "play.yml"
    hosts.write_text(json.dumps(inventory))
    if "\n" in playbook:
        path.write_text(playbook)
    ended = subprocess.run(
        [
            pathlib.Path(sys.executable).with_name("ansible-playbook"),
            *("-i", hosts, path if "\n" in playbook else playbook, "-e", json.dumps(variables), *options),
        ],
        cwd=ROOT,
        env={
            **environment(),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "10000",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )
    return Run(ended.returncode, ended.stdout + ended.stderr)
