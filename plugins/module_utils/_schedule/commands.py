# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a program of the node, as AnsibleModule.run_command does, without Ansible.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import subprocess
import typing as t

from .._etcd import process

Run = t.Callable[..., tuple[int, str, str]]
_NOT_FOUND = 127


def run(argv: t.Sequence[str]) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    try:
        with process.started(argv, environment=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            said, problem = child.communicate(timeout=60)
    except (process.ProcessError, subprocess.TimeoutExpired) as error:
        return _NOT_FOUND, "", str(error)
    return child.returncode, said, problem
