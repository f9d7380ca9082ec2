# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase

from ..module_utils._errors import MaintenanceError
from ..plugin_utils._exchange import NO_DEBUG, decoded

# All that is told of what the module said: nothing that could have a piece of the archive in it.
TOLD = ("changed", "control_plane", "failed", "msg", "unreachable", "warnings", "deprecations")


class ActionModule(ActionBase):  # type: ignore[misc]
    """The module makes the archive; its content goes into a file of the controller, and into no result."""

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        if C.DEFAULT_DEBUG:
            return {**result, "failed": True, "msg": NO_DEBUG}
        said = self._execute_module(task_vars=task_vars)
        told = {name: said[name] for name in TOLD if name in said}
        if "module_stdout" in said:
            told["msg"] = f"the module did not end as a module does (exit status {said.get('rc')})"
        if said.get("data"):
            try:
                told["control_plane"] = {**said["control_plane"], "src": _kept(decoded(said))}
            except (MaintenanceError, OSError) as error:
                return {**result, "failed": True, "msg": getattr(error, "msg", None) or str(error)}
        return {**result, **told}


def _kept(content: bytes) -> str:
    """In Ansible's own folder, which it removes when it ends, also where somebody has interrupted it."""
    handle, path = tempfile.mkstemp(prefix="control-plane-", dir=C.DEFAULT_LOCAL_TMP)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return path
