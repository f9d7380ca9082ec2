# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evictions that are asked for at once."""

from __future__ import annotations

import threading

from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import replies
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.asking import THREADS, Asking
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.job import Means
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain.pacing import Target
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_pod


class Slow:
    """Answers to nobody before it is told to."""

    def __init__(self):
        self.may_answer = threading.Event()
        self.asked = set()

    def post(self, _path, body):
        self.asked.add(body["metadata"]["name"])
        assert self.may_answer.wait(60)


def test_what_was_not_sent_when_it_ends_was_not_asked_for():
    api = Slow()
    # Called also for what is taken back: only from then on anything is answered.
    asking = Asking(api, Means(), api.may_answer.set)
    targets = [Target(make_pod(f"web-{i}")) for i in range(4 * THREADS)]
    for target in targets:
        asking.ask(target)
    answered = asking.end()
    assert {target.pod["metadata"]["name"] for target in targets if target.asked} == api.asked
    assert len(api.asked) < len(targets)
    assert len(answered) == len(api.asked)
    assert {reply.meaning for _target, reply in answered} == {replies.ADMITTED}
    assert not any(target.in_flight for target in targets if not target.asked)
