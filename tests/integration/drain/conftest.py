# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import pacing
from ansible_collections.kubeops.maintenance.plugins.modules import k8s_drain
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.api.corner import SECONDS, Corner
from ansible_collections.kubeops.maintenance.tests.api.modules import Result
from ansible_collections.kubeops.maintenance.tests.api.proxy import Proxy

Work = t.Callable[[], None]


class Drain:
    """Calls of the module for the first node of the corner, or for those that are named, through the proxy.

    ``failed`` says what is expected; options of ``delete_options`` are given like all others.
    """

    def __init__(self, kubeconfig: str, node: str) -> None:
        self._kubeconfig = kubeconfig
        self._node = node

    def __call__(self, *, failed: bool = False, check: bool = False, **options: t.Any) -> Result:
        inner = k8s_drain.ARGUMENT_SPEC["delete_options"]["options"]
        how = {"ignore_daemonsets": True, "wait_timeout": 300, **{k: v for k, v in options.items() if k in inner}}
        outer = {key: value for key, value in options.items() if key not in inner}
        if not outer.keys() & {"names", "node_selector"}:
            outer["name"] = self._node
        result = modules.call(k8s_drain, check=check, kubeconfig=self._kubeconfig, delete_options=how, **outer)
        # A watch that it has just begun would be counted with what is asked next.
        for thread in threading.enumerate():
            if thread.name.startswith("news of "):
                thread.join(SECONDS)
        assert result.get("failed", False) == failed, result.get("msg", result)
        return result


@pytest.fixture
def meanwhile() -> t.Callable[[Work], t.ContextManager[None]]:
    """A context in which something is done beside a drain; what goes wrong with it is the test's failure."""

    @contextlib.contextmanager
    def beside(work: Work) -> t.Iterator[None]:
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            done = pool.submit(work)
            yield
        done.result()

    return beside


@pytest.fixture
def rack(api_cluster: ApiCluster) -> t.Iterator[Corner]:
    """More nodes than one call drains."""
    made = Corner(api_cluster.kube(), nodes=4)
    yield made
    made.remove()


@pytest.fixture
def drain(api_cluster: ApiCluster, proxy: Proxy, corner: Corner, monkeypatch: pytest.MonkeyPatch) -> Drain:
    # A budget that controllers take long for is not doubted: how often it is asked for in vain is counted.
    monkeypatch.setattr(pacing, "FIRST_PROBE", 60.0)
    return Drain(str(api_cluster.kubeconfig(server=proxy.server)), corner.nodes[0])
