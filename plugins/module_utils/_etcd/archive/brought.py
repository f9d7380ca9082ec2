# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The archive of a control plane's files that goes with a snapshot which is taken on another machine.

It is made, and encrypted, on the control plane before the snapshot is taken, brought by the controller, and written
beside the snapshot where that is taken.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import typing as t

from ..._errors import MaintenanceError
from .. import disk
from . import encryption_config, seal

# What a sidecar says of it beside its name.
_TOLD = ("node", "size", "sha256", "encryption", "recipients", "paths", "left_out")


@dataclasses.dataclass(frozen=True)
class Brought:
    """``told``: what was said of it where it was made. ``keys``: those that its EncryptionConfiguration names, None
    where that cannot be told.
    """

    content: bytes = dataclasses.field(repr=False)
    told: t.Mapping[str, t.Any]
    keys: t.Optional[set[encryption_config.Key]]

    @property
    def node(self) -> str:
        return str(self.told["node"])

    @property
    def left_out(self) -> dict[str, str]:
        return {f"{self.node}:{one['path']}": str(one["reason"]) for one in self.told["left_out"]}

    def __str__(self) -> str:
        whom = seal.told(self.told["encryption"], self.told["recipients"])
        return f"files of the control plane {self.node}, {whom}"

    def write(self, snapshot: str) -> dict[str, t.Any]:
        """What a sidecar says of it. The file has its name, and is on the disk, when this returns."""
        path = f"{snapshot}.control-plane{seal.SUFFIXES[self.told['encryption']]}"
        disk.write_whole(path, self.content)
        return {"name": os.path.basename(path), **{name: self.told[name] for name in _TOLD}}


def described(told: t.Mapping[str, t.Any], keys: t.Optional[set[encryption_config.Key]], node: str) -> dict[str, t.Any]:
    """``told``, as data that can be sent."""
    found = None if keys is None else [{"provider": provider, "key": key} for provider, key in sorted(keys)]
    return {"node": node, **told, "encryption_keys": found}


def read(said: t.Mapping[str, t.Any]) -> Brought:
    """What `described` made and ``src``, the file; without it (in check mode) there is nothing to be written."""
    try:
        told = {name: said[name] for name in _TOLD}
        keys = (
            None
            if said["encryption_keys"] is None
            else {(str(one["provider"]), str(one["key"])) for one in said["encryption_keys"]}
        )
        found = Brought(_content(said.get("src")), told, keys)
        well = told["encryption"] in seal.SUFFIXES and bool(str(found)) and isinstance(found.left_out, dict)
    except (KeyError, TypeError, AttributeError) as error:
        raise MaintenanceError(
            f"control_plane: is nothing that etcd_snapshot_files returns ({type(error).__name__}: {error})."
            " Nothing was written"
        ) from None
    if not well:
        raise MaintenanceError("control_plane: is nothing that etcd_snapshot_files returns. Nothing was written")
    if said.get("src") and (len(found.content), hashlib.sha256(found.content).hexdigest()) != (
        told["size"],
        told["sha256"],
    ):
        raise MaintenanceError(
            f"control_plane: the archive has not arrived as {found.node} has made it. Nothing was written, run it again"
        )
    return found


def _content(path: t.Optional[str]) -> bytes:
    if not path:
        return b""
    with open(path, "rb") as file:
        return file.read()
