# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import os
import time
import typing as t

from ansible import constants as C

from ..module_utils._errors import MaintenanceError
from ..module_utils._etcd import arguments
from ..module_utils._etcd.copies import exchange
from ..module_utils._etcd.copies.exchange import Arrival
from ..module_utils._etcd.copies.tools import Tools
from ..module_utils._etcd.snapshots import vault
from ..plugin_utils._exchange import Exchange, decoded


class ActionModule(Exchange):
    """From the node to the controller."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        **arguments.DIRECTORY,
        "dest": {"type": "path"},
        "names": {"type": "list", "elements": "str", "default": []},
        "tools": {"type": "bool", "default": False},
    }

    @property
    def place(self) -> str:
        # Ansible removes its own folder when it ends, also where somebody has interrupted it.
        return os.path.abspath(self.options["dest"] or os.path.join(C.DEFAULT_LOCAL_TMP, "kubeops-etcd"))

    def work(self) -> None:
        self.report.to = self.place
        wanted = {"names": self.options["names"], "with_tools": self.options["tools"]}
        for one in self.ask("listed", **wanted)["snapshots"]:
            arrival = Arrival(self.place, str(one["name"]), one["sidecar"])
            if self._brought(arrival, arrival.name):
                self.report.copied.append(arrival.name)
            else:
                self.report.present.append(arrival.name)
            if one.get("tools") and self.has_yet_to_bring(one["sidecar"]):
                programs = Tools(self.place, arrival.name, one["sidecar"], one["tools"])
                names = ", ".join(file.name for file in programs.files)
                self._brought(programs, f"{names} of etcd {vault.version_for(one['sidecar'])}")

    def _brought(self, arrival: Arrival, told: str) -> bool:
        """Whether something had to be brought."""
        if arrival.is_here():
            return False
        size = sum(file.size for file in arrival.files)
        self.report.act(f"fetch {told} to {self.place}: {size} bytes", functools.partial(self._bring, arrival))
        return True

    def _bring(self, arrival: Arrival) -> None:
        here = arrival.begin()
        for file in arrival.files:
            offset = here[file.name]
            while offset < file.size:
                piece = self.ask("read", name=arrival.name, file=file.name, offset=offset)
                new = arrival.append(file.name, offset, exchange.unpack([decoded(piece)]))
                if new <= offset:
                    raise MaintenanceError(
                        f"{file.name}: is shorter on the node than its sidecar says. Verify it there"
                    )
                offset = new
        start = time.monotonic()
        arrival.publish()
        self._spent("verify", time.monotonic() - start)
