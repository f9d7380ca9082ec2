# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import configmaps
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import verify
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.etcdfile import field

KUBEADM = b"/registry/configmaps/kube-system/kubeadm-config"
PROXY = b"/registry/configmaps/kube-system/kube-proxy"


def stored(**data: bytes) -> bytes:
    entries = b"".join(field(2, field(1, key.encode()) + field(2, value)) for key, value in data.items())
    metadata = field(1, field(1, b"kubeadm-config") + field(12, field(1, b"label") + field(2, b"value")))
    unknown = field(1, field(1, b"v1") + field(2, b"ConfigMap")) + field(2, metadata + entries + field(3, b"binary"))
    return b"k8s\0" + unknown + field(3, b"")


def read(key: bytes, value: bytes) -> tuple[dict[str, dict[str, bytes]], dict[str, str]]:
    return configmaps.read({key: field(1, key) + field(2, 7) + field(5, value)})


def test_the_last_revision_of_each(tmp_path: pathlib.Path) -> None:
    deleted = b"/registry/configmaps/kube-system/coredns"
    changes = [
        (KUBEADM, stored(ClusterConfiguration=b"old")),
        (deleted, stored(Corefile=b".")),
        (PROXY, stored(a=b"1", b=b"")),
        (b"/registry/configmaps/default/kubeadm-config", stored(a=b"other")),
        (KUBEADM, stored(ClusterConfiguration=b"kind: ClusterConfiguration\n")),
        (deleted, None),
    ]
    (tmp_path / "x.db").write_bytes(etcdfile.snapshot(changes))
    known, unknown = configmaps.read(verify(str(tmp_path / "x.db")).contents.kept)
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


def test_one_that_is_encrypted() -> None:
    found = read(KUBEADM, b"k8s:enc:aescbc:v1:key1:xxx")
    assert found == ({}, {"kubeadm-config": "is encrypted (aescbc with key key1)"})


@pytest.mark.parametrize(
    "value",
    [b"", b"{}", b"k8s\0\xff", stored(**{"../../etc/shadow": b"x"}), stored(**{"..": b"x"}), stored(**{"": b"x"})],
)
def test_one_that_is_something_else(value: bytes) -> None:
    known, unknown = read(KUBEADM, value)
    assert known == {}
    assert unknown == {"kubeadm-config": "is not stored as kube-apiserver stores ConfigMaps"}
