# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api.corner import BUDGETS, Corner

DRAIN = "kubeops.maintenance.k8s_drain"
HEALTH = "kubeops.maintenance.k8s_health_info"


def drain(node: str, **more: t.Any) -> dict[str, t.Any]:
    """Options of a drain that does not wait longer than a test does."""
    return {"name": node, "delete_options": {"ignore_daemonsets": True, "wait_timeout": 600}, **more}


class Held:
    """A node whose drain waits for a budget until that is lifted."""

    def __init__(self, corner: Corner) -> None:
        self.corner = corner
        self.node = corner.nodes[0]
        shop = {"group": "shop"}
        corner.deployment("web", 1, labels=shop)
        corner.deployment("sick", 1, labels=shop, ready=False)
        corner.pdb("shop", shop, minAvailable=1)
        self.verdict = f"{self.node}: budget {corner.namespace}/shop"

    def lift(self) -> None:
        self.corner.kube.delete(f"{BUDGETS.format(self.corner.namespace)}/shop")

    def web(self) -> list[str]:
        """Names of the pods that the budget holds."""
        return [name for name in self.corner.names(self.node) if name.startswith("web")]


@pytest.fixture
def held(corner: Corner) -> Held:
    return Held(corner)
