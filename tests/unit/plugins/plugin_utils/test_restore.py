# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kubeops.maintenance.plugins.filter import restore as filters
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import order
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore import cluster_plan
from ansible_collections.kubeops.maintenance.tests.unit.plugins.plugin_utils.restore_infos import (
    FRESH,
    HOSTS,
    LATER,
    NAME,
    OLD,
    OTHER,
    UID,
    Infos,
    infos,
    live,
    member,
    planned,
    restore,
    snapshot,
)
from hypothesis import given
from hypothesis import strategies as st


def refused(there: Infos, snapshot: str = "newest", **wish: t.Any) -> str:
    with pytest.raises(MaintenanceError) as caught:
        planned(there, snapshot, **wish)
    assert caught.value.msg.startswith("no restore, and nothing was changed: ")
    return caught.value.msg


def test_a_plan() -> None:
    found = planned(infos())
    assert found["id"] == FRESH
    assert found["token"] == f"kubeops-restore-{FRESH}"
    assert [(one["host"], one["name"]) for one in found["members"]] == [("a", "cp1"), ("b", "cp2"), ("c", "cp3")]
    assert found["snapshot"]["name"] == NAME
    assert (found["source"], found["lacking"], found["direction"], found["resume"]) == ("a", [], "forward", False)
    bump = 10**9 + 136127 * 1000  # so many seconds are between the snapshot and the restore
    assert (found["bump"], found["live_revision"], found["cluster_id"]) == (bump, 11000, "c1")
    assert order.parse(found).as_dict().items() <= found.items()
    assert found["lines"] == [
        f"RESTORE {NAME}",
        f"id        {FRESH}",
        "members   cp1 on a, cp2 on b, cp3 on c",
        "snapshot  taken 2026-11-20T10:11:12.345Z, 312 keys at revision 10432, etcd 3.6.16, not proven by a drill yet",
        "revision  goes on at 1136137432; 568 changes after the snapshot are LOST",
        "data      what each member has now is renamed and kept; restore_undo with this id brings it back",
        f"downtime  about {found['expected_downtime_seconds']} s of the API; workloads go on",
    ]


def test_the_filter() -> None:
    first, second = (filters.restore_plan(infos(), "newest", HOSTS) for _each in range(2))
    assert order.ID.fullmatch(first["id"])
    assert first["id"] != second["id"]
    with pytest.raises(AnsibleFilterError, match="there is no unfinished restore"):
        filters.restore_plan(infos(), "newest", HOSTS, undo="true")
    assert list(filters.FilterModule().filters()) == ["restore_plan"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "b: did not answer: it was not asked"),
        ({"unreachable": True, "msg": "no route"}, "b: did not answer: no route"),
        ({**infos()["b"], "member": None}, "b: runs no member of etcd: systemd has"),
    ],
)
def test_every_host_has_to_answer(answer: t.Any, told: str) -> None:
    there: t.Any = {**infos(), "b": answer}
    assert told in refused({host: one for host, one in there.items() if one})


def test_no_host() -> None:
    with pytest.raises(MaintenanceError, match="there is no host"):
        cluster_plan.make({}, [], cluster_plan.Wish("newest"), FRESH)


def test_two_hosts_are_never_one_member() -> None:
    there = infos()
    there["c"]["member"] = member(0)
    assert "a and c are both https://cp1:2380; a and c are both the member cp1" in refused(there)
    there["c"]["member"] = {**member(2), "peer_urls": []}
    assert "c: its member has no --initial-advertise-peer-urls" in refused(there)


def test_a_member_without_a_host() -> None:
    there = infos()
    there["b"]["live"] = live(
        members=[*live()["members"], {"name": "", "id": "9", "peer_urls": ["https://cp4:2380"]}],
    )
    assert "etcd's member 9 (https://cp4:2380) is on no host of this run" in refused(there)
    assert planned(there, gone=["9"])["members"] == planned(infos())["members"]


def test_members_that_are_gone_are_whole_names() -> None:
    """Of -e restore_gone=cp4,cp5 Ansible makes no list."""
    there = infos(live=live(members=[*live()["members"], {"name": "cp4", "id": "4", "peer_urls": [], "trouble": ""}]))
    for gone in ("cp41", "cp", "cp1 cp41"):
        with pytest.raises(AnsibleFilterError, match="etcd's member cp4"):
            filters.restore_plan(there, "newest", HOSTS, gone=gone)
    assert filters.restore_plan(there, "newest", HOSTS, gone="cp5,cp4")


@pytest.mark.parametrize("wanted", ["newest", LATER])
def test_the_newest_and_who_lacks_it(wanted: str) -> None:
    there = infos()
    there["b"]["snapshot"] = snapshot(LATER)
    there["c"]["snapshot"] = None
    found = planned(there, wanted)
    assert (found["snapshot"]["name"], found["source"], found["lacking"]) == (LATER, "b", ["a", "c"])
    assert "bring it  to a, c" in found["lines"]


