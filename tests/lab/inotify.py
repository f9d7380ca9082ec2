# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A limit of the machine that the lab raises, and never lowers.

Every node's systemd, containerd and kubelet and every apiserver watches files as the machine's root: a lab of five
nodes takes 108 instances of inotify, and the kernel's default for one user is 128.
"""

from __future__ import annotations

from pathlib import Path

from .progress import say

LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
ENOUGH = 512


def make_room() -> None:
    found = int(LIMIT.read_text())
    if found >= ENOUGH:
        return
    setting = "fs.inotify.max_user_instances of this machine"
    try:
        LIMIT.write_text(f"{ENOUGH}\n")
    except OSError as error:
        say(f"{setting} stays at {found}, {ENOUGH} would be enough for several labs: {error.strerror}")
    else:
        say(f"{setting}: {found} -> {ENOUGH}, until it boots again")
