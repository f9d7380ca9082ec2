# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dry start: the new kubelet, with the flags and environment of its unit, parses them and says its version.

An unknown flag shows before the restart, not after. systemd puts the command line together as it would for the unit:
from drop-ins, kubeadm-flags.env and the administrator's own KUBELET_EXTRA_ARGS.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import posixpath
import re

from . import kubelet_process
from .commands import Commands


def refused(commands: Commands) -> str:
    """Why the installed kubelet does not start with its flags, empty when it does."""
    shown = commands.need(
        "systemctl", "show", kubelet_process.UNIT, "--property=ExecStart,Environment,EnvironmentFiles"
    )
    command = re.search(r"^ExecStart=.*argv\[\]=(.*?) ; ", shown, re.MULTILINE)
    argv = command.group(1).split() if command else []
    # Anything else, a shell for example, would take --version for itself and start a second kubelet.
    if not argv or posixpath.basename(argv[0]) != "kubelet":
        return ""
    environment = [f"--property=Environment={line}" for line in re.findall(r"^Environment=(.+)$", shown, re.MULTILINE)]
    files = re.findall(r"^EnvironmentFiles=(\S+)", shown, re.MULTILINE)
    environment += [f"--property=EnvironmentFile=-{path}" for path in files]
    result = commands.run(
        "systemd-run", "--quiet", "--pipe", "--wait", "--collect", *environment, "--", *argv, "--version"
    )
    return "" if result.ok else result.reason
