# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import functools
import os
import tempfile
import typing as t

from ansible import constants as C

from ..module_utils._errors import MaintenanceError
from ..module_utils._etcd.copies import copies, exchange
from ..module_utils._etcd.snapshots import store
from ..plugin_utils._exchange import Exchange


class ActionModule(Exchange):
    """From the controller to the node."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        "src": {"type": "path", "required": True},
        "dir": {"type": "path", "default": "/var/backups/kubeops/etcd"},
        "names": {"type": "list", "elements": "str", "default": []},
        "lock_timeout": {"type": "int", "default": 120},
    }

    @property
    def place(self) -> str:
        return os.path.abspath(str(self.options["src"]))

    def work(self) -> None:
        self.report.to = self.options["dir"]
        store.check_directory(self.place)
        for path, sidecar in copies.chosen(self.place, self.options["names"]):
            name = os.path.basename(path)
            said = self.ask("expected", name=name, sidecar=sidecar)
            if said["present"]:
                self.report.present.append(name)
                continue
            size = sum(file.size for file in copies.files(path, sidecar))
            bring = functools.partial(self._bring, path, sidecar, said["here"])
            self.report.act(f"send {name} to {self.options['dir']}: {size} bytes", bring)
            self.report.copied.append(name)

    def _bring(self, path: str, sidecar: dict[str, t.Any], here: t.Mapping[str, int]) -> None:
        for file in copies.files(path, sidecar):
            self._send(os.path.basename(path), sidecar, file, int(here[file.name]))
        self.ask("published", name=os.path.basename(path), sidecar=sidecar, lock_timeout=self.options["lock_timeout"])

    def _send(self, name: str, sidecar: dict[str, t.Any], file: copies.File, offset: int) -> None:
        while offset < file.size:
            with tempfile.NamedTemporaryFile(dir=C.DEFAULT_LOCAL_TMP, prefix="piece-") as local:
                size = exchange.pack(file.path, offset, local.write)
                if not size:
                    raise MaintenanceError(f"{file.path}: is shorter than its sidecar says. Verify it")
                local.flush()
                there = self._connection._shell.join_path(self._connection._shell.tmpdir, "piece")
                self._transfer_file(local.name, there)
                self._fixup_perms2((self._connection._shell.tmpdir, there), execute=False)
                said = self.ask("written", name=name, sidecar=sidecar, file=file.name, offset=offset, piece=there)
            if said["size"] != offset + size:
                raise MaintenanceError(
                    f"{file.name}: {said['size']} bytes were written, not {offset + size}. Run it again"
                )
            offset += size
