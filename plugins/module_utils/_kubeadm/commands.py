# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Commands on the node: the one narrow door, so that tests can stand behind it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import MaintenanceError

# What programs of ours see of the environment: output that can be read, and no proxy or kubeconfig of the caller.
ENVIRONMENT = {"LANG": "C", "LC_ALL": "C"}


@dataclasses.dataclass(frozen=True)
class Result:
    argv: tuple[str, ...]
    rc: int
    out: str
    err: str

    @property
    def ok(self) -> bool:
        return self.rc == 0

    @property
    def reason(self) -> str:
        """The last line that the program said, for a message."""
        said = (self.err.strip() or self.out.strip()).splitlines()
        return said[-1] if said else f"exit code {self.rc}"


class Commands:
    def __init__(self, module: t.Any) -> None:
        self._module = module

    def run(self, *argv: str) -> Result:
        rc, out, err = self._module.run_command(list(argv), environ_update=ENVIRONMENT, handle_exceptions=False)
        return Result(argv, rc, out, err)

    def need(self, *argv: str) -> str:
        """The output of a command without which there is no way on."""
        try:
            result = self.run(*argv)
        except OSError as error:
            raise MaintenanceError(f"{argv[0]} cannot be run on this node: {error}. Install it first") from error
        if not result.ok:
            raise MaintenanceError(f"{' '.join(argv)} failed: {result.reason}")
        return result.out

    def has(self, program: str) -> bool:
        return self._module.get_bin_path(program) is not None
