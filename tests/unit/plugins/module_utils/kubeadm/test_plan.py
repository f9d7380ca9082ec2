# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import plan, summary
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.cluster import Cluster
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import Version
from hypothesis import given
from hypothesis import strategies as st

from . import samples
from .samples import NEW, OLD


def components(made: plan.Plan, host: str) -> list[str]:
    return [step.component for step in made.nodes[host].steps]


def test_a_whole_upgrade() -> None:
    made = plan.make(samples.before(), NEW, samples.facts())
    assert (made.before, made.hops, made.empty) == (OLD, ("1.37.1",), False)
    control_plane = [
        "kubeadm",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kubectl",
    ]
    assert components(made, "cp1") == control_plane
    assert components(made, "w1") == ["kubeadm", "kubelet", "kubectl"]
    assert [step.component for step in made.objects] == ["kubelet-config", "kubeadm-config", "coredns", "kube-proxy"]
    assert all(node.drain for node in made.nodes.values())
    assert made.as_dict()["nodes"]["cp1"]["parts"] == {"control_plane": True, "kubelet": True}
    assert made.as_dict()["nodes"]["w1"]["parts"] == {"control_plane": False, "kubelet": True}
    assert {"component": "etcd", "from": "3.6.16-0", "to": "3.7.0-0"} in made.as_dict()["nodes"]["cp1"]["steps"]


def test_a_cluster_that_is_there_has_an_empty_plan() -> None:
    made = plan.make(samples.after(), NEW, samples.facts(NEW, samples.NEW_ETCD))
    assert made.empty
    assert made.objects == made.hops == ()
    assert not any(node.steps or node.drain for node in made.nodes.values())
    assert summary.lines(made, [])[0] == "Plan: every component is at 1.37.1, nothing to do"


@pytest.mark.parametrize(
    ("changes", "late"),
    [
        # Killed after the static pods, before anything was written to the cluster.
        (
            {"config": OLD, "coredns": samples.OLD_COREDNS, "proxy": OLD},
            ["kubelet-config", "kubeadm-config", "coredns", "kube-proxy"],
        ),
        ({"coredns": samples.OLD_COREDNS, "proxy": OLD}, ["coredns", "kube-proxy"]),
        ({"proxy": OLD}, ["kube-proxy"]),
    ],
)
def test_a_run_killed_before_the_objects_were_written_is_not_done(changes: dict[str, t.Any], late: list[str]) -> None:
    whole = {"config": NEW, "coredns": samples.NEW_COREDNS, "proxy": NEW}
    cluster = samples.cluster({"cp1": NEW}, {"w1": NEW, "w2": NEW}, NEW, samples.NEW_ETCD, **{**whole, **changes})
    made = plan.make(cluster, NEW, samples.facts(NEW, samples.NEW_ETCD))
    assert [step.component for step in made.objects] == late
    assert not made.empty
    parts = {host: node["parts"] for host, node in made.as_dict()["nodes"].items()}
    assert parts["cp1"] == {"control_plane": True, "kubelet": False}
    assert parts["w1"] == {"control_plane": False, "kubelet": False}


def test_a_manifest_that_is_new_under_an_old_pod_is_not_done() -> None:
    cluster = samples.cluster({"cp1": OLD}, {"w1": NEW, "w2": NEW}, NEW, samples.NEW_ETCD, NEW)
    made = plan.make(cluster, NEW, samples.facts(NEW, samples.NEW_ETCD))
    assert "kube-apiserver" in components(made, "cp1")


def test_an_installed_kubelet_that_does_not_run_yet_is_not_done() -> None:
    facts = samples.facts(NEW, samples.NEW_ETCD)
    facts["w1"]["kubelet"]["running"] = str(OLD)
    made = plan.make(samples.after(), NEW, facts)
    assert components(made, "w1") == ["kubelet"]
    assert made.nodes["w1"].drain


