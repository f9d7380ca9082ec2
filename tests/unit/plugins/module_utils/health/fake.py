# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the place of Kube: lists from memory, and a clock that only a sleep moves."""

from __future__ import annotations

import copy
import datetime
import email.utils

from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.clock import Clock
from ansible_collections.kubeops.maintenance.plugins.module_utils._health.checks import SOURCES
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health import objects
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import NOW


class FakeKube:
    """``errors`` by source are raised instead of its list, which takes the seconds in ``slow``.

    ``later`` are called, one after each sleep.
    """

    def __init__(self, **lists):
        self.lists = {
            "nodes": [objects.make_node()],
            "node_leases": [objects.make_lease()],
            "leader_leases": [objects.make_leader(), objects.make_leader("kube-controller-manager")],
            "deployments": [objects.make_deployment()],
            "statefulsets": [],
            "daemonsets": [objects.make_daemonset()],
            "poddisruptionbudgets": [objects.make_budget()],
            "apiservices": [objects.make_service()],
            "root_ca": [],
            "pending": [],
            "running": [objects.make_pod()],
            **lists,
        }
        self.server = "https://fake"
        self.errors = {}
        self.slow = {}
        self.asked = []
        self.later = []
        self.seconds = 0.0
        # The controller's clock is wrong by a day; nobody may notice.
        wrong = NOW + datetime.timedelta(days=1)
        self.clock = Clock(now=lambda: self.seconds, utc=lambda: wrong, sleep=self._sleep)

    @property
    def date(self):
        return email.utils.format_datetime(NOW + datetime.timedelta(seconds=self.seconds), usegmt=True)

    def list(self, path, query=None):
        source = next(name for name, known in SOURCES.items() if (known.path, known.query) == (path, query))
        self.asked.append(source)
        if source in self.errors:
            raise self.errors[source]
        # What was read does not change any more.
        found = copy.deepcopy(self.lists[source])
        if source in self.slow:
            self._pass(self.slow[source])
        return found

    def _sleep(self, seconds):
        assert seconds > 0, "a loop that does not sleep"
        self._pass(seconds)
        if self.later:
            self.later.pop(0)()

    def _pass(self, seconds):
        self.seconds += seconds
        for lease in (*self.lists["node_leases"], *self.lists["leader_leases"]):
            lease["spec"]["renewTime"] = objects.ago(-self.seconds)


def forbidden(what):
    message = f'{what} is forbidden: User "alice" cannot list resource'
    return KubeError(f"GET /x at https://fake: 403 {message}", status=403, reason="Forbidden", message=message)
