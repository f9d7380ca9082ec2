# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node whose kubelet is dead: nothing stops its pods, and a drain says so instead of waiting for them."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster, faults

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

pytestmark = pytest.mark.slow


def pods(lab: Lab) -> set[str]:
    """UIDs of the workload's pods on w2."""
    found = [pod["metadata"] for pod in cluster.pods_on(lab, "w2")]
    return {pod["uid"] for pod in found if pod["labels"].get("app") == "far"}


@pytest.fixture(scope="module")
def kubelet_of_w2_is_dead(
    lab: Lab, present: t.Callable[[str], t.ContextManager[None]]
) -> t.Iterator[contextlib.ExitStack]:
    """Until the stack is closed."""
    with present("on_w2"), contextlib.ExitStack() as stack:
        assert len(pods(lab)) == 1
        stack.enter_context(faults.kubelet_stopped(lab))
        yield stack


def test_a_drain_fails_and_says_that_the_kubelet_is_silent(
    lab: Lab, drain: t.Callable[..., Run], kubelet_of_w2_is_dead: object
) -> None:
    before = pods(lab)
    assert len(before) == 1
    run = drain("w2", wait_timeout=2, terminate_grace_period=1)
    assert run.finish() != 0
    assert "node w2 is not drained within 2 s" in run.message
    assert "default/far-" in run.message
    assert "the kubelet of its node is silent since" in run.message
    assert "Node w2 stays cordoned, in work of kubeops.maintenance.drain" in run.message
    assert cluster.work(lab, "w2")
    assert pods(lab) == before


def test_its_pods_can_be_left_behind(
    lab: Lab, drain: t.Callable[..., Run], kubelet_of_w2_is_dead: contextlib.ExitStack
) -> None:
    before = pods(lab)
    run = drain("w2", unreachable="leave")
    assert run.finish() == 0, run.output
    assert run.says("node w2 is silent, so pods that were asked to go are not waited for, and may still run there")
    assert run.says("kubectl taint nodes w2 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute")
    assert pods(lab) == before, "nobody deletes them by force"


def test_once_the_kubelet_is_back_the_same_drain_ends_well(
    lab: Lab, drain: t.Callable[..., Run], kubelet_of_w2_is_dead: contextlib.ExitStack
) -> None:
    kubelet_of_w2_is_dead.close()
    run = drain("w2")
    assert run.finish() == 0, run.output
    assert pods(lab) == set()


def test_the_node_is_given_back(lab: Lab, uncordon: t.Callable[[str], None]) -> None:
    uncordon("w2")
    assert not cluster.unschedulable(lab, "w2")
    assert cluster.work(lab, "w2") is None
