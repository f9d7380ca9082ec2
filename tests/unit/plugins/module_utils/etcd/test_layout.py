# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import layout
from hypothesis import given
from hypothesis import strategies as st

SEGMENT = st.text("abc-.:0", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("key", "resource", "namespace", "name"),
    [
        ("/registry/pods/kube-system/etcd-cp1", "pods", "kube-system", "etcd-cp1"),
        ("/registry/namespaces/default", "namespaces", "", "default"),
        ("/registry/minions/cp1", "nodes", "", "cp1"),
        ("/registry/leases/kube-node-lease/cp1", "leases", "kube-node-lease", "cp1"),
        ("/registry/services/specs/default/kubernetes", "services", "default", "kubernetes"),
        ("/registry/services/endpoints/default/kubernetes", "endpoints", "default", "kubernetes"),
        ("/registry/controllers/default/old", "replicationcontrollers", "default", "old"),
        ("/registry/ingress/shop/web", "ingresses", "shop", "web"),
        ("/registry/clusterroles/system:node", "clusterroles", "", "system:node"),
        ("/registry/masterleases/192.0.2.11", "masterleases", "", "192.0.2.11"),
        ("/registry/ranges/serviceips", "ranges", "", "serviceips"),
        ("/registry/apiregistration.k8s.io/apiservices/v1.", "apiservices.apiregistration.k8s.io", "", "v1."),
        ("/registry/example.com/widgets/shop/one", "widgets.example.com", "shop", "one"),
        ("/registry/example.com/clusters/one", "clusters.example.com", "", "one"),
        ("compact_rev_key", "compact_rev_key", "", "compact_rev_key"),
        ("/coreos.com/network/config", "/coreos.com", "", "config"),
        ("calico/ipam/v2/x", "calico", "", "x"),
        ("", "", "", ""),
        ("/", "/", "", ""),
    ],
)
def test_what_a_key_is_of(key: str, resource: str, namespace: str, name: str) -> None:
    assert layout.place(key.encode()) == (resource, namespace)
    assert layout.name(key.encode()) == name


def test_a_key_that_is_no_text() -> None:
    assert layout.place(b"/registry/pods/\xff/\xfe") == ("pods", "\\xff")
    assert layout.name(b"/registry/pods/x/\xfe") == "\\xfe"


@pytest.mark.parametrize(
    ("resource", "namespace", "name", "keys"),
    [
        ("secrets", "shop", "tls", ["/registry/secrets/shop/tls"]),
        ("nodes", "", "cp1", ["/registry/minions/cp1"]),
        ("services", "shop", "web", ["/registry/services/specs/shop/web"]),
        ("deployments.apps", "shop", "web", ["/registry/apps/deployments/shop/web", "/registry/deployments/shop/web"]),
        (
            "ingresses.networking.k8s.io",
            "shop",
            "web",
            ["/registry/networking.k8s.io/ingresses/shop/web", "/registry/ingress/shop/web"],
        ),
    ],
)
def test_where_an_object_may_be(resource: str, namespace: str, name: str, keys: list[str]) -> None:
    assert layout.keys(resource, namespace, name) == [key.encode() for key in keys]


@given(
    st.sampled_from(["pods", "nodes", "services", "endpoints", "ingresses", "widgets.example.com"]), SEGMENT, SEGMENT
)
def test_a_key_that_was_made_leads_back(resource: str, namespace: str, name: str) -> None:
    key = layout.keys(resource, namespace, name)[0]
    assert (layout.place(key), layout.name(key)) == ((resource, namespace), name)
