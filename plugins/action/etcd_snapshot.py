# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):  # type: ignore[misc]
    """The module. What was gathered on a control plane is brought to the node before."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        gathered = arguments.get("control_plane")
        if isinstance(gathered, dict) and gathered.get("src"):
            arguments["control_plane"] = {**gathered, "src": self._brought(gathered["src"])}
        wrap = self._task.async_val and not self._connection.has_native_async
        return {**result, **self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=wrap)}

    def _brought(self, path: str) -> str:
        shell = self._connection._shell
        if shell.tmpdir is None:
            self._make_tmp_path()
        there: str = shell.join_path(shell.tmpdir, "control-plane")
        self._transfer_file(path, there)
        self._fixup_perms2((shell.tmpdir, there), execute=False)
        return there
