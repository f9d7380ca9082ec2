# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What members say after a restore, and what of it is enough to let others use them."""

from __future__ import annotations

import dataclasses
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import state
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.cluster import Cluster, Seen
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway, GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import LocalMember
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import gates, ids, order
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline

from . import restores

NAMES = ("cp1", "cp2", "cp3")
LOCAL = LocalMember("http://127.0.0.1:1", "", "", "", "cp1", "/nowhere", ("https://cp1:2380",), "", "etcd.yaml")


def planned(*names: str, **changes: t.Any) -> order.Order:
    return order.parse(restores.told(*names, **changes))


def restored(plan: order.Order) -> Cluster:
    """As it has to be."""
    cluster_id, known = ids.cluster(plan), {}
    for one in plan.members:
        member = state.Member(ids.member(one.peer_urls, plan.token), one.name, one.peer_urls)
        known[member.id] = member
    leader = next(iter(known))
    status = state.Status(cluster_id, "", "3.6.16", "3.6.0", plan.revision, 1000, 900, leader, 10, 10, False, ())
    seen = [
        Seen(one, f"https://{one.name}:2379", dataclasses.replace(status, member_id=one.id)) for one in known.values()
    ]
    return Cluster(tuple(seen), (), {one: state.Hash(plan.revision, plan.revision, 42) for one in known})


def changed(cluster: Cluster, **of_status: t.Any) -> Cluster:
    """The last member says something else."""
    *others, last = cluster.members
    status = dataclasses.replace(t.cast(state.Status, last.status), **of_status)
    return dataclasses.replace(cluster, members=(*others, dataclasses.replace(last, status=status)))


def member_changed(cluster: Cluster, **fields: t.Any) -> Cluster:
    *others, last = cluster.members
    member = dataclasses.replace(last.member, **fields)
    return dataclasses.replace(cluster, members=(*others, dataclasses.replace(last, member=member)))


def silent(cluster: Cluster) -> Cluster:
    *others, last = cluster.members
    return dataclasses.replace(cluster, members=(*others, Seen(last.member, "", trouble="does not answer")))


def hashed(cluster: Cluster, **fields: t.Any) -> Cluster:
    last = cluster.members[-1].member.id
    return dataclasses.replace(
        cluster, hashes={**cluster.hashes, last: dataclasses.replace(cluster.hashes[last], **fields)}
    )


def failing(cluster: Cluster, plan: order.Order) -> set[tuple[str, str]]:
    checks = [*gates.serving(cluster, plan), *gates.same(cluster, plan)]
    return {(check.name, check.status) for check in checks if check.status != "pass"}


@pytest.mark.parametrize("names", [NAMES[:1], NAMES])
def test_a_cluster_as_it_has_to_be(names: t.Sequence[str]) -> None:
    plan = planned(*names)
    assert failing(restored(plan), plan) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (silent, {("etcd member answers", "fail")}),
        (lambda found: changed(found, leader=""), {("etcd has a leader", "fail")}),
        (lambda found: changed(found, revision=10432), {("etcd revision raised", "fail")}),
        (lambda found: changed(found, cluster_id="8cc9da78b36d1115"), {("etcd is the restored cluster", "fail")}),
        (lambda found: member_changed(found, name="cp4"), {("etcd members as planned", "fail")}),
        (lambda found: member_changed(found, peer_urls=("https://x:2380",)), {("etcd members as planned", "fail")}),
        (lambda found: member_changed(found, is_learner=True), {("etcd members as planned", "fail")}),
        (
            lambda found: dataclasses.replace(
                found,
                members=found.members[:-1],
                hashes={one.member.id: found.hashes[one.member.id] for one in found.members[:-1]},
            ),
            {("etcd members as planned", "fail"), ("etcd data equal", "skip")},
        ),
        (
            lambda found: dataclasses.replace(found, alarms=(state.Alarm("1", "NOSPACE"),)),
            {("etcd has no alarm", "fail")},
        ),
        (lambda found: dataclasses.replace(found, alarms=None), {("etcd has no alarm", "skip")}),
        (lambda found: hashed(found, hash=43), {("etcd data equal", "fail")}),
        (lambda found: hashed(found, compact_revision=1), {("etcd data equal", "skip")}),
        (
            lambda found: dataclasses.replace(found, hashes=dict(list(found.hashes.items())[:2])),
            {("etcd data equal", "skip")},
        ),
        (lambda found: dataclasses.replace(found, hashes={}), {("etcd data equal", "skip")}),
    ],
)
def test_what_is_not(change: t.Callable[[Cluster], Cluster], expected: set[tuple[str, str]]) -> None:
    plan = planned(*NAMES)
    assert failing(change(restored(plan)), plan) == expected


