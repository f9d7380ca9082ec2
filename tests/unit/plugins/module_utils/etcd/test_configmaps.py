# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import configmaps
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.configmaps import ConfigMaps
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.etcdfile import field

KUBEADM = b"/registry/configmaps/kube-system/kubeadm-config"
PROXY = b"/registry/configmaps/kube-system/kube-proxy"


def stored(**data: bytes) -> bytes:
    entries = b"".join(field(2, field(1, key.encode()) + field(2, value)) for key, value in data.items())
    metadata = field(1, field(1, b"kubeadm-config") + field(12, field(1, b"label") + field(2, b"value")))
    unknown = field(1, field(1, b"v1") + field(2, b"ConfigMap")) + field(2, metadata + entries + field(3, b"binary"))
    return b"k8s\0" + unknown + field(3, b"")


def seen(*changes: tuple[bytes, bytes | None]) -> ConfigMaps:
    found = ConfigMaps()
    for revision, (key, value) in enumerate(changes, 2):
        row = field(1, key) + (field(2, revision) + field(5, value) if value is not None else b"")
        found.see(revision, key, row, value is None)
    return found


def test_the_last_revision_of_each() -> None:
    found = seen(
        (KUBEADM, stored(ClusterConfiguration=b"old")),
        (PROXY, stored(a=b"1", b=b"")),
        (b"/registry/configmaps/default/kubeadm-config", stored(a=b"other")),
        (KUBEADM, stored(ClusterConfiguration=b"kind: ClusterConfiguration\n")),
    )
    known, unknown = found.data()
    assert known == {
        "kube-proxy": {"a": b"1", "b": b""},
        "kubeadm-config": {"ClusterConfiguration": b"kind: ClusterConfiguration\n"},
    }
    assert unknown == {}
    assert configmaps.paths(known) == {
        "from-snapshot/kube-system/configmaps/kube-proxy/a": b"1",
        "from-snapshot/kube-system/configmaps/kube-proxy/b": b"",
        "from-snapshot/kube-system/configmaps/kubeadm-config/ClusterConfiguration": b"kind: ClusterConfiguration\n",
    }


def test_one_that_was_deleted() -> None:
    assert seen((KUBEADM, stored(a=b"1")), (KUBEADM, None)).data() == ({}, {})


def test_one_that_is_encrypted() -> None:
    found = seen((KUBEADM, b"k8s:enc:aescbc:v1:key1:xxx"))
    assert found.data() == ({}, {"kubeadm-config": "is encrypted (aescbc with key key1)"})


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"k8s\0\xff", stored(**{"../../etc/shadow": b"x"}), stored(**{"..": b"x"}), stored(**{"": b"x"})],
)
def test_one_that_is_something_else(value: bytes) -> None:
    known, unknown = seen((KUBEADM, value)).data()
    assert known == {}
    assert unknown == {"kubeadm-config": "is not stored as kube-apiserver stores ConfigMaps"}
