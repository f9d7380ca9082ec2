# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts of the cluster that answers, and hosts of another one."""

from __future__ import annotations

import base64

from ansible_collections.kubeops.maintenance.plugins.module_utils._health.examine import Job, examine
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import certificates
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.fake import FakeKube, forbidden

PEM = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(b'authority').decode()}\n-----END CERTIFICATE-----\n"
OURS = {"cluster_ca": certificates.fingerprints(PEM.encode())}
OTHERS = {"cluster_ca": ["b" * 64]}


def compared(kube, **hosts):
    kube.lists["root_ca"] = [{"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": PEM}}]
    result = examine(kube, Job(checks=[], hosts=hosts), kube.clock)
    assert {check["name"] for check in result["checks"]} == {"same cluster"}
    return result


def test_hosts_of_the_cluster_that_answers():
    kube = FakeKube()
    assert compared(kube, w1=OURS, w2=OURS)["summary"] == [
        "PASS  same cluster: cluster: 2 hosts of the cluster at https://fake"
    ]
    assert kube.asked == ["root_ca"]


def test_a_host_of_another_cluster_is_named_with_the_address():
    result = compared(FakeKube(), w1=OURS, w2=OTHERS)
    assert not result["ok"]
    assert result["refusal"].startswith(
        "same cluster: host w2: the API at https://fake is of another cluster than host w2. Fix: check kubeconfig,"
    )


def test_what_cannot_be_compared_is_told():
    assert [check["status"] for check in compared(FakeKube(), w1={"cluster_ca": None})["checks"]] == ["warn"]
    kube = FakeKube()
    kube.errors["root_ca"] = forbidden("configmaps")
    result = compared(kube, w1=OTHERS)
    assert [check["status"] for check in result["checks"]] == ["skip"]
    assert result["ok"]
