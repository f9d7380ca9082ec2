# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, PASS, WARN
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import skew
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.cluster import Cluster
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import Version
from hypothesis import given
from hypothesis import strategies as st

from . import samples

minors = st.integers(30, 40)


def at(minor: int) -> Version:
    return Version(1, minor, 1)


@given(version=minors, oldest=minors, apart=st.integers(0, 1), lag=st.integers(1, 3), target=minors)
def test_a_client_is_judged_by_the_oldest_and_the_newest_apiserver(
    version: int, oldest: int, apart: int, lag: int, target: int
) -> None:
    found = skew.follows("x", at(version), at(oldest), at(oldest + apart), lag, at(target))
    legal = oldest + apart - lag <= version <= oldest
    assert (found.status == PASS) == legal
    assert bool(found.fix) == (not legal)
    if version > oldest:
        assert found.status == (WARN if target >= version else FAIL)


@pytest.mark.parametrize(
    ("cluster", "target", "status", "evidence"),
    [
        (samples.before(), samples.NEW, PASS, "within the skew"),
        (samples.after(), samples.NEW, PASS, "within the skew"),
        # Half a control plane: legal.
        (samples.cluster({"cp1": samples.NEW, "cp2": samples.OLD}), samples.NEW, PASS, "1.36.4 to 1.37.1"),
        (samples.cluster({"cp1": at(37), "cp2": at(35)}, kubelets=at(35)), samples.NEW, WARN, "2 minor(s) apart"),
        (samples.cluster({"cp1": at(38), "cp2": at(36)}), at(37), FAIL, "2 minor(s) apart"),
        # A kubelet that was upgraded first: going on repairs it, staying does not.
        (samples.cluster({"cp1": samples.OLD}, {"w1": samples.NEW}), samples.NEW, WARN, "newer than kube-apiserver"),
        (samples.cluster({"cp1": samples.OLD}, {"w1": at(38)}), samples.NEW, FAIL, "newer than kube-apiserver"),
        (samples.cluster({"cp1": samples.OLD}, {"w1": at(32)}), samples.NEW, WARN, "more than 3 minor(s) older"),
    ],
)
def test_an_observed_cluster(cluster: Cluster, target: Version, status: str, evidence: str) -> None:
    found = skew.observed(cluster, target)
    assert status in {check.status for check in found}
    assert any(evidence in check.evidence for check in found)


def test_controller_managers_are_held_to_the_apiserver_of_their_own_node() -> None:
    cluster = samples.cluster({"cp1": samples.NEW, "cp2": samples.OLD})
    swapped = tuple(
        dataclasses.replace(pod, image=f"registry.k8s.io/kube-scheduler:{samples.NEW.tag}")
        if pod.name == "kube-scheduler-cp2"
        else pod
        for pod in cluster.pods
    )
    found = skew.observed(dataclasses.replace(cluster, pods=swapped), samples.OLD)
    assert [check.object for check in found if check.status == FAIL] == ["pod/kube-scheduler-cp2"]


@given(kubelet=minors, target=minors)
def test_no_kubelet_is_left_more_than_three_minors_behind(kubelet: int, target: int) -> None:
    found = skew.kubelets_at(
        samples.cluster({"cp1": samples.OLD}, {"w1": at(kubelet)}, kubelets=at(target)), at(target)
    )
    assert bool(found) == (target - kubelet > 3)
    assert all("w1" in check.object and check.status == FAIL for check in found)


@given(one=minors, other=minors)
def test_kube_proxy_and_kubectl(one: int, other: int) -> None:
    assert (skew.check_proxy("p", at(one), at(other)).status == PASS) == (abs(one - other) <= 3)
    assert (skew.kubectl("h", at(one), at(other)).status == PASS) == (abs(one - other) <= 1)


def test_three_names_and_the_count_of_the_rest() -> None:
    assert skew.some(["a", "b"]) == "a, b"
    assert skew.some(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"