def test_one_from_a_time_when_a_clock_was_ahead() -> None:
    there = infos()
    there["b"]["snapshot"] = snapshot(LATER, started="2199-01-01T00:00:00.000Z")
    assert planned(there)["snapshot"]["name"] == NAME
    assert planned(there, LATER)["snapshot"]["name"] == LATER


def test_an_older_one_by_name() -> None:
    there = infos()
    there["b"]["snapshot"] = snapshot(LATER)
    assert planned(there, NAME)["lacking"] == ["b"]


def test_one_from_elsewhere() -> None:
    there = infos(snapshot=None)
    assert "no host has a snapshot" in refused(there)
    assert f"no host has {NAME}" in refused(there, NAME)
    refusal = refused(there, offered=[snapshot(trouble="is cut off")])
    assert "no host has a snapshot" in refusal
    assert "restore_from cannot bring it: is cut off" in refusal
    found = planned(there, offered=[snapshot(trouble="")])
    assert (found["source"], found["lacking"]) == ("", HOSTS)


def test_the_same_name_and_another_file() -> None:
    there = infos()
    there["b"]["snapshot"] = snapshot(sha256="other")
    assert "is not the same file everywhere: sha of etcd- on a, other on b, sha of etcd- on c" in refused(there)


def test_one_that_a_drill_could_not_restore() -> None:
    there = infos()
    there["b"]["snapshot"] = snapshot(damaged={"at": "", "reason": "panic: page 7"})
    assert "could not be restored in a drill: panic: page 7. Choose another" in refused(there)


@pytest.mark.parametrize("changes", [{"revision": None}, {"live_keys": "312"}])
def test_a_sidecar_that_somebody_has_changed(changes: dict[str, t.Any]) -> None:
    told = f"its sidecar does not say {next(iter(changes))}: somebody has changed it"
    assert told in refused(infos(snapshot=snapshot(**changes)))


DEAD = {"live": None, "clusters": {}}


@pytest.mark.parametrize(
    ("there", "wish", "told"),
    [
        (infos(), {}, ""),
        (infos(live=live(kube_system_uid=OTHER)), {}, f"is of another cluster, {UID}: a is of {OTHER}"),
        (infos(live=live(kube_system_uid=OTHER)), {"cluster_uid": UID}, ""),
        (
            infos(live=live(kube_system_uid=OTHER)),
            {"cluster_uid": OTHER},
            f"is of the cluster {UID} and not of {OTHER}",
        ),
        # One is another's, and one has a new disk and is alone.
        ({**infos(), "b": {**infos()["b"], "live": live(kube_system_uid=OTHER)}}, {}, "b is of"),
        ({**infos(), "b": {**infos()["b"], "live": live(kube_system_uid="", cluster_id="new")}}, {}, ""),
        (infos(live=None), {}, ""),
        (infos(**DEAD), {}, "nothing here says that this is that cluster. If it is the one that you mean: restore_"),
        (infos(**DEAD), {"cluster_uid": UID}, ""),
        (infos(live=None, clusters={UID: 7, OTHER: 8}), {}, f"snapshots of several here: {OTHER}, {UID}."),
        (infos(live=None, clusters={OTHER: 8}), {}, f"snapshots of several here: {OTHER}, {UID}."),
        (infos(**DEAD, restores=[restore("a", "finished")]), {}, ""),
        # Without a UID, as where Kubernetes encrypts namespaces, it is etcd's own id that tells.
        (infos(snapshot=snapshot(kube_system_uid="")), {}, ""),
        (
            infos(snapshot=snapshot(kube_system_uid=""), live=live(cluster_id="c2")),
            {},
            "another cluster, c1: a is of c2",
        ),
        (infos(snapshot=snapshot(kube_system_uid=""), live=live(cluster_id="c2")), {"cluster_uid": "c1"}, ""),
    ],
)
def test_a_snapshot_of_another_cluster(there: Infos, wish: dict[str, str], told: str) -> None:
    if told:
        assert told in refused(there, **wish)
    else:
        assert planned(there, **wish)["snapshot"]["name"] == NAME


@given(snapshot_revision=st.integers(1, 2**62), known=st.integers(0, 2**62), age=st.floats(-1e9, 1e9))
def test_no_revision_comes_back(snapshot_revision: int, known: int, age: float) -> None:
    bump = cluster_plan.bump(snapshot_revision, known, age)
    assert bump >= cluster_plan.LEAST_BUMP
    assert snapshot_revision + bump >= known + cluster_plan.MARGIN


