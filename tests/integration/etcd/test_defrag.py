# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defragmentations of real members, and what forbids them."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import os
import pathlib
import subprocess
import typing as t
import urllib.request

import pytest
import yaml
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag import look, turn
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag.limits import Limits
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag.look import Request
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag.maintainer import Maintainer
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.lock import member_lock
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_defrag
from ansible_collections.kubeops.maintenance.tests.integration.etcd.fragmented import (
    FREE,
    defrag,
    evidence,
    fragment,
    leader,
    leader_last,
    raise_alarm,
    refused,
    status,
)
from ansible_collections.kubeops.maintenance.tests.integration.etcd.lost_answers import losing
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Release,
    Writer,
    make,
    text,
    together,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.restores import put

NAMES = ("m1", "m2", "m3")
NODE = b"k8s\0\n\x0a\n\x02v1\x12\x04Node\x12\x99\x01\n\x03cp1b\x70\n\x18kubeops.maintenance/work\x12"


@pytest.fixture
def members(releases: list[Release], tmp_path: pathlib.Path) -> t.Iterator[t.Sequence[Etcd]]:
    with together(make(releases[-1], tmp_path, NAMES)) as started:
        fragment(started)
        yield started


def test_the_leader_last_while_others_write(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        place = tmp_path / release.version
        place.mkdir()
        with together(make(release, place, NAMES)) as members:
            fragment(members)
            order = leader_last(members)
            # At its leisure: what it writes takes the place of what is free.
            with Writer(order[2], pause=0.02) as writer:
                results = [defrag(one) for one in order[:2]]
            assert not writer.failed
            # A write that is under way while the leadership moves may time out; clients repeat it.
            results.append(defrag(order[2]))
            for one, result in zip(order, results, strict=True):
                assert not result.get("failed"), result["msg"]
                assert result["due"]
                assert result["before"]["db_size"] - result["after"]["db_size"] > FREE
                assert evidence(result, "warn", "fail", "skip") == {}
                assert set(yaml.safe_load(etcd_defrag.RETURN)) <= set(result)
                assert result["durations"]["defragment"] > 0
                assert result["member"] == one.name
            assert [len(result["actions"]) for result in results] == [1, 1, 2]
            assert results[2]["actions"][0] == f"move the leadership to etcd/{results[2]['leader']}"
            assert leader(members).name == results[2]["leader"] != order[2].name
            assert results[2]["durations"]["transfer"] > 0
            # Nothing is left to do, and that is said.
            for one in members:
                again = defrag(one, free_percent=0, free_bytes=0)
                assert (again["changed"], again["due"], again["actions"]) == (False, False, [])
                assert again["before"] == again["after"]
                assert again["summary"][0].startswith(f"etcd/{one.name}: nothing to do: ")


def test_check_mode_says_what_and_why_and_changes_nothing(members: t.Sequence[Etcd]) -> None:
    order = leader_last(members)
    before = [status(one).db_size for one in members]
    follower, last = defrag(order[0], check=True), defrag(order[2], check=True)
    assert follower["changed"]
    (would,) = follower["summary"]
    assert would.startswith(f"etcd/{order[0].name}: would defragment it, which makes it stand still for about 1 s: ")
    assert "% of its file is free" in would
    assert "would move the leadership to the best of " in last["summary"][0]
    assert "when these have been defragmented" in last["summary"][0]
    assert [status(one).db_size for one in members] == before
    assert leader(members) is order[2]
    (done,) = defrag(order[0])["actions"]
    assert done.split(": ")[0] == follower["actions"][0].split(": ")[0]  # what is free has changed meanwhile
    assert f"move the leadership to etcd/{order[0].name}" in defrag(order[2], check=True)["actions"]


def test_the_leader_before_its_followers(members: t.Sequence[Etcd]) -> None:
    last = leader(members)
    assert "none of its followers has been defragmented" in refused(last)["msg"]


def test_below_the_limits(etcd: Etcd) -> None:
    fragment([etcd])
    result = defrag(etcd, free_bytes=200 << 20)
    assert (result["changed"], result["due"]) == (False, False)
    assert "worth it is more than 45% and 209715200 bytes, or 80% of the quota" in result["summary"][0]


def test_the_only_member_needs_consent(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            fragment([etcd])
            assert "the API answers nothing for about 1 s" in refused(etcd)["msg"]
            assert "-e defrag_single_member=true" in refused(etcd, check=True)["msg"]
            result = defrag(etcd, single_member=True)
            assert len(result["actions"]) == 1
            assert list(evidence(result, "warn")) == ["other members serve"]
            assert result["after"]["db_size"] < result["before"]["db_size"] - FREE
            assert etcd.gateway.value(b"/registry/pods/149") == b"p" * 30000


def test_a_silent_member(members: t.Sequence[Etcd]) -> None:
    """Also one that goes down between two turns."""
    order = leader_last(members)
    assert not defrag(order[0]).get("failed")
    order[0].end()
    failed = evidence(refused(order[1]), "fail")
    assert list(failed) == ["etcd member answers"]
    order[2].end()
    order[1].leaderless()
    result = defrag(order[1])
    assert result["failed"]
    assert set(evidence(result, "fail")) == {"etcd has no alarm", "etcd member answers", "etcd has a leader"}
    assert result["actions"] == []


def test_its_own_member_silent(etcd: Etcd) -> None:
    etcd.end()
    result = defrag(etcd)
    assert result["failed"]
    assert "etcd member answers: etcd/cp1" in result["msg"]


def test_a_learner(releases: list[Release], tmp_path: pathlib.Path) -> None:
    voter, learner = make(releases[-1], tmp_path, NAMES[:2])
    with voter.running():
        fragment([voter])
        with learner.running(join=voter):
            assert evidence(refused(voter), "fail") == {"etcd members vote": "learners: m2"}


def test_the_alarm_corrupt(members: t.Sequence[Etcd]) -> None:
    """Also where there is nothing to do."""
    raise_alarm(members[1], "CORRUPT")
    for options in ({}, {"recover_nospace": True}, {"free_bytes": 1 << 30}):
        result = refused(members[0], **options)
        assert evidence(result, "fail") == {"etcd has no alarm": "CORRUPT of m2"}
    raise_alarm(members[0], "NOSPACE")
    assert refused(members[0], recover_nospace=True)["alarms"]
    assert refused(members[0], recover_nospace=True, state="compacted")["msg"]
    assert refused(members[0], recover_nospace=True, state="disarmed")["msg"]


def test_during_other_maintenance_of_the_member(etcd: Etcd) -> None:
    fragment([etcd])
    with member_lock("snapshot of etcd/cp1", 0):
        result = refused(etcd, lock_timeout=0, single_member=True)
    assert f"still held by process {os.getpid()} (snapshot of etcd/cp1)" in result["msg"]


def fragment_much(members: t.Sequence[Etcd]) -> None:
    """What stays is more than fits into the buffers on the way to a client."""
    client = Client(members[0].local)
    for number in range(120):
        client.put(b"/registry/configmaps/%d" % (number % 40), b"v" * 500_000)
    fragment(members, others=40 * 503_808)  # in pages


@contextlib.contextmanager
def reading(etcd: Etcd) -> t.Iterator[http.client.HTTPConnection]:
    """Somebody begins to read a snapshot, and reads no further, as one does whose own disk is slow."""
    connection = etcd.gateway._connection()
    try:
        connection.request("POST", "/v3/maintenance/snapshot", "{}")
        connection.getresponse()
        yield connection
    finally:
        connection.close()


def succeeds(etcd: Etcd) -> None:
    result: dict[str, t.Any] = {}

    def done() -> bool | None:
        result.update(defrag(etcd, free_percent=10))
        return None if result.pop("failed", False) else True

    until(done, Deadline(120), lambda: str(result), interval=0.1)


def test_while_somebody_reads_a_snapshot(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """Without our lock. Then etcd would stand still until that is through."""
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            fragment_much([etcd])
            consent = {"free_percent": 10, "single_member": True}
            with reading(etcd):
                would = defrag(etcd, check=True, **consent)
                assert evidence(would, "warn")["no snapshot of it is read"] == "1 just now"
                assert "somebody reads a snapshot" in refused(etcd, lock_timeout=0, **consent)["msg"]
            assert defrag(etcd, **consent)["changed"]


def test_while_somebody_defragments_a_member(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """With etcdctl. It lasts as long as the snapshot that it waits for. The member answers nothing but its metrics."""
    with together(make(releases[-1], tmp_path, NAMES)) as members:
        fragment_much(members)
        busy, other, _last = leader_last(members)
        with reading(busy) as snapshot, subprocess.Popen([*busy.ctl_words, "--command-timeout=300s", "defrag"]) as job:
            metrics = Maintainer(busy.local).metrics
            until(lambda: metrics().defrag_inflight or None, Deadline(120), lambda: "it never began", interval=0.1)
            told = {"no other defragmentation": f"etcd_disk_defrag_inflight is 1 on {busy.name}"}
            assert told.items() <= evidence(refused(other), "fail").items()
            assert evidence(defrag(busy, check=True), "fail") == told
            snapshot.close()
        assert job.returncode == 0
        succeeds(other)


def test_a_member_that_dies_of_it(
    releases: list[Release], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the end of what a dead member has begun, and nobody is told to."""
    places = {"manifests": str(tmp_path / "cp1"), "lock_path": str(tmp_path / "lock")}
    request = Request(Limits(free_percent=10, free_bytes=FREE), single_member=True, settle_timeout=1, **places)
    with Etcd(releases[-1], tmp_path / "cp1").running() as etcd:
        fragment_much([etcd])
        # It waits for this one, begun by somebody just after we have looked, and so is surely in the middle of it.
        monkeypatch.setattr(look, "_no_snapshot", lambda *_arguments: 0.0)
        with reading(etcd), concurrent.futures.ThreadPoolExecutor() as pool:
            running = pool.submit(turn.run, request)
            metrics = Maintainer(etcd.local).metrics
            until(lambda: metrics().defrag_inflight or None, Deadline(120), lambda: "it never began", interval=0.1)
            etcd.end()
            with pytest.raises(MaintenanceError, match="tells no metrics either") as caught:
                running.result()
        assert "bring it back, then run this again" in caught.value.msg
        assert caught.value.data["durations"]["defragment"] < request.timeout / 2
    with etcd.running():
        assert status(etcd).db_size
        assert defrag(etcd, single_member=True, free_percent=10)["changed"]


@pytest.mark.parametrize("phase", [plan.PREPARED, plan.SWAPPING, plan.COMMITTED, plan.ROLLING_BACK])
def test_during_a_restore(etcd: Etcd, phase: str) -> None:
    fragment([etcd])
    for number, final in enumerate(plan.FINAL):
        put(etcd.data, final, f"20261121T183000Z-00000{number}")
    assert not defrag(etcd, check=True, single_member=True).get("failed")
    unfinished = put(etcd.data, phase)
    found = evidence(refused(etcd, single_member=True), "fail")
    assert found == {"no restore in progress": f"{unfinished.folder} is {phase}"}
    (pathlib.Path(unfinished.folder) / "plan.json").write_text("{")
    assert "plan.json: cannot be read" in refused(etcd, single_member=True)["msg"]


def test_during_an_upgrade_of_any_node(etcd: Etcd) -> None:
    """Its traces are on the Node: with etcd on machines of its own, there is nothing else to see of it there."""
    fragment([etcd])
    client = Client(etcd.local)
    for work, held in (({"owner": "x"}, False), ({"target": "1.37.1", "since": "2026-11-20T10:00:00Z"}, True)):
        told = json.dumps(work).encode()
        for number in range(60):  # more than one page
            client.put(b"/registry/minions/w%02d" % number, b"k8s\0")
        client.put(b"/registry/minions/w99", NODE + bytes([len(told)]) + told + b"\x1a\x00")
        result = defrag(etcd, check=True, single_member=True)
        assert bool(result.get("failed")) == held
    said = evidence(refused(etcd, single_member=True), "fail")["no upgrade in progress"]
    assert said == "node/w99 is being upgraded to 1.37.1 since 2026-11-20T10:00:00Z"


def put_plainly(etcd: Etcd, value: bytes) -> None:
    body = json.dumps({"key": text(b"/registry/pods/one"), "value": text(value)}).encode()
    with urllib.request.urlopen(f"{etcd.client_url}/v3/kv/put", body, timeout=120) as answer:
        assert answer.status == 200


def is_free(etcd: Etcd) -> bool | None:
    found = status(etcd)
    return found.db_size - found.db_size_in_use > FREE or None


@pytest.mark.parametrize("lost", [b"maintenance/defragment", b"nothing"])
def test_a_client_that_does_not_wait(releases: list[Release], tmp_path: pathlib.Path, lost: bytes) -> None:
    """The answer is lost on its way. etcd has done it all the same, and the file tells."""
    with Etcd(releases[-1], tmp_path / "cp1", tls=False).running() as etcd:
        for _number in range(60):
            put_plainly(etcd, b"p" * 90000)
        Maintainer(etcd.local).compact(status(etcd).revision)
        until(lambda: put_plainly(etcd, b"") or is_free(etcd), Deadline(120), lambda: str(status(etcd)), interval=0.1)
        before = status(etcd).db_size
        place = tmp_path / "manifests"
        place.mkdir()
        with losing(etcd.client_url, lost) as way:
            manifest = (etcd.root / "etcd.yaml").read_text()
            (place / "etcd.yaml").write_text(
                manifest.replace(f"--listen-client-urls={etcd.client_url}", f"--listen-client-urls={way}")
            )
            places = {"manifests": str(place), "lock_path": str(tmp_path / "lock")}
            patience = 300 if lost == b"nothing" else 2
            request = Request(Limits(free_bytes=FREE), single_member=True, patience=patience, timeout=300, **places)
            result = turn.run(request)
        assert result["after"]["db_size"] < before - FREE
        assert (result["durations"]["defragment"] < patience) == (lost == b"nothing")
