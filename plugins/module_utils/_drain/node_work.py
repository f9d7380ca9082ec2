# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node of a call: what it was, what is to be changed of it, and whether this call holds it.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._errors import MaintenanceError
from . import node, ownership
from .job import Call
from .ownership import Change, Node
from .report import Report


class NodeWork:
    """``object`` is the node as it was read at first. ``taken``: this call has it in work, for on_failure to decide."""

    def __init__(self, call: Call, found: Node, report: Report) -> None:
        self.name: str = found["metadata"]["name"]
        self.object = found
        self.taken = False
        self.said = report.begin(self.name, found)
        self._call = call
        self._job = call.job
        self._report = report

    @property
    def was_schedulable(self) -> bool:
        return not ownership.is_unschedulable(self.object)

    @property
    def was_ours(self) -> bool:
        """An earlier call took it, so what that did is not for this one to undo."""
        return ownership.is_held(self.object, self._job.me.owner)

    def claim(self, idle: bool = False) -> Change:
        """What would take it into work; raises where somebody else has it.

        ``idle``: nothing has to go from it. A drained node has no work left that a new run could take over.
        """
        change = ownership.claim(self.object, self._job.me)
        return dataclasses.replace(change, patch=None) if change.only_run and idle else change

    def take(self, idle: bool = False) -> None:
        planned = self.claim(idle)
        if planned.patch:
            self._change(self.object, lambda found: ownership.claim(found, self._job.me))
        else:
            self._report.settled(self.said, planned, self._job.check_mode)
        self.taken = True

    def release(self) -> str:
        """A hint, where it is not ours to give back."""
        job = self._job
        owner, force, keep = job.me.owner, job.force_uncordon, job.keep_work
        return self._change(self.object, lambda found: ownership.release(found, owner, force, keep)).hint

    def give_back(self) -> str:
        """Undo ``take``. A hint, where it is somebody else's by now."""
        owner = self._job.me.owner
        now = node.persist(self._call.clock, lambda: node.get(self._call.kube, self.name))
        change = self._change(now, lambda found: ownership.release(found, owner, force=False))
        self.taken = False
        return change.hint

    def _change(self, found: Node, decide: t.Callable[[Node], Change]) -> Change:
        clock = self._call.clock
        start = clock.now()
        try:
            done = decide(found) if self._job.check_mode else node.change(self._call.kube, clock, found, decide)
        except MaintenanceError as error:
            self.said.failure = error.msg
            raise
        self.said.durations["cordon"] += clock.now() - start
        self._report.settled(self.said, done, self._job.check_mode)
        verb = done.action.partition(" ")[0]
        if not self._job.check_mode and verb in ("cordon", "uncordon"):
            self._call.progress.say(self.name, f"{verb}ed")
        return done
