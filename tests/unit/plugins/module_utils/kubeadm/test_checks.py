# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import copy
import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, PASS, SKIP, WARN, failures
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import checks, checks_etcd, plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.cluster import ETCD, Cluster
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import parse
from hypothesis import given
from hypothesis import strategies as st

from . import samples
from .preflights import changed, preflight, the_failure
from .samples import GIB, NEW, OLD


def test_a_sound_cluster_passes() -> None:
    found = preflight()
    assert {check.status for check in found} == {PASS}
    assert all(not check.fix for check in found)
    assert {check.name for check in found} >= {
        "same cluster",
        "upgrade path",
        "no downgrade",
        "packages",
        "installed packages",
        "no newer package",
        "packages held",
        "hosts and nodes",
        "node ready",
        "kubeadm-config",
        "coredns",
        "etcd healthy",
        "etcd version",
        "disk space",
        "version skew",
    }


def test_every_failure_names_object_evidence_and_fix() -> None:
    facts = samples.facts()
    facts["cp1"]["etcd"] = {**facts["cp1"]["etcd"], "healthy": False, "evidence": "no leader", "data_bytes": 99 * GIB}
    facts["w9"] = samples.worker("w9", available={"kubeadm": None, "kubelet": None, "kubectl": None})
    nodes = {"cp1": samples.node("cp1", control_plane=True), "w1": samples.node("w1", ready=False)}
    cluster = dataclasses.replace(samples.before(), nodes=nodes, coredns=("x", "y"), config=None, kubelet_config=None)
    failed = failures(preflight(cluster, facts))
    assert len(failed) >= 7
    assert all(check.object and check.evidence and check.fix for check in failed)


def test_two_minors_at_once() -> None:
    facts = samples.facts()
    failed = the_failure(preflight(facts=facts, target=parse("1.38.2")))
    assert failed.name == "upgrade path"
    assert "1.36.4 to 1.38.2 is 2 minors at once" in failed.evidence
    assert failed.fix == "upgrade to the latest 1.37, then 1.38.2"


@pytest.mark.parametrize(
    ("cluster", "target", "evidence"),
    [
        (samples.before(), "1.35.9", "kube-apiserver on cp1 is 1.36.4, kube-controller-manager on cp1 is 1.36.4"),
        (samples.before(), "1.36.3", "the target is 1.36.3"),
        # The run that another one left unfinished went further.
        (samples.cluster({"cp1": NEW}, etcd=samples.NEW_ETCD), "1.36.4", "kube-apiserver on cp1 is 1.37.1"),
        (samples.cluster({"cp1": OLD}, {"w1": parse("1.36.9")}), "1.36.5", "kubelet on w1 is 1.36.9"),
        (samples.cluster({"cp1": OLD}, config=parse("1.36.6")), "1.36.5", "kubeadm-config is 1.36.6"),
    ],
)
def test_a_downgrade_of_a_minor_or_a_patch(cluster: Cluster, target: str, evidence: str) -> None:
    found = checks.check_downgrade(cluster, {}, parse(target))
    assert found.status == FAIL
    assert evidence in found.evidence
    assert "or later" in found.fix


def test_a_kubelet_that_runs_newer_than_the_api_knows() -> None:
    kubelet = {"running": "1.37.2", "active": True, "started": None}
    failed = the_failure(preflight(facts=changed("w1", kubelet=kubelet)))
    assert (failed.name, failed.object) == ("no downgrade", "1 component(s)")
    assert failed.evidence == "kubelet on w1 is 1.37.2, the target is 1.37.1"
    assert failed.fix.startswith("choose 1.37.2 or later")


def test_a_kubelet_that_both_know_is_told_once() -> None:
    cluster = samples.cluster({"cp1": OLD}, {"w1": parse("1.37.2")})
    found = checks.check_downgrade(cluster, {"w1": samples.worker("w1", parse("1.37.2"))}, NEW)
    assert found.object == "1 component(s)"


