# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of bringing snapshots from a node, and to one.

Files go in pieces, each by a run of the module etcd_snapshot_exchange, so that they go the way that Ansible goes (any
connection, any become) and nobody has more than a piece in memory. `fetch` with become has a whole file in memory,
several times; `copy` leaves a whole one in the home of the connection's user where the connection breaks.

What a node returns is not believed: names, sizes and sums are compared with what a snapshot's can be. What is in pieces
is in no result, and so in no callback and no log; Ansible's own debugging would print it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import abc
import base64
import time
import typing as t

from ansible import constants as C
from ansible.plugins.action import ActionBase

from ..module_utils._drain import parents
from ..module_utils._errors import MaintenanceError, as_failure
from ..module_utils._etcd.copies.copies import CopyReport
from ..module_utils._etcd.snapshots import vault
from ..module_utils._etcd.snapshots.report import reported

NO_DEBUG = "ANSIBLE_DEBUG would print every Secret of the cluster. Switch it off for this"
NODE = "kubeops.maintenance.etcd_snapshot_exchange"


class Gone(MaintenanceError):
    """ansible-playbook was killed."""


class Exchange(ActionBase, abc.ABC):  # type: ignore[misc]
    """``options`` are the task's, ``report`` is what it returns."""

    TRANSFERS_FILES = True
    SPEC: t.ClassVar[dict[str, t.Any]] = {}

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _spec, self.options = self.validate_argument_spec(argument_spec=self.SPEC)
        self._task_vars, self._alone = task_vars, parents.watch()
        self.report = CopyReport(bool(self._task.check_mode))
        self._versions: set[str] = set()
        try:
            if C.DEFAULT_DEBUG:
                raise MaintenanceError(NO_DEBUG)
            return {**result, **reported(self.report, self.place, self.work)}
        except MaintenanceError as error:
            return {**result, **self.report.as_dict(), **error.data, "failed": True, "msg": error.msg}
        except Unreachable as error:
            return {**result, **self.report.as_dict(), "unreachable": True, "msg": error.msg}
        except Exception as error:  # noqa: BLE001 (its own text and frames could have a piece in them)
            failure = as_failure(error)
            return {**result, **self.report.as_dict(), "failed": True, "msg": failure.msg}

    @property
    @abc.abstractmethod
    def place(self) -> str:
        """Where on the controller the snapshots are."""

    @abc.abstractmethod
    def work(self) -> None:
        """Bring them."""

    def ask(self, state: str, **arguments: t.Any) -> dict[str, t.Any]:
        """One run of the node's half. Of a failure only the message is told: the rest may have a piece in it."""
        if self._alone():
            raise Gone("ansible-playbook is gone")
        start = time.monotonic()
        wanted = {"state": state, "dir": self.options["dir"], **arguments}
        said = self._execute_module(module_name=NODE, module_args=wanted, task_vars=self._task_vars)
        self._spent("verify" if state == "published" else "transfer", time.monotonic() - start)
        if said.get("unreachable"):
            raise Unreachable(str(said.get("msg")))
        if said.get("failed"):
            if "module_stdout" in said:
                raise MaintenanceError(f"the module did not end as a module does (exit status {said.get('rc')})")
            raise MaintenanceError(str(said.get("msg")))
        return t.cast(dict[str, t.Any], said)

    def has_yet_to_bring(self, sidecar: t.Mapping[str, t.Any]) -> bool:
        """Whether the tools of that release were not looked at yet: many snapshots have the same ones."""
        version = vault.version_for(sidecar)
        new = version not in self._versions
        self._versions.add(version)
        return new

    def _spent(self, what: str, seconds: float) -> None:
        self.report.durations[what] += seconds


class Unreachable(Exception):
    """The connection was lost."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)
        self.msg = msg


def decoded(piece: t.Mapping[str, t.Any]) -> bytes:
    try:
        return base64.b64decode(piece["data"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise MaintenanceError("a piece of a snapshot arrived damaged. Run it again") from error
