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
from ..module_utils._etcd.copies import exchange
from ..module_utils._etcd.copies.exchange import Arrival
from ..plugin_utils._exchange import Exchange, decoded


class ActionModule(Exchange):
    """From the node to the controller."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        "dir": {"type": "path", "default": "/var/backups/kubeops/etcd"},
        "dest": {"type": "path"},
        "names": {"type": "list", "elements": "str", "default": []},
    }

    @property
    def place(self) -> str:
        # Ansible removes its own folder when it ends, also where somebody has interrupted it.
        return os.path.abspath(self.options["dest"] or os.path.join(C.DEFAULT_LOCAL_TMP, "kubeops-etcd"))

    def work(self) -> None:
        self.report.to = self.place
        for one in self.ask("listed", names=self.options["names"])["snapshots"]:
            arrival = Arrival(self.place, str(one["name"]), one["sidecar"])
            if arrival.is_here():
                self.report.present.append(arrival.name)
                continue
            size = sum(file.size for file in arrival.files)
            self.report.act(
                f"fetch {arrival.name} to {self.place}: {size} bytes", functools.partial(self._bring, arrival)
            )
            self.report.copied.append(arrival.name)

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
