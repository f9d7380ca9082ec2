# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drain that a budget holds is killed; the next one goes on with it, at the pace that the budget allows."""

from __future__ import annotations

import contextlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster
from ansible_collections.kubeops.maintenance.extensions.molecule.support.history import History
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab
    from testinfra.host import Host

pytestmark = pytest.mark.slow

ILL = "/srv/node/ill"


@pytest.fixture(scope="module", autouse=True)
def workloads(on: t.Callable[[str], Host], present: t.Callable[[str], t.ContextManager[None]]) -> t.Iterator[None]:
    on("w2").check_output(f"rm -f {ILL}")
    with present("held"):
        yield


def pods(lab: Lab, app: str) -> dict[str, bool]:
    """UID of each pod of an app on w1 -> whether it was told to go."""
    found = [pod["metadata"] for pod in cluster.pods_on(lab, "w1")]
    return {pod["uid"]: "deletionTimestamp" in pod for pod in found if pod["labels"].get("app") == app}


def allowed(lab: Lab) -> int:
    return cluster.objects(lab, "get", "poddisruptionbudget", "paced")[0]["status"]["disruptionsAllowed"]


@contextlib.contextmanager
def nothing_allowed(lab: Lab, w2: Host) -> t.Iterator[None]:
    """The third pod is ill, so that the budget needs the two on w1."""
    w2.check_output(f"touch {ILL}")
    try:
        until("a budget that allows nothing", lambda: allowed(lab) == 0)
        yield
    finally:
        w2.check_output(f"rm {ILL}")
        until("a budget that allows one pod", lambda: allowed(lab) == 1)


def test_a_drain_that_a_budget_holds_is_killed(
    lab: Lab, on: t.Callable[[str], Host], drain: t.Callable[..., Run]
) -> None:
    held, free = pods(lab, "held"), pods(lab, "free")
    assert (len(held), len(free)) == (2, 1)
    with nothing_allowed(lab, on("w2")):
        run = drain("w1")
        run.until("the pod that no budget holds has left", lambda: pods(lab, "free") == {})
        holds = "budget default/paced (deployment/held) allows no eviction now"
        run.until("a line that tells what holds the others", lambda: run.says(holds))
        run.kill()
        run.until_gone()
    assert pods(lab, "held") == held, "with nobody there to evict them, they stay, also when the budget allows it"
    work = cluster.work(lab, "w1")
    assert cluster.unschedulable(lab, "w1")
    assert work
    assert work["unschedulable_before"] is False


def test_the_next_drain_goes_on_one_pod_at_a_time(lab: Lab, drain: t.Callable[..., Run]) -> None:
    since = cluster.work(lab, "w1")["since"]
    service = History(lab, "service=paced")
    run = drain("w1")
    assert run.finish() == 0, run.output
    assert run.says("w1: budget default/paced (deployment/held) lets 1 of 2 go at a time")
    assert run.says("2 Pod(s) evicted")
    assert pods(lab, "held") == {}
    assert min(service.healthy()) == 2, "one at a time: 1 is below the budget, and 3 all along means nothing was seen"
    assert cluster.work(lab, "w1")["since"] == since, "the work is the same one"


def test_the_node_is_given_back(lab: Lab, uncordon: t.Callable[[str], None]) -> None:
    uncordon("w1")
    assert not cluster.unschedulable(lab, "w1")
    assert cluster.work(lab, "w1") is None
