# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of a module that tells how far it is while it works.

The module runs as any module does, in a process of its own under the task's interpreter, user and environment. What is
added is a pipe, whose lines are shown as they come. So everything that Ansible does for a module stays Ansible's work,
and a module that cannot reach the pipe only works without words.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import typing as t

from ansible import constants as C
from ansible.plugins.action.normal import ActionModule as Normal
from ansible.utils.display import Display

from ..module_utils._channel import VARIABLE
from ..module_utils._drain import parents
from ._listening import listening


class LiveAction(Normal):  # type: ignore[misc]
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        alone = parents.watch()
        environment = self._task.environment
        with contextlib.ExitStack() as stack:
            if self._may_tell():
                # A file system without pipes, or a full one, is no reason to fail.
                with contextlib.suppress(OSError):
                    path = stack.enter_context(listening(Display().display, below=C.DEFAULT_LOCAL_TMP))
                    self._task.environment = [*(environment or []), {VARIABLE: path}]
                    # The same task may run again, for the next item or try.
                    stack.callback(setattr, self._task, "environment", environment)
            result: dict[str, t.Any] = super().run(tmp, task_vars)
        if alone():
            # Nobody takes the result, and one that does not fit into the queue would keep this process for ever.
            return {"failed": True, "msg": "ansible-playbook is gone"}
        return result

    def _may_tell(self) -> bool:
        """Only to a person, of what is no secret, on this machine, and while the task is waited for."""
        read_by_programs = "json" in C.DEFAULT_STDOUT_CALLBACK
        here = self._connection.transport == "local"
        return here and not (read_by_programs or self._task.no_log or self._task.async_val)