@given(first=st.integers(0, 10**9), later=st.integers(1, 10**9))
def test_the_same_snapshot_once_more(first: int, later: int) -> None:
    """All disks were lost, and with them whatever knew how far the first restore had raised it."""
    once, again = cluster_plan.bump(10432, 10432, first), cluster_plan.bump(10432, 10432, first + later)
    assert again >= once + later * cluster_plan.CHANGES_A_SECOND


def test_a_revision_that_only_the_controller_knows() -> None:
    offered = [snapshot(LATER, revision=10**12), snapshot(LATER, revision=10**15, kube_system_uid=OTHER)]
    found = planned(infos(live=None), NAME, offered=offered)
    assert found["live_revision"] == 10**12


def test_a_snapshot_that_does_not_say_when_it_was_taken() -> None:
    assert planned(infos(snapshot=snapshot(started="once")))["bump"] == cluster_plan.LEAST_BUMP


@given(
    revisions=st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
    sidecars=st.lists(st.integers(0, 10**12), min_size=3, max_size=3),
    restored=st.integers(0, 10**12),
)
def test_every_known_revision_counts(revisions: list[int], sidecars: list[int], restored: int) -> None:
    there = infos()
    for host, revision, known in zip(HOSTS, revisions, sidecars, strict=True):
        there[host]["live"] = live(revision=revision) if revision else None
        there[host]["clusters"] = {UID: known, OTHER: 10**15}
    there["b"]["restores"] = [restore("b", "finished", bump=restored), restore("b", "finished", OLD[:-1] + "1")]
    found = planned(there, cluster_uid=UID)
    highest = max(10432, *revisions, *sidecars, 10432 + restored, 10432 + 5 * 10**9)
    assert found["live_revision"] == highest
    assert found["bump"] == cluster_plan.bump(10432, highest, 136127)


def test_an_api_server_that_nobody_would_stop() -> None:
    """Its host is not in the inventory, and with etcd elsewhere nothing else tells of it."""
    there = infos(live=live(apiservers=["192.0.2.11", "192.0.2.12"]))
    has_one = {"member": None, "live": None, "encryption": {"file": "", "keys": []}}
    assert "2 API servers use this etcd (192.0.2.11, 192.0.2.12), and 1 hosts of this run have one (p)" in refused(
        {**there, "p": has_one}
    )
    assert planned({**there, "p": has_one, "q": has_one})
    there["b"]["encryption"] = has_one["encryption"]
    assert planned({**there, "p": has_one})


def test_hosts_of_two_clusters_never_become_one() -> None:
    """Also where the snapshot is meant to be of another one."""
    there = infos(live=live(kube_system_uid=OTHER))
    assert planned(there, cluster_uid=UID)
    there["c"]["live"] = live()
    assert f"of several clusters: a of {OTHER}, b of {OTHER}, c of {UID}. Say which" in refused(there, cluster_uid=UID)
    # What had no data before is of no cluster.
    there["c"]["live"] = live(kube_system_uid="")
    assert planned(there, cluster_uid=UID)


def test_downtime() -> None:
    pods = planned(infos())["expected_downtime_seconds"]
    there = infos()
    for one in there.values():
        one["member"] = {**one["member"], "managed_by": "systemd"}
    assert planned(there)["expected_downtime_seconds"] < pods
    assert planned(infos(snapshot=snapshot(size=10**10)))["expected_downtime_seconds"] > pods + 300


def test_what_is_known_of_the_snapshot_is_shown() -> None:
    proven = {"at": "2026-11-20T11:00:00.000Z", "etcd_version": "3.6.16", "seconds": 2.0}
    assert "proven by a drill at 2026-11-20T11" in planned(infos(snapshot=snapshot(proven=proven)))["lines"][3]
    lines = planned(infos(live=None, clusters={UID: 1}))["lines"]
    assert lines[4] == "revision  goes on at 1136137432; no later one is known"


@pytest.mark.parametrize(
    ("keys", "missing"),
    [([["secretbox", "k1"], ["aescbc", "k0"]], False), (None, False), ([["secretbox", "k2"]], True), ([], True)],
)
def test_keys_of_a_control_plane_without_a_member(keys: list[list[str]] | None, missing: bool) -> None:
    """Members look themselves at what their own API server can read."""
    encrypted = [{"resources": ["secrets"], "provider": "secretbox", "key": "k1", "archived": True}]
    there = {**infos(snapshot=snapshot(encryption=encrypted)), "cp": {"member": None, "live": None}}
    assert planned(there)["id"]
    there["cp"]["encryption"] = {"file": "/etc/kubernetes/enc.yaml", "keys": keys}
    if missing:
        with pytest.raises(MaintenanceError, match=r"cp: its API server \(/etc/kubernetes/enc.yaml\) could not read"):
            planned(there)
    else:
        assert [one["host"] for one in planned(there)["members"]] == HOSTS