@pytest.mark.parametrize(
    ("changes", "evidence"),
    [
        ({"api_version": "kubeadm.k8s.io/v1beta3"}, "which kubeadm 1.37 cannot read"),
        ({"version": None}, "names no kubernetesVersion"),
    ],
)
def test_a_kubeadm_config_that_the_target_cannot_use(changes: dict[str, t.Any], evidence: str) -> None:
    cluster = samples.before()
    config = dataclasses.replace(cluster.config, **changes)
    failed = the_failure(preflight(dataclasses.replace(cluster, config=config)))
    assert evidence in failed.evidence


def test_an_old_kubeadm_config_is_good_enough_for_an_earlier_minor() -> None:
    cluster = samples.before()
    config = dataclasses.replace(cluster.config, api_version="kubeadm.k8s.io/v1beta3")
    assert not failures(checks.check_config(dataclasses.replace(cluster, config=config), parse("1.36.5")))


@pytest.mark.parametrize(
    ("images", "status"),
    [
        (("registry.k8s.io/coredns/coredns:v1.14.2",), PASS),
        (("coredns:v1.14.2-custom.1",), PASS),
        (("coredns:latest",), FAIL),
        (("coredns@sha256:0123",), FAIL),
        (("a:v1.14.2", "b:v1.14.2"), FAIL),
        ((), WARN),
    ],
)
def test_coredns_has_a_tag_that_kubeadm_can_migrate_from(images: tuple[str, ...], status: str) -> None:
    cluster = dataclasses.replace(samples.before(), coredns=images)
    assert checks.check_coredns(cluster).status == status
    disabled = dataclasses.replace(cluster, config=dataclasses.replace(cluster.config, dns_disabled=True))
    assert checks.check_coredns(disabled).status == SKIP


def test_kube_apiservers_of_two_registries_would_hold_the_addons_back() -> None:
    cluster = samples.cluster({"cp1": OLD, "cp2": OLD})
    pods = tuple(
        dataclasses.replace(pod, image="other.example/kube-apiserver:v1.36.4")
        if pod.name == "kube-apiserver-cp2"
        else pod
        for pod in cluster.pods
    )
    assert checks.check_addons(dataclasses.replace(cluster, pods=pods)).status == FAIL
    assert checks.check_addons(cluster).status == PASS


@pytest.mark.parametrize(
    ("target", "config", "fails"),
    [("1.37.1", {}, True), ("1.37.1", {"failCgroupV1": "true"}, True), ("1.37.1", {"failCgroupV1": "false"}, False)],
)
def test_hosts_on_cgroup_v1(target: str, config: dict[str, str], fails: bool) -> None:
    cluster = dataclasses.replace(samples.before(), kubelet_config=config)
    found = checks.check_cgroup(cluster, changed("w2", cgroup=1), parse(target))
    assert bool(found) == fails
    assert all(check.status == FAIL and check.evidence.startswith("w2: cgroup v1") and check.fix for check in found)
    assert not checks.check_cgroup(cluster, samples.facts(), parse(target))
    assert not checks.check_cgroup(cluster, changed("w2", cgroup=1), parse("1.34.9"))


def test_a_kubectl_that_is_far_from_the_apiserver() -> None:
    packages = {**samples.packages(), "kubectl": {"version": "1.33.2", "package": "1.33.2-1.1", "held": True}}
    found = [check for check in preflight(facts=changed("w1", packages=packages)) if check.name == "kubectl skew"]
    assert [(check.status, check.object) for check in found] == [(WARN, "kubectl on w1")]


def test_what_an_unfinished_run_left_is_told() -> None:
    left = {"unit": "kubeops-kubeadm-upgrade-1.37.1.service", "running": True, "upgraded_manifests": ["/x"]}
    found = [check for check in preflight(facts=changed("cp1", unfinished=left)) if check.name == "unfinished run"]
    assert [check.status for check in found] == [WARN]
    assert "kubeops-kubeadm-upgrade-1.37.1.service" in found[0].evidence


