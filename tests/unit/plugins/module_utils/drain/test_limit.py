# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many nodes of the cluster may be out of work at once."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import KubeError
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.calls import (
    cordoned,
    fails,
    nothing_changed,
    run,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.objects import make_node
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.drain.rack import NAMES, make_cluster

TAKING = pytest.mark.parametrize("state", ["drain", "cordon"])


def rack(*others):
    cluster = make_cluster()
    cluster.others += others
    return cluster


@TAKING
@pytest.mark.parametrize("check_mode", [False, True])
def test_too_many_nodes_out_of_work_refuse_the_call(state, check_mode):
    cluster = rack(make_node("x1", unschedulable=True), make_node("x2", ready=False))
    msg, _data = fails(cluster, state, nodes=("w1", "w2"), max_cordoned=3, check_mode=check_mode)
    assert msg == (
        "nothing was changed: 4 nodes would be cordoned or not Ready, and max_cordoned=3 allows 3. This call is about 2"
        " of them besides 2 that already are: x1 (cordoned), x2 (not Ready)"
    )
    assert nothing_changed(cluster)


@TAKING
def test_as_many_as_are_allowed_pass(state):
    cluster = rack(make_node("x1", unschedulable=True, ready=False))
    run(cluster, state, nodes=("w1", "w2"), max_cordoned=3)
    assert cordoned(cluster, "w2")


def test_nodes_of_the_call_alone_can_be_too_many():
    msg, _data = fails(rack(), nodes=NAMES, max_cordoned=2)
    assert msg.endswith("max_cordoned=2 allows 2. This call is about 3 of them")


def test_of_many_others_three_are_named():
    msg, _data = fails(rack(*(make_node(f"x{i}", unschedulable=True) for i in range(5))), max_cordoned=5)
    assert msg.endswith("besides 5 that already are: x0 (cordoned), x1 (cordoned), x2 (cordoned) and 2 more")


def test_a_node_of_the_call_counts_once():
    cluster = rack()
    run(cluster, "cordon", nodes=("w1",))
    run(cluster, nodes=("w1",), max_cordoned=1)


def test_a_node_of_an_earlier_call_counts_though_its_owner_is_the_same():
    cluster = rack()
    run(cluster, "cordon", nodes=("w1",))
    msg, _data = fails(cluster, "cordon", nodes=("w2",), max_cordoned=1)
    assert "w1 (cordoned)" in msg
    assert not cordoned(cluster, "w2")


@TAKING
def test_who_may_not_count_does_not_pass(state):
    cluster = rack()
    cluster.faults.append(
        lambda method, path: KubeError("no", status=403) if (method, path) == ("LIST", "/api/v1/nodes") else None
    )
    msg, _data = fails(cluster, state, max_cordoned=9)
    assert "could not be counted" in msg
    assert "let this user list nodes" in msg
    assert nothing_changed(cluster)


def test_nobody_counts_without_a_limit():
    cluster = rack(make_node("x1", unschedulable=True))
    run(cluster, "cordon")
    assert not cluster.count("LIST", "/api/v1/nodes")


def test_a_node_is_given_back_however_many_are_out_of_work():
    cluster = rack(make_node("x1", unschedulable=True))
    run(cluster, "cordon")
    run(cluster, "uncordon", max_cordoned=1)
    assert not cordoned(cluster)
