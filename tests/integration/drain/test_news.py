# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Watches spare looks; a drain without them ends just as well."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import RESET, Call, Fault, Proxy

WATCHES = r"[?&]watch=true"


def asked_for_budgets(proxy: Proxy) -> list[Call]:
    """While it waited for them; the forecast asks for those of all namespaces."""
    return proxy.asked("GET", "/namespaces/.*/poddisruptionbudgets$")


def test_budgets_are_heard_of_and_not_asked_for(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("web", 6, stops_after=0.3)
    corner.pdb("web", {"app": "web"}, maxUnavailable=1)
    assert len(drain()["evicted"]) == 6
    calls = asked_for_budgets(proxy)
    begun = [call.is_watch for call in calls].index(True)
    # Once at most, because it was under way when the watch began.
    assert len([call for call in calls[begun:] if not call.is_watch]) <= 1
    assert [call.status for call in proxy.asked("POST")] == [201] * 6


@pytest.mark.parametrize("fault", [{"status": 403, "body": "no"}, {"status": 500, "body": "no"}, {"kind": RESET}])
def test_without_watches_a_drain_looks_itself(
    corner: Corner, proxy: Proxy, drain: t.Any, fault: dict[str, t.Any]
) -> None:
    corner.deployment("web", 3, stops_after=0.3)
    corner.pdb("web", {"app": "web"}, maxUnavailable=1)
    proxy.inject(Fault("GET", WATCHES, times=99, **fault))
    assert len(drain()["evicted"]) == 3
    assert len([call for call in asked_for_budgets(proxy) if not call.is_watch]) >= 2