def finished(facts: dict[str, t.Any] | None = None, *nodes: t.Any) -> plan.Plan:
    """The plan of a cluster that is there, but for these."""
    cluster = samples.having(samples.after(), *nodes)
    return plan.make(cluster, NEW, facts or samples.facts(NEW, samples.NEW_ETCD))


def test_a_node_in_work_is_work_even_without_a_step() -> None:
    made = finished(None, samples.node("w1", NEW, work=samples.OURS, unschedulable=True))
    assert made.nodes["w1"].in_work
    assert made.nodes["w1"].kubelet_part
    assert not made.empty
    lines = summary.lines(made, [])
    assert lines[0] == "Plan: finish the upgrade to 1.37.1"
    assert lines[1] == "  w1  worker  still in work by an upgrade that did not end"


@pytest.mark.parametrize("work", [samples.THEIRS, {}])
def test_a_node_in_work_of_somebody_else_is_no_work(work: dict[str, str]) -> None:
    made = finished(None, samples.node("w1", NEW, work=work, unschedulable=True))
    assert made.empty
    assert not made.nodes["w1"].in_work


@pytest.mark.parametrize(
    ("cluster", "facts", "begun"),
    [
        (samples.before(), samples.facts(), False),
        (samples.after(), samples.facts(NEW, samples.NEW_ETCD), False),
        # One static pod, one manifest, one kubelet, one kubelet that the API has not heard of.
        (samples.cluster({"cp1": NEW}), samples.facts(), True),
        (samples.before(), {**samples.facts(), "cp1": samples.control_plane("cp1", NEW)}, True),
        (samples.cluster({"cp1": OLD}, {"w1": OLD, "w2": NEW}), samples.facts(), True),
        (samples.before(), {**samples.facts(), "w1": samples.worker("w1", NEW)}, True),
        # Packages alone change nothing that runs.
        (samples.before(), {**samples.facts(), "w1": samples.worker("w1", packages=samples.packages(NEW))}, False),
        (samples.having(samples.before(), samples.node("w1", work=samples.OURS)), samples.facts(), True),
        (samples.having(samples.before(), samples.node("w1", work=samples.THEIRS)), samples.facts(), False),
        (samples.before(), {**samples.facts(), "w1": samples.worker("w1", unfinished={"unit": "x"})}, True),
        (samples.before(), {**samples.facts(), "w1": samples.worker("w1", unfinished={"moved_away": ["etcd"]})}, True),
    ],
)
def test_whether_changes_were_made_before(cluster: Cluster, facts: dict[str, t.Any], begun: bool) -> None:
    made = plan.make(cluster, NEW, facts)
    assert made.begun == made.as_dict()["begun"] == begun


def test_an_unfinished_control_plane_phase_is_work() -> None:
    facts = samples.facts(NEW, samples.NEW_ETCD)
    facts["cp1"]["unfinished"]["upgraded_manifests"] = ["/etc/kubernetes/tmp/kubeadm-upgraded-manifests1"]
    assert plan.make(samples.after(), NEW, facts).nodes["cp1"].control_plane_part


@pytest.mark.parametrize(
    ("control_planes", "workers", "drained"),
    [
        # The only node: nobody could take its pods.
        ({"cp1": OLD}, {}, {"cp1": False}),
        ({"cp1": OLD}, {"w1": OLD}, {"cp1": True, "w1": True}),
        ({"cp1": OLD, "cp2": OLD}, {}, {"cp1": True, "cp2": True}),
    ],
)
def test_a_control_plane_is_drained_unless_nobody_could_take_its_pods(
    control_planes: dict[str, Version], workers: dict[str, Version], drained: dict[str, bool]
) -> None:
    facts = {name: samples.control_plane(name) for name in control_planes}
    facts |= {name: samples.worker(name) for name in workers}
    made = plan.make(samples.cluster(control_planes, workers), NEW, facts)
    assert {host: node.drain for host, node in made.nodes.items()} == drained


