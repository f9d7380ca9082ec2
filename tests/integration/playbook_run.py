# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real runs of ansible-playbook, as all tests start them."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 900
#: Of a host that is this machine.
HERE = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}


class Run(t.NamedTuple):
    code: int
    said: str


def command(inventory: pathlib.Path, playbook: pathlib.Path | str, *options: str) -> list[str]:
    return [
        str(pathlib.Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        str(inventory),
        str(playbook),
        *options,
    ]


def environment(folder: pathlib.Path) -> dict[str, str]:
    """Ours, without what would tell Ansible or its modules anything. What Ansible keeps is below ``folder``."""
    private = ("ANSIBLE_", "K8S_AUTH_", "KUBECONFIG")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(private)},
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        "COLUMNS": "10000",
    }


def run(words: t.Sequence[str], environment: t.Mapping[str, str]) -> Run:
    """In the checkout, whose ansible.cfg knows where the collection is."""
    ended = subprocess.run(
        words,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )
    return Run(ended.returncode, ended.stdout + ended.stderr)


def play(
    folder: pathlib.Path,
    inventory: t.Mapping[str, t.Any],
    playbook: pathlib.Path | str,
    *options: str,
    **variables: t.Any,
) -> Run:
    """``playbook``: a file, or the name of one of a collection."""
    hosts = folder / "hosts.yml"
    hosts.write_text(json.dumps(inventory))
    return run(command(hosts, playbook, "-e", json.dumps(variables), *options), environment(folder))
