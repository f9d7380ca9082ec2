# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display


class ActionModule(ActionBase):  # type: ignore[misc]
    """Lines that debug would fold, quote or put into JSON, depending on the callback in use."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _spec, arguments = self.validate_argument_spec({"lines": {"type": "list", "elements": "str", "required": True}})
        for line in arguments["lines"]:
            Display().display(line)
        return {**result, "changed": False, "lines": arguments["lines"]}
