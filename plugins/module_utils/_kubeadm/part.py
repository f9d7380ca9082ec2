# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the parts of a node, its static pods and its kubelet, need to be brought to a version.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import abc
import typing as t

from .._wait import Deadline
from . import identity, local_http
from .commands import Commands
from .paths import Paths
from .report import Report
from .runner import Runner
from .versions import Version


class Part(abc.ABC):
    """``ignore``: kubeadm's preflight checks whose errors become warnings."""

    def __init__(
        self,
        commands: Commands,
        paths: Paths,
        target: Version,
        deadline: Deadline,
        report: Report,
        check_mode: bool,
        ignore: t.Sequence[str] = (),
        get: local_http.Get = local_http.get,
    ) -> None:
        self.commands = commands
        self.paths = paths
        self.target = target
        self.deadline = deadline
        self.report = report
        self.check_mode = check_mode
        self.ignore = ignore
        self.get = get
        self.node = identity.node_name(paths)
        self.runner = Runner(commands, paths, target, deadline, report)

    @abc.abstractmethod
    def bring(self) -> None:
        """Do whatever is still to be done."""
