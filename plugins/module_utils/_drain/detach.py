# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until the volumes of nodes are detached: a machine that is switched off before that holds them for minutes.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import typing as t

from .._errors import MaintenanceError
from .._kube import KubeError
from .._wait import WaitTimeout, until
from . import replies
from .job import Abandoned, Call
from .looks import TICK, Looks
from .node import get as get_node
from .node import persist
from .paths import ATTACHMENTS, PODS, VOLUME
from .volumes import Attached, users, volume_name, what_holds


class Detach:
    """``left``: what is attached at the end, each with the reason. ``failures``: of each node that is not free of them.

    ``seconds``: how long each node took.
    """

    def __init__(self, call: Call, nodes: t.Collection[str], warnings: list[str]) -> None:
        self.left: list[dict[str, str]] = []
        self.failures: dict[str, str] = {}
        self.seconds = dict.fromkeys(nodes, 0.0)
        self._call = call
        self._kube = call.kube
        self._clock = call.clock
        self._patience = call.job.means.detach_timeout
        self._reader = replies.Reader(call.clock.now)
        self._warnings = warnings
        self._start = call.clock.now()

    def run(self) -> None:
        going = self._find()
        if not going:
            return
        for node, count in collections.Counter(one.node for one in going.values()).items():
            self._call.progress.say(node, f"{count} {'volume is' if count == 1 else 'volumes are'} still attached")
        deadline = self._clock.deadline(self._patience)
        wait = functools.partial(self._look, going, Looks(self._clock, self._call.job.means.slowest_look))
        try:
            until(wait, deadline, lambda: "volumes are still attached", interval=TICK, sleep=self._clock.sleep)
        except WaitTimeout:
            self._explain(going)

    def _find(self) -> dict[str, Attached]:
        """Those to wait for, by the UID of their attachment. Those of pods that stay are told at once."""
        try:
            there = persist(self._clock, self._attachments)
        except KubeError as error:
            if error.status not in (403, 404):
                raise
            self._warnings.append(f"whether volumes are still attached is not known: {error.message}")
            return {}
        if not there:
            return {}
        # All pods, also those that pod_selectors leave out.
        staying = [
            pod
            for node in sorted({one["spec"]["nodeName"] for one in there})
            for pod in persist(self._clock, functools.partial(self._pods, node))
        ]
        used, going = users(staying), {}
        for one in (Attached(attachment, self._volume(attachment)) for attachment in there):
            if one.claim in used:
                self.left.append(one.entry(f"used by {used[one.claim]}, which stays on the node"))
            else:
                going[one.uid] = one
        return going

    def _look(self, going: dict[str, Attached], looks: Looks) -> bool | None:
        """Take out what is gone; True where nothing is left."""
        if self._call.abandoned():
            raise Abandoned("stopped, because the process that asked for the drain is gone. Run it again to go on")
        if not looks.due():
            return None
        try:
            there = {one["metadata"]["uid"]: one for one in self._attachments()}
        except KubeError as error:
            if not self._reader.passes(error):
                raise
            return None
        passed = self._clock.now() - self._start
        for uid in list(going):
            if uid in there:
                going[uid] = dataclasses.replace(going[uid], attachment=there[uid])
            else:
                self.seconds[going.pop(uid).node] = passed
        looks.done()
        return None if going else True

    def _explain(self, going: t.Mapping[str, Attached]) -> None:
        by_node = collections.defaultdict(list)
        for one in going.values():
            by_node[one.node].append(one)
        for name, attached in by_node.items():
            try:
                node = get_node(self._kube, name)
            except MaintenanceError:
                node = {}
            told = []
            for one in attached:
                self.seconds[name] = self._clock.now() - self._start
                reason = what_holds(one, node)
                self.left.append(one.entry(reason))
                told.append(f"{one.full_name()}: {reason}")
            self.failures[name] = (
                f"node {name} is empty, but not free of its volumes after {self._patience:g} s: {'; '.join(told)}."
            )

    def _attachments(self) -> list[dict[str, t.Any]]:
        return [one for one in self._kube.list(ATTACHMENTS) if one["spec"]["nodeName"] in self.seconds]

    def _pods(self, node: str) -> list[dict[str, t.Any]]:
        return self._kube.list(PODS, {"fieldSelector": f"spec.nodeName={node}"})

    def _volume(self, attachment: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        name = volume_name(attachment)
        try:
            return persist(self._clock, lambda: self._kube.get(VOLUME.format(name))) if name else {}
        except KubeError as error:
            if error.status not in (403, 404):
                raise
            if error.status == 403:
                self._warnings.append(f"whose volume {name} is, is not known, so it has to go: {error.message}")
            return {}