def test_a_member_alone_that_was_not_compared() -> None:
    plan = planned("cp1")
    found = dataclasses.replace(restored(plan), hashes={})
    assert failing(found, plan) == {("etcd data equal", "skip")}


class FakeGateway:
    def __init__(self, keys: int = 312, uid: str = restores.SNAPSHOT["kube_system_uid"]) -> None:
        self._keys, self._uid = keys, uid

    def count(self, revision: int) -> int:
        assert revision == 10432 + 10**9
        return self._keys

    def value(self, key: bytes) -> bytes:
        assert key == b"/registry/namespaces/kube-system"
        return b'{"metadata": {"uid": "%s"}}' % self._uid.encode() if self._uid else b""


@pytest.mark.parametrize(
    ("gateway", "expected"),
    [
        (FakeGateway(), []),
        (FakeGateway(keys=311), ["etcd keys as planned"]),
        (FakeGateway(uid="another"), ["etcd cluster as planned"]),
        (FakeGateway(uid=""), ["etcd cluster as planned"]),
    ],
)
def test_what_the_cluster_holds(gateway: FakeGateway, expected: list[str]) -> None:
    checks = gates.holds(t.cast(Gateway, gateway), planned(*NAMES))
    assert [check.name for check in checks if check.status == "fail"] == expected


class Moments:
    """What a survey finds, one time after the other; the last one again and again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *found: Cluster | MaintenanceError) -> None:
        self._found = list(found)
        self.asked = 0
        monkeypatch.setattr(gates, "survey", self)

    def __call__(self, _ways: object, compare: bool, _connect: object) -> Cluster:
        assert compare
        self.asked += 1
        found = self._found.pop(0) if len(self._found) > 1 else self._found[0]
        if isinstance(found, MaintenanceError):
            raise found
        return found


def passed(plan: order.Order, seconds: float = 60, gateway: FakeGateway | None = None) -> list[t.Any]:
    connect = t.cast(t.Callable[[t.Any], Gateway], lambda _access: gateway or FakeGateway())
    return gates.passed(LOCAL, plan, Deadline(seconds), connect)


def test_members_that_start_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(*NAMES)
    good = restored(plan)
    moments = Moments(
        monkeypatch,
        MaintenanceError("no member of etcd says who the members are"),
        silent(good),
        changed(good, leader=""),
        hashed(good, compact_revision=1),
        good,
    )
    checks = passed(plan)
    assert moments.asked == 5
    assert {check.status for check in checks} == {"pass"}
    assert len(checks) == 11


def test_data_that_is_wrong_does_not_become_right(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(*NAMES)
    moments = Moments(monkeypatch, hashed(restored(plan), hash=43))
    with pytest.raises(
        MaintenanceError, match=r"\(0 of 60 s\): FAIL  etcd data equal: .* Fix: all members go back"
    ) as caught:
        passed(plan)
    assert moments.asked == 1
    assert [check["name"] for check in caught.value.data["checks"] if check["status"] == "fail"] == ["etcd data equal"]


def test_members_that_never_come(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(*NAMES)
    Moments(monkeypatch, silent(restored(plan)))
    with pytest.raises(MaintenanceError, match="FAIL  etcd member answers: etcd/cp3: does not answer"):
        passed(plan, 0)
    Moments(monkeypatch, MaintenanceError("nobody is there"))
    with pytest.raises(MaintenanceError, match="FAIL  etcd members answer: etcd/cp1: nobody is there"):
        passed(plan, 0)


def test_what_could_never_be_compared_has_not_passed(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = planned(*NAMES)
    Moments(monkeypatch, hashed(restored(plan), compact_revision=1))
    with pytest.raises(MaintenanceError, match="SKIP  etcd data equal: etcd: compacted while it was compared"):
        passed(plan, 0)


def test_a_member_that_ends_while_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ending(FakeGateway):
        def count(self, revision: int) -> int:
            raise GatewayError("does not answer in time")

    plan = planned(*NAMES)
    Moments(monkeypatch, restored(plan))
    with pytest.raises(MaintenanceError, match="FAIL  etcd data as planned: etcd/cp1: does not answer in time"):
        passed(plan, 0, Ending())


def test_the_id_of_a_member() -> None:
    """Every etcd that is started without any flags has this one; clusters' are compared with real ones elsewhere."""
    assert ids.member(["http://localhost:2380"], "etcd-cluster") == "8e9e05c52164694d"
