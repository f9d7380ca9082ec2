# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's one exception, and the one place that turns it into a module's failure.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t


class MaintenanceError(Exception):
    """Something that a person has to know: ``msg`` names the object, the numbers and what to do next.

    ``data`` is returned beside the message, so that a failure carries the same keys as a success.
    """

    def __init__(self, msg: str, **data: t.Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.data = data


def run_module(module: t.Any, work: t.Callable[[], dict[str, t.Any]]) -> t.NoReturn:
    """Run ``work`` and end the module with its result, or with the message and data of a MaintenanceError."""
    try:
        result = work()
    except MaintenanceError as error:
        module.fail_json(msg=error.msg, **error.data)
    module.exit_json(**result)
    raise AssertionError("exit_json returned")