def test_an_etcd_member_that_says_it_is_unhealthy() -> None:
    etcd = {**samples.control_plane("cp1")["etcd"], "healthy": False, "evidence": "NO LEADER"}
    failed = the_failure(preflight(facts=changed("cp1", etcd=etcd)))
    assert (failed.name, failed.object, failed.evidence) == ("etcd healthy", "etcd member cp1 on cp1", "NO LEADER")


@pytest.mark.parametrize("gone", [True, False])
def test_an_etcd_pod_that_is_not_ready(gone: bool) -> None:
    cluster = samples.before()
    rest = tuple(pod for pod in cluster.pods if pod.component != ETCD)
    broken = rest if gone else (*rest, samples.pod(ETCD, "cp1", samples.OLD_ETCD, ready=False))
    assert the_failure(preflight(dataclasses.replace(cluster, pods=broken))).name == "etcd healthy"


@pytest.mark.parametrize(
    ("etcd", "want", "status"),
    [
        ("3.6.8-0", "3.7.0-0", FAIL),
        ("3.6.10-0", "3.7.0-0", FAIL),
        ("3.6.11-0", "3.7.0-0", PASS),
        ("3.6.16-0", "3.7.0-0", PASS),
        ("3.7.0-0", "3.7.0-0", PASS),
        ("3.5.24-0", "3.6.5-0", FAIL),
        ("3.5.26-0", "3.6.5-0", PASS),
        # The same minor, and a pin that keeps it.
        ("3.6.8-0", "3.6.8-0", PASS),
        ("3.6.8-0", "", PASS),
        ("latest", "3.7.0-0", FAIL),
    ],
)
def test_the_stepping_stone_before_the_next_minor_of_etcd(etcd: str, want: str, status: str) -> None:
    found = checks_etcd.check_stepping_stone("cp1", samples.control_plane("cp1", etcd=etcd), plan.Wanted(want))
    assert found.status == status
    if status == FAIL and etcd != "latest":
        assert f"runs {etcd}" in found.evidence
        assert "stepping stone: set etcd.local.imageTag to 3." in found.fix


def test_a_stock_cluster_of_1_36_is_below_the_line_of_1_37() -> None:
    facts = samples.facts(etcd="3.6.8-0")
    failed = the_failure(preflight(samples.cluster({"cp1": OLD}, etcd="3.6.8-0"), facts))
    assert failed.name == "etcd version"
    assert "every member has to run 3.6.11 or later" in failed.evidence


@given(
    data=st.integers(1, 20 * GIB), database=st.integers(1, 20 * GIB), free=st.integers(0, 50 * GIB), same=st.booleans()
)
def test_room_for_the_copy_and_the_snapshot(data: int, database: int, free: int, same: bool) -> None:
    facts = copy.deepcopy(samples.control_plane("cp1"))
    facts["etcd"].update(data_bytes=data, db_bytes=database)
    facts["disk"]["/etc/kubernetes/tmp"] = {"free_bytes": free, "device": 1}
    facts["disk"]["/backup"] = {"free_bytes": free, "device": 1 if same else 2}
    found = {check.object: check for check in checks_etcd.check_disk("cp1", facts, "/backup")}
    copied, saved = data * 1.2, database * 1.32
    together = copied + saved
    assert (found["cp1:/backup"].status == PASS) == (free >= (together if same else saved))
    assert (found["cp1:/etc/kubernetes/tmp"].status == PASS) == (free >= (together if same else copied))


def test_too_little_disk_for_the_snapshot_names_the_numbers() -> None:
    facts = samples.facts()
    facts["cp1"]["disk"] = {**facts["cp1"]["disk"], "/backup": {"free_bytes": 100 << 20, "device": 2}}
    failed = the_failure(preflight(facts=facts))
    assert failed.object == "cp1:/backup"
    assert failed.evidence == "100 MiB free, 676 MiB needed"
    assert failed.fix.startswith("free 576 MiB there")


def test_etcd_that_is_external_is_not_ours_to_check() -> None:
    found = checks_etcd.preflight(samples.before(), plan.Wanted("3.7.0-0"), {"w1": samples.worker("w1")}, "/backup")
    assert [check.status for check in found] == [SKIP]
