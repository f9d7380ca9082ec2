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
from ..module_utils._etcd import arguments
from ..module_utils._etcd.copies import copies, exchange, tools
from ..module_utils._etcd.snapshots import store, vault
from ..plugin_utils._exchange import Exchange


class ActionModule(Exchange):
    """From the controller to the node."""

    SPEC: t.ClassVar[dict[str, t.Any]] = {
        "src": {"type": "path", "required": True},
        **arguments.DIRECTORY,
        "names": {"type": "list", "elements": "str", "default": []},
        "tools": {"type": "bool", "default": False},
        **arguments.LOCK,
    }

    @property
    def place(self) -> str:
        return os.path.abspath(str(self.options["src"]))

    def work(self) -> None:
        self.report.to = self.options["dir"]
        store.check_directory(self.place)
        for path, sidecar in copies.chosen(self.place, self.options["names"]):
            what = {"name": os.path.basename(path), "sidecar": sidecar}
            found = copies.files(path, sidecar)
            there = self.report.copied if self._brought(str(what["name"]), found, what) else self.report.present
            there.append(str(what["name"]))
            if self.options["tools"] and self.has_yet_to_bring(sidecar):
                programs = tools.files(self.place, sidecar)
                names = ", ".join(one.name for one in programs)
                if programs:
                    release = f"{names} of etcd {vault.version_for(sidecar)}"
                    self._brought(release, programs, {**what, "tools": tools.sizes(programs)})

    def _brought(self, told: str, files: t.Sequence[copies.File], what: t.Mapping[str, t.Any]) -> bool:
        """Whether something had to be brought."""
        said = self.ask("expected", **what)
        if said["present"]:
            return False
        bring = functools.partial(self._bring, files, what, said["here"])
        self.report.act(f"send {told} to {self.options['dir']}: {sum(one.size for one in files)} bytes", bring)
        return True

    def _bring(self, files: t.Sequence[copies.File], what: t.Mapping[str, t.Any], here: t.Mapping[str, int]) -> None:
        for file in files:
            if file.name in here:  # of programs, some may be there
                self._send(file, what, int(here[file.name]))
        self.ask("published", **what, lock_timeout=self.options["lock_timeout"])

    def _send(self, file: copies.File, what: t.Mapping[str, t.Any], offset: int) -> None:
        while offset < file.size:
            with tempfile.NamedTemporaryFile(dir=C.DEFAULT_LOCAL_TMP, prefix="piece-") as local:
                size = exchange.pack(file.path, offset, local.write)
                if not size:
                    raise MaintenanceError(f"{file.path}: is shorter than its sidecar says. Verify it")
                local.flush()
                there = self._connection._shell.join_path(self._connection._shell.tmpdir, "piece")
                self._transfer_file(local.name, there)
                self._fixup_perms2((self._connection._shell.tmpdir, there), execute=False)
                said = self.ask("written", **what, file=file.name, offset=offset, piece=there)
            if said["size"] != offset + size:
                raise MaintenanceError(
                    f"{file.name}: {said['size']} bytes were written, not {offset + size}. Run it again"
                )
            offset += size
