# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Groups of pods that leave one after the other, at a real API."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.tests.api.corner import BUDGETS, SECONDS, Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import Proxy
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

ORDER = [{"selector": "app in (web),!canary"}, {"selector": "app=db"}]


def evicted(proxy: Proxy) -> list[str]:
    """The first letters of pods, in the order in which they were asked to go."""
    return [call.path.split("/")[-2].partition("-")[0] for call in proxy.asked("POST")]


def test_a_group_begins_when_the_one_before_is_gone(corner: Corner, proxy: Proxy, drain: t.Any) -> None:
    corner.deployment("db", 2)
    corner.deployment("web", 3, stops_after=1)
    corner.deployment("other", 1)
    result = drain(order=ORDER)
    assert len(result["evicted"]) == 6
    assert evicted(proxy) == ["other", *["web"] * 3, *["db"] * 2]


def test_a_group_that_is_blocked_holds_the_next_for_its_time(
    corner: Corner, proxy: Proxy, drain: t.Any, meanwhile: t.Any
) -> None:
    corner.deployment("web", 2, ready=False)
    corner.pdb("web", {"app": "web"}, maxUnavailable=1)
    corner.deployment("db", 2)
    held = drain(failed=True, order=ORDER, wait_timeout=2)
    assert evicted(proxy).count("db") == 0
    assert "its turn had not come, group 1 (app in (web),!canary) had to leave first" in held["msg"]
    proxy.clear()

    def lift() -> None:
        """When the others have gone, which do not wait for ever."""
        until(
            "the end of the others",
            lambda: {name[:3] for name in corner.names(corner.nodes[0])} == {"web"},
            SECONDS,
            every=0.05,
        )
        corner.kube.delete(f"{BUDGETS.format(corner.namespace)}/web")

    with meanwhile(lift):
        result = drain(order=[{**ORDER[0], "hold": 1}, ORDER[1]])
    assert evicted(proxy).count("db") == 2
    assert len(result["evicted"]) == 4
    assert "did not move for 1 s" in str(result["warnings"])


def test_an_order_that_is_none_is_refused_before_anything_is_asked(proxy: Proxy, drain: t.Any) -> None:
    assert "is no label selector" in drain(failed=True, order=[{"selector": "app in web"}])["msg"]
    assert proxy.calls == []
