# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, PASS, SKIP, WARN, failures
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import checks_nodes, plan, summary

from . import samples
from .preflights import changed, preflight, the_failure
from .samples import CA, NEW, SERVER

OTHER_CA = "b" * 64


@pytest.mark.parametrize(
    ("there", "here", "status"),
    [
        ({CA}, [CA], PASS),
        # While an authority is renewed, one side may be ahead.
        ({CA, OTHER_CA}, [CA], PASS),
        ({CA}, [OTHER_CA, CA], PASS),
        ({CA}, [OTHER_CA], FAIL),
        (set(), [CA], SKIP),
        ({CA}, [], SKIP),
        ({CA}, None, SKIP),
    ],
)
def test_an_api_is_of_the_hosts_cluster_by_its_authority(there: set[str], here: list[str] | None, status: str) -> None:
    cluster = dataclasses.replace(samples.before(), ca=frozenset(there))
    facts = {"w1": samples.worker("w1", cluster_ca=here)}
    assert [found.status for found in checks_nodes.check_same_cluster(cluster.ca, facts, SERVER)] == [status]


def test_facts_without_an_authority_are_unknown() -> None:
    facts = samples.worker("w1")
    del facts["cluster_ca"]
    assert checks_nodes.check_same_cluster(samples.before().ca, {"w1": facts}, SERVER)[0].status == SKIP


def test_another_cluster_is_all_that_is_said() -> None:
    cluster = dataclasses.replace(samples.before(), ca=frozenset({OTHER_CA}), config=None)
    facts = {**samples.facts(), "w9": samples.worker("w9", cluster_ca=None)}
    found = preflight(cluster, facts)
    assert [(check.name, check.object) for check in found] == [
        ("same cluster", f"host {host}") for host in ("cp1", "w1", "w2")
    ]
    assert found[1].sentence() == (
        f"FAIL  same cluster: host w1: the API at {SERVER} is of another cluster than host w1. "
        "Fix: check kubeconfig, context, K8S_AUTH_* and the inventory (where it has several clusters, -e cluster=NAME"
        " says which one is meant); nothing was changed"
    )
    lines = summary.lines(plan.make(cluster, NEW, facts), found)
    assert lines[:2] == [
        "Plan: none, the API and the hosts are not of one cluster",
        "Checks: 0 pass, 0 warn, 3 fail",
    ]


def test_one_host_of_another_cluster() -> None:
    assert the_failure(preflight(facts=changed("w2", cluster_ca=[OTHER_CA]))).object == "host w2"


@pytest.mark.parametrize(
    ("facts", "control_plane", "subject", "evidence"),
    [
        ({**samples.facts(), "stranger": samples.worker("w9")}, ["cp1"], "host stranger", '"w9" is not in the cluster'),
        (samples.facts(), [], "node/cp1", "without a host in kube_control_plane"),
        (samples.facts(), ["cp1", "w1"], "host w1", "has no manifest of kube-apiserver"),
        ({**samples.facts(), "again": samples.worker("w1")}, ["cp1"], "node/w1", "is the node of hosts w1, again"),
    ],
)
def test_hosts_that_do_not_fit_the_cluster(
    facts: dict[str, t.Any], control_plane: list[str], subject: str, evidence: str
) -> None:
    failed = the_failure(preflight(facts=facts, control_plane=control_plane))
    assert failed.object == subject
    assert evidence in failed.evidence


def test_a_worker_without_a_host_may_stay() -> None:
    facts = samples.facts()
    del facts["w2"]
    found = preflight(facts=facts)
    assert not failures(found)
    assert [check.evidence for check in found if check.status == WARN] == [
        "w2: not in the inventory, stays at its version"
    ]


LOST = samples.node("w1", ready=False, ready_evidence="Ready is Unknown since 10:02 (NodeStatusUnknown)")


def test_a_node_that_is_not_ready_unless_it_is_in_work() -> None:
    failed = the_failure(preflight(samples.having(samples.before(), LOST)))
    assert (failed.object, failed.evidence) == ("node/w1", LOST.ready_evidence)

    found = preflight(samples.having(samples.before(), dataclasses.replace(LOST, work=samples.OURS)))
    assert not failures(found)
    assert [check.object for check in found if check.status == WARN] == ["node/w1"]


def test_a_node_that_somebody_else_has_in_work_is_not_touched() -> None:
    taken = samples.node("w1", unschedulable=True, work=samples.THEIRS)
    failed = the_failure(preflight(samples.having(samples.before(), taken)))
    assert (failed.name, failed.object) == ("node in work", "node/w1")
    assert failed.evidence == ("is in work of kubeops.maintenance.drain (reason new disk, since 2026-11-20T10:00:00Z)")
    assert "uncordon.yml -e nodes=w1" in failed.fix

    unreadable = the_failure(preflight(samples.having(samples.before(), dataclasses.replace(taken, work={}))))
    assert "somebody whose annotation kubeops.maintenance/work cannot be read" in unreadable.evidence


def test_work_of_somebody_else_excuses_no_node_that_has_to_be_upgraded() -> None:
    found = preflight(samples.having(samples.before(), dataclasses.replace(LOST, work=samples.THEIRS)))
    assert [check.name for check in failures(found)] == ["node in work", "node ready"]


def test_a_node_of_somebody_else_is_passed_over_where_nothing_is_to_be_done() -> None:
    facts = {**samples.facts(), "w1": samples.worker("w1", NEW)}
    at_target = dataclasses.replace(LOST, kubelet=NEW, work=samples.THEIRS)
    made = plan.make(samples.having(samples.before(), at_target), NEW, facts)
    found = checks_nodes.check_nodes(samples.having(samples.before(), at_target), made)
    assert [(check.status, check.object, check.fix) for check in found] == [
        (WARN, "node/w1", "nothing: it is passed over")
    ]
    ready = samples.having(samples.before(), dataclasses.replace(at_target, ready=True))
    assert [check.status for check in checks_nodes.check_nodes(ready, plan.make(ready, NEW, facts))] == [PASS]


def test_a_control_plane_that_is_not_ready_is_never_excused_by_somebody_elses_work() -> None:
    lost = samples.node("cp1", NEW, control_plane=True, ready=False, work=samples.THEIRS)
    cluster = samples.having(samples.after(), lost)
    made = plan.make(cluster, NEW, samples.facts(NEW, samples.NEW_ETCD))
    assert [check.status for check in checks_nodes.check_nodes(cluster, made)] == [FAIL]
