# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the one who asked for the drain is still there.

A worker of Ansible leads a process group of its own and outlives an ansible-playbook that was killed; below it, shells
and this process do not notice. So not only our parent is watched, but also the parent of our group's leader.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import pathlib
import typing as t


def watch() -> t.Callable[[], bool]:
    """A function that tells whether a parent has gone since."""
    parents = _parents()
    return lambda: _parents() != parents


def _parents() -> tuple[int, int | None]:
    return os.getppid(), _parent_of(os.getpgrp())


def _parent_of(process: int) -> int | None:
    """None where the process is gone, or where there is no /proc."""
    try:
        stat = pathlib.Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field, the program's name in parentheses, may have anything in it.
    return int(stat.rpartition(")")[2].split()[1])
