# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible import constants
from ansible.plugins.action import ActionBase
from ansible_collections.kubeops.maintenance.plugins.plugin_utils import _onefile

MODULE = "_schedule.tool"


class ActionModule(ActionBase):  # type: ignore[misc]
    """Makes the file here; how it comes to the node is the business of ansible.builtin.copy."""

    TRANSFERS_FILES = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec(
            {"dest": {"type": "path", "required": True}, "python": {"type": "path", "required": True}}
        )
        content, version = _onefile.build(MODULE, arguments["python"])
        handle, source = tempfile.mkstemp(suffix=".pyz", dir=constants.DEFAULT_LOCAL_TMP)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            copied = self._copied(source, arguments["dest"], task_vars)
        finally:
            os.unlink(source)
        copied.pop("src", None)  # is gone
        if isinstance(copied.get("diff"), list):  # of contents, whose bytes say nothing to anybody
            copied["diff"] = [{"before": "", "after": f"{version}\n", "after_header": arguments["dest"]}]
        return {**result, **copied, "version": version}

    def _copied(self, source: str, dest: str, task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        task = self._task.copy()
        task.args = {"src": source, "dest": dest, "owner": "root", "group": "root", "mode": "0755"}
        copy = self._shared_loader_obj.action_loader.get(
            "ansible.legacy.copy",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        copied: dict[str, t.Any] = copy.run(task_vars=task_vars)
        return copied
