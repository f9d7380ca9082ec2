# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a program of the node, as AnsibleModule.run_command does, without Ansible.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import subprocess
import typing as t

Run = t.Callable[..., tuple[int, str, str]]
_NOT_FOUND = 127


def run(argv: t.Sequence[str]) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    try:
        # Nothing of Ansible is where this runs.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _NOT_FOUND, "", str(error)
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
