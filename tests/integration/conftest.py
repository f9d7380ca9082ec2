# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.api import cluster
from ansible_collections.kubeops.maintenance.tests.api.cluster import ApiCluster
from ansible_collections.kubeops.maintenance.tests.api.corner import Corner
from ansible_collections.kubeops.maintenance.tests.api.proxy import Proxy


@pytest.fixture(scope="session")
def api_cluster(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[ApiCluster]:
    """One for all tests: each has a corner of its own in it."""
    with cluster.running(tmp_path_factory.mktemp("cluster")) as api:
        yield api


@pytest.fixture(scope="session")
def _session_proxy(api_cluster: ApiCluster) -> t.Iterator[Proxy]:
    with Proxy(api_cluster.server, api_cluster.pki) as proxy:
        yield proxy


@pytest.fixture
def proxy(_session_proxy: Proxy) -> Proxy:
    """Whatever is sent to ``proxy.server`` is counted."""
    _session_proxy.clear()
    return _session_proxy


@pytest.fixture
def corner(api_cluster: ApiCluster) -> t.Iterator[Corner]:
    made = Corner(api_cluster.kube())
    yield made
    made.remove()