@pytest.mark.parametrize(
    ("other", "takes"),
    [
        (samples.node("w1"), True),
        (samples.node("w1", ready=False), False),
        (samples.node("w1", unschedulable=True), False),
        (samples.node("w1", unschedulable=True, work=samples.OURS), True),
        (samples.node("w1", unschedulable=True, work=samples.THEIRS), False),
        (samples.node("w1", work=samples.THEIRS), False),
        (samples.node("w1", unschedulable=True, work={}), False),
        (samples.node("w1", taints=frozenset({("gpu", "NoSchedule")})), False),
        (samples.node("w1", taints=samples.TAINT), True),
    ],
)
def test_who_takes_the_pods_of_a_control_plane(other: t.Any, takes: bool) -> None:
    cluster = samples.cluster({"cp1": OLD}, {})
    nodes = {**cluster.nodes, "w1": other}
    assert plan.others_take_pods(dataclasses.replace(cluster, nodes=nodes), "cp1") == takes


@given(before=st.integers(30, 40), after=st.integers(30, 40), patches=st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_one_hop_for_each_minor(before: int, after: int, patches: tuple[int, int]) -> None:
    old, new = Version(1, before, patches[0]), Version(1, after, patches[1])
    hops = plan.hops(old, new)
    assert len(hops) == (max(1, after - before) if new > old else 0)
    assert not hops or hops[-1] == str(new)
    assert list(hops[:-1]) == [f"1.{minor}" for minor in range(before + 1, after)]


def test_what_the_target_wants_comes_from_its_kubeadm_and_pins_come_first() -> None:
    cluster, images = (
        samples.before(),
        {"kubeadm": "1.37.1", "etcd": "3.7.1-0", "coredns": "v1.15.0", "pause": "3.10.2"},
    )
    assert plan.wanted(NEW, cluster, []) == plan.Wanted("3.7.0-0", "v1.14.6")
    assert plan.wanted(Version(1, 99, 0), cluster, []) == plan.Wanted("", "")
    assert plan.wanted(NEW, cluster, [{"kubeadm_images": images}]) == plan.Wanted("3.7.1-0", "v1.15.0")
    assert plan.wanted(NEW, cluster, [{"kubeadm_images": {**images, "kubeadm": "1.36.4"}}]).etcd == "3.7.0-0"
    pinned = dataclasses.replace(cluster.config, etcd_image_tag="3.6.16-0", dns_image_tag="v1.14.2")
    assert plan.wanted(NEW, dataclasses.replace(cluster, config=pinned), []) == plan.Wanted("3.6.16-0", "v1.14.2")


def test_addons_that_are_disabled_or_removed_are_no_steps() -> None:
    cluster: Cluster = dataclasses.replace(samples.cluster({"cp1": NEW}, config=NEW), coredns=(), kube_proxy=None)
    assert plan.objects(cluster, NEW, plan.wanted(NEW, cluster, [])) == ()
    config = dataclasses.replace(cluster.config, dns_disabled=True, proxy_disabled=True)
    disabled = dataclasses.replace(samples.cluster({"cp1": NEW}), config=config)
    assert plan.objects(disabled, NEW, plan.wanted(NEW, disabled, [])) == ()


def test_the_plan_as_a_table() -> None:
    lines = summary.lines(plan.make(samples.before(), NEW, samples.facts()), [])
    assert lines[0] == "Plan: upgrade from 1.36.4 to 1.37.1"
    assert lines[1].startswith("  cp1              control plane  kubeadm, kube-apiserver, ")
    assert "etcd 3.6.16-0 -> 3.7.0-0" in lines[1]
    assert (
        lines[2]
        == "  w1               worker         kubeadm, kubelet, kubectl 1.36.4 -> 1.37.1; drained for its kubelet"
    )
    assert lines[4].startswith("  cluster objects  ")
    assert lines[-1] == "Checks: 0 pass, 0 warn, 0 fail"
