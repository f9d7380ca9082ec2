# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's one exception, and the one place that turns it into a module's failure.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import pathlib
import traceback
import typing as t


class MaintenanceError(Exception):
    """Something that a person has to know: ``msg`` names the object, the numbers and what to do next.

    ``data`` is returned beside the message, so that a failure carries the same keys as a success.
    """

    def __init__(self, msg: str, **data: t.Any) -> None:
        super().__init__(msg)
        self.msg = msg
        self.data = data


def as_failure(error: Exception) -> MaintenanceError:
    """Whatever was raised, as something to tell.

    Of what nobody meant to raise only the type and the place: its own text may quote anything, also credentials. What
    the system says of a file (no space left) is no secret.
    """
    if isinstance(error, MaintenanceError):
        return error
    frames = traceback.extract_tb(error.__traceback__)
    kind = type(error).__name__
    where = f"{pathlib.PurePath(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "an unknown place"
    if isinstance(error, OSError) and error.strerror:
        where += f" ({error.strerror}{f': {error.filename}' if error.filename else ''})"
    trace = "".join(["Traceback (most recent call last):\n", *traceback.format_list(frames), f"{kind}\n"])
    return MaintenanceError(
        f"{kind} at {where}, which kubeops.maintenance should have foreseen: report it, please, with the traceback.",
        exception=trace,
    )


def run_module(module: t.Any, work: t.Callable[[], dict[str, t.Any]]) -> t.NoReturn:
    """Run ``work`` and end the module with its result, or with the message and data of what was raised."""
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 (this is the one place)
        failure = as_failure(error)
        module.fail_json(msg=failure.msg, **failure.data)
    module.exit_json(**result)
    raise AssertionError("exit_json returned")
