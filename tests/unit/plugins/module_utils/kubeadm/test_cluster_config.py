# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import cluster_config
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import Version

V1BETA4 = """\
apiServer:
  certSANs:
  - localhost
  extraArgs:
  - name: authorization-mode
    value: Node,RBAC
apiVersion: kubeadm.k8s.io/v1beta4
caCertificateValidityPeriod: 87600h0m0s
certificatesDir: /etc/kubernetes/pki
clusterName: kubernetes
controllerManager: {}
dns:
  imageTag: "v1.14.2"
encryptionAlgorithm: RSA-2048
etcd:
  local:
    dataDir: /var/lib/etcd
    imageTag: 3.6.16-0
imageRepository: registry.k8s.io
kind: ClusterConfiguration
kubernetesVersion: v1.36.4
networking:
  dnsDomain: cluster.local
proxy:
  disabled: true
scheduler: {}
"""


def test_what_an_upgrade_has_to_know() -> None:
    assert cluster_config.parse(V1BETA4) == cluster_config.ClusterConfig(
        api_version="kubeadm.k8s.io/v1beta4",
        version=Version(1, 36, 4),
        image_repository="registry.k8s.io",
        etcd_image_tag="3.6.16-0",
        dns_image_tag="v1.14.2",
        proxy_disabled=True,
    )


def test_lists_are_passed_over_and_what_follows_them_is_read() -> None:
    found = cluster_config.scalars(V1BETA4)
    assert "apiServer.extraArgs.value" not in found
    assert "apiServer.certSANs.value" not in found
    assert found["certificatesDir"] == "/etc/kubernetes/pki"


def test_etcd_that_is_external() -> None:
    text = "etcd:\n  external:\n    caFile: /ca\n    endpoints:\n    - https://192.0.2.1:2379\ndns:\n  disabled: true\n"
    found = cluster_config.parse(text)
    assert found.etcd_external
    assert found.dns_disabled
    assert found.version is None


def test_block_text_is_no_mapping() -> None:
    found = cluster_config.scalars("a: |\n  b: 1\nc: 2\n")
    assert found == {"a": "", "c": "2"}
