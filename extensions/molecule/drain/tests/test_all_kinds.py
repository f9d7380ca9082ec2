# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A worker with pods of every kind: refused first, drained with the options that it needs, and given back."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster
from ansible_collections.kubeops.maintenance.extensions.molecule.support.history import History
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab
    from testinfra.host import Host

OWNER = "kubeops.maintenance.drain"
EVERYTHING = {"force": True, "delete_emptydir_data": True}
GOES = {"bare", "bound", "cache", "job", "movable", "slow", "web"}
STAYS = {"agent", "static"}
STATIC_POD = """
apiVersion: v1
kind: Pod
metadata: {name: static, labels: {app: static}}
spec:
  containers: [{name: static, image: 'mirror.lab:5000/web:1.0.0'}]
"""

Uids = dict[str, set[str]]


def uids(lab: Lab, node: str) -> Uids:
    """The label `app` of pods on a node -> their UIDs."""
    found: Uids = collections.defaultdict(set)
    for pod in cluster.pods_on(lab, node):
        if app := pod["metadata"].get("labels", {}).get("app"):
            found[app].add(pod["metadata"]["uid"])
    return dict(found)


@pytest.fixture(scope="module")
def static_pod(lab: Lab, on: t.Callable[[str], Host]) -> t.Iterator[None]:
    file = "/etc/kubernetes/manifests/static.yaml"
    on("w1").check_output(f"cat > {file} <<'END'{STATIC_POD}END")
    yield
    on("w1").check_output(f"rm {file}")
    until("the end of the static pod", lambda: "static" not in uids(lab, "w1"))


@pytest.fixture(scope="module", autouse=True)
def before(
    lab: Lab,
    on: t.Callable[[str], Host],
    static_pod: None,
    present: t.Callable[[str], t.ContextManager[None]],
) -> t.Iterator[Uids]:
    """The pods on w1 before the drain, and nothing left of earlier ones on the volumes."""
    on("w1").check_output("rm -rf /srv/log /srv/bound /srv/shared/*")
    with present("all_kinds"):
        until("the static pod's mirror", lambda: "static" in uids(lab, "w1"))
        found = uids(lab, "w1")
        assert {app: len(there) for app, there in found.items()} == {**dict.fromkeys(GOES | STAYS, 1), "web": 2}
        yield found


def test_refused_without_the_options_that_it_needs(lab: Lab, drain: t.Callable[..., Run]) -> None:
    state = cluster.state(lab)
    run = drain("w1")
    assert run.finish() != 0
    for phrase in ("force=true deletes them for good): default/bare", "delete_emptydir_data=true", "default/cache-"):
        assert phrase in run.message
    assert cluster.state(lab) == state


def test_check_mode_forecasts_and_changes_nothing(lab: Lab, drain: t.Callable[..., Run]) -> None:
    state = cluster.state(lab)
    run = drain("w1", "--check", **EVERYTHING)
    assert run.finish() == 0
    assert run.says("8 Pod(s) would be evicted")
    assert run.says("default/bound-0: its volume data-bound-0 is bound to this node: it returns with the node")
    assert cluster.state(lab) == state


@dataclasses.dataclass(frozen=True)
class Drained:
    """What was true at the moment when the drain said that it was done."""

    run: Run
    on_the_node: Uids
    slow_pod: list[str]  # what it had done
    web_healthy: list[int]  # all along


@pytest.fixture(scope="module")
def drained(lab: Lab, before: Uids, drain: t.Callable[..., Run], on: t.Callable[[str], Host]) -> Drained:
    web = History(lab, "app=web")
    run = drain("w1", **EVERYTHING)
    assert run.finish() == 0, run.output
    slow_pod = on("w1").file("/srv/log/slow").content_string.splitlines()
    return Drained(run, uids(lab, "w1"), slow_pod, web.healthy())


def test_only_what_belongs_to_the_node_is_still_on_it(drained: Drained, before: Uids) -> None:
    assert drained.on_the_node == {app: before[app] for app in STAYS}


def test_a_slow_pod_had_its_time(drained: Drained) -> None:
    assert drained.slow_pod == ["preStop begins", "preStop ends", "stopped"]


def test_the_web_service_was_never_below_its_budget(drained: Drained) -> None:
    assert min(drained.web_healthy) == 1, "0 is below it, and 2 all along means that nothing was seen"


def test_the_node_says_who_has_it_and_why(lab: Lab, drained: Drained) -> None:
    work = cluster.work(lab, "w1")
    assert cluster.unschedulable(lab, "w1")
    assert work
    assert (work["owner"], work["reason"], work["unschedulable_before"]) == (OWNER, "a new disk", False)


@pytest.mark.parametrize("app", ["cache", "job", "movable", "slow"])
def test_a_pod_with_a_controller_went_on_elsewhere(lab: Lab, drained: Drained, before: Uids, app: str) -> None:
    found = until(f"a new pod of {app}", lambda: running(lab, app))
    assert found["spec"]["nodeName"] == "w2"
    assert found["metadata"]["uid"] not in before[app]


def running(lab: Lab, app: str) -> dict[str, t.Any] | None:
    """The one pod of an app, when it runs."""
    found = [
        pod
        for pod in cluster.objects(lab, "get", "pods", f"--selector=app={app}")
        if pod["status"]["phase"] == "Running" and not pod["metadata"].get("deletionTimestamp")
    ]
    return found[0] if len(found) == 1 else None


def test_a_pod_without_a_controller_is_gone_for_good(lab: Lab, drained: Drained) -> None:
    assert cluster.objects(lab, "get", "pods", "--selector=app=bare") == []


def test_a_volume_that_can_move_went_with_its_pod(
    lab: Lab, drained: Drained, before: Uids, on: t.Callable[[str], Host]
) -> None:
    now = until("the database that can move", lambda: running(lab, "movable"))
    users = on("w2").file("/srv/shared/movable/pods").content_string.split()
    assert users == [*before["movable"], now["metadata"]["uid"]]


def test_a_volume_that_cannot_move_keeps_its_pod_waiting(lab: Lab, drained: Drained, before: Uids) -> None:
    def anew() -> dict[str, t.Any] | None:
        found = cluster.objects(lab, "get", "pods", "--selector=app=bound")
        return found[0] if [pod["metadata"]["uid"] for pod in found] not in ([], [*before["bound"]]) else None

    pod = until("the pod made anew", anew)
    assert pod["metadata"]["uid"] not in before["bound"]
    assert pod["status"]["phase"] == "Pending"
    assert "nodeName" not in pod["spec"]


def test_a_second_drain_changes_nothing(lab: Lab, drained: Drained, drain: t.Callable[..., Run]) -> None:
    state = cluster.state(lab)
    run = drain("w1", **EVERYTHING)
    assert run.finish() == 0
    assert "changed=0" in run.output.rpartition("w1 : ")[2]
    assert cluster.state(lab) == state


@pytest.fixture(scope="module")
def given_back(drained: Drained, uncordon: t.Callable[[str], None]) -> None:
    uncordon("w1")


def test_the_node_takes_pods_again(lab: Lab, given_back: None) -> None:
    assert not cluster.unschedulable(lab, "w1")
    assert cluster.work(lab, "w1") is None


def test_the_database_is_back_with_its_data(
    lab: Lab, given_back: None, before: Uids, on: t.Callable[[str], Host]
) -> None:
    now = until("the database that cannot move", lambda: running(lab, "bound"))
    assert now["spec"]["nodeName"] == "w1"
    assert on("w1").file("/srv/bound/pods").content_string.split() == [*before["bound"], now["metadata"]["uid"]]
