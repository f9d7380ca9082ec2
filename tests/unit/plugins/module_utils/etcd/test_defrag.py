# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is decided of a defragmentation, and what is done where etcd does not do as it should."""

from __future__ import annotations

import dataclasses
import errno
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, PASS, SKIP, WARN, Check
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag import guards, heir, look, turn
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag.limits import (
    LEAST_GAIN,
    Limits,
    Size,
    judge,
    size,
)
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag.maintainer import Metrics, parse
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.cluster import Cluster, Seen
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.state import Alarm, Member, Status
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd
from hypothesis import given
from hypothesis import strategies as st

MIB = 1 << 20
QUOTA = 2048 * MIB
STATUS = Status("c1", "a1", "3.6.16", "3.6.0", 42, 1000 * MIB, 1000 * MIB, "a1", 5000, 5000, False, (), QUOTA)


def seen(number: int, in_use: int = 1000, down: bool = False, learner: bool = False, **status: t.Any) -> Seen:
    member = Member(f"a{number}", f"cp{number}", (f"https://192.0.2.{number}:2380",), learner)
    said = dataclasses.replace(STATUS, member_id=member.id, db_size_in_use=in_use * MIB, **status)
    return Seen(member, "https://x:2379", None if down else said, "refused" if down else "", QUOTA)


def of(*members: Seen, alarms: tuple[Alarm, ...] | None = ()) -> Cluster:
    return Cluster(members, alarms)


def worst(checks: t.Iterable[Check]) -> dict[str, str]:
    return {check.name: check.evidence for check in checks if check.status != PASS}


@pytest.mark.parametrize(
    ("db_size", "in_use", "due"),
    [
        (1000, 540, True),  # 46 % and 460 MiB
        (1000, 550, False),  # 45 %
        (400, 200, False),  # 200 MiB
        (402, 200, True),
        (1639, 1400, True),  # 80.03 % of the quota, 14 % free
        (1638, 1400, False),
        (1800, 1630, False),  # above 80 %, and no tenth to be gained
        (0, 0, False),
    ],
)
def test_the_limits(db_size: int, in_use: int, due: bool) -> None:
    verdict = judge(Size(db_size * MIB, in_use * MIB, QUOTA), Limits())
    assert verdict.due == due
    assert f"({(db_size - in_use) * MIB} of {db_size * MIB} bytes)" in verdict.why


def test_why_not() -> None:
    assert "gives nothing" not in judge(Size(100, 90, 1000), Limits()).why
    assert "worth it is more than 45% and 209715200 bytes, or 80% of" in judge(Size(100, 90, 1000), Limits()).why
    assert "of which a defragmentation would give nothing back" in judge(Size(100, 95, 100), Limits()).why


@given(
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 40),
    st.integers(1, 1 << 40),
    st.builds(Limits, st.integers(0, 100), st.integers(0, 1 << 40), st.integers(0, 100)),
)
def test_once_is_enough_whatever_the_limits(db_size: int, in_use: int, quota: int, limits: Limits) -> None:
    found = Size(db_size, in_use, quota)
    verdict = judge(found, limits)
    if verdict.due:
        assert found.free_percent >= LEAST_GAIN
    assert not judge(Size(in_use, in_use, quota), limits).due


def test_the_quota_where_nobody_tells_it() -> None:
    assert size(STATUS, 0).quota == 2 << 30
    assert Size(0, 0, QUOTA).seconds == 1
    assert Size(0, 1000 * MIB, QUOTA).seconds == 10


@pytest.mark.parametrize(
    ("members", "failed"),
    [
        ((seen(1), seen(2), seen(3)), set()),
        ((seen(1),), set()),
        ((seen(1), seen(2), seen(3, down=True)), {"etcd member answers"}),
        ((seen(1), seen(2), seen(3, learner=True)), {"etcd members vote"}),
        ((seen(1), seen(2, leader="a2")), {"etcd has a leader"}),
        ((seen(1), seen(2, version="3.6.8")), {"etcd versions"}),
        ((seen(1), seen(2, raft_index=3000, raft_applied_index=3000)), {"etcd member caught up"}),
        ((seen(1, leader=""), seen(2, leader="")), {"etcd has a leader"}),
    ],
)
def test_the_gate(members: tuple[Seen, ...], failed: set[str]) -> None:
    found = guards.gate(of(*members))
    assert {check.name for check in found if check.status == FAIL} == failed
    assert {check.status for check in found} <= {PASS, FAIL}


@pytest.mark.parametrize(
    ("kinds", "recover", "failed"),
    [
        ((), False, False),
        (("NOSPACE",), False, True),
        (("NOSPACE",), True, False),
        (("CORRUPT",), True, True),
        (("NOSPACE", "CORRUPT"), True, True),
        (("NOSPACE", "CORRUPT"), False, True),
        (None, True, True),
    ],
)
def test_alarms(kinds: tuple[str, ...] | None, recover: bool, failed: bool) -> None:
    raised = None if kinds is None else tuple(Alarm("a1", kind) for kind in kinds)
    found = guards.alarms(of(seen(1), alarms=raised), recover)
    assert found.status == (FAIL if failed else PASS)
    named = "-e defrag_recover_nospace=true" in found.fix
    assert named == (kinds == ("NOSPACE",) and not recover)  # there is no such way out of CORRUPT


def test_other_guards() -> None:
    assert guards.other_defragmentation({"cp1": False, "cp2": True}).status == FAIL
    assert guards.other_defragmentation({"cp1": False, "cp2": None}).status == SKIP
    assert guards.other_defragmentation({"cp1": False}).status == PASS
    found = Size(1000 * MIB, 100 * MIB, QUOTA)
    assert guards.room("/d", 126 * MIB, found).status == PASS
    assert guards.room("/d", 126 * MIB - 1, found).fix == "free 1 bytes there"
    assert guards.others(of(seen(1), seen(2)), False, found).status == PASS
    assert guards.others(of(seen(1)), True, found).status == WARN
    assert "for about 1 s" in guards.others(of(seen(1)), False, found).evidence
    assert guards.quota("etcd/cp1", found).status == PASS
    full = guards.quota("etcd/cp1", Size(QUOTA, QUOTA, QUOTA))
    assert "100% of its quota is in use" in full.evidence
    assert full.evidence.endswith("a defragmentation alone does not bring the file below it")


def test_the_heir_is_the_follower_with_the_least_free() -> None:
    cluster = of(seen(1, 100), seen(2, 980), seen(3, 950))
    assert heir.choose(cluster, "a1", Limits()).name == "cp2"
    assert heir.choose(of(seen(1, 100), seen(2, 100), seen(3, 950)), "a1", Limits()).name == "cp3"


def test_no_heir_where_all_followers_are_still_to_be_done() -> None:
    with pytest.raises(MaintenanceError, match="etcd/cp2, etcd/cp3.*defragment the followers first"):
        heir.choose(of(seen(1), seen(2, 100), seen(3, 100)), "a1", Limits())
    with pytest.raises(MaintenanceError, match="there is none"):
        heir.choose(of(seen(1), seen(2, learner=True), seen(3, down=True)), "a1", Limits())
    # Under limits of zero everything is worth it but what has just been done.
    assert heir.choose(of(seen(1), seen(2, 950)), "a1", Limits(0, 0, 0)).name == "cp2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", Metrics()),
        (
            "# HELP x\netcd_disk_defrag_inflight 0\netcd_server_quota_backend_bytes 2.147483648e+09\n",
            Metrics(False, QUOTA),
        ),
        ('etcd_disk_defrag_inflight{server="x"} 1\n', Metrics(True)),
        ("etcd_disk_defrag_inflight much\nxetcd_disk_defrag_inflight 1\n", Metrics()),
        (
            'grpc_server_started_total{grpc_method="Snapshot",grpc_service="x"} 5\n'
            'grpc_server_started_total{grpc_method="Status",grpc_service="x"} 9\n'
            'grpc_server_handled_total{grpc_code="OK",grpc_method="Snapshot",grpc_service="x"} 3\n'
            'grpc_server_handled_total{grpc_code="Unknown",grpc_method="Snapshot",grpc_service="x"} 1\n',
            Metrics(snapshots=1),
        ),
    ],
)
def test_metrics(text: str, told: Metrics) -> None:
    assert parse(text) == told


class Member1:
    """etcd with one member, of which a defragmentation is asked that does not go as it should."""

    def __init__(self, folder: pathlib.Path, etcd: FakeEtcd) -> None:
        (folder / "data" / "member" / "snap").mkdir(parents=True)
        flags = {"name": "cp1", "data-dir": folder / "data", "listen-client-urls": etcd.url}
        lines = "".join(f"- --{name}={value}\n" for name, value in flags.items())
        (folder / "etcd.yaml").write_text(f"command:\n- etcd\n{lines}image: registry.k8s.io/etcd:x\n")
        etcd.status = {"dbSize": str(1000 * MIB), "dbSizeInUse": str(100 * MIB)}
        etcd.answers["kv/range"] = (200, b"{}")
        places = {"manifests": str(folder), "lock_path": str(folder / "lock")}
        times = {"timeout": 0.5, "settle_timeout": 0.2, "lock_timeout": 0}
        self.request = look.Request(single_member=True, **places, **times)

    def fails(self) -> MaintenanceError:
        with pytest.raises(MaintenanceError) as caught:
            turn.run(self.request)
        return caught.value


def test_etcd_that_refuses_and_stays_as_it_is(tmp_path: pathlib.Path) -> None:
    with FakeEtcd() as etcd:
        one = Member1(tmp_path, etcd)
        etcd.answers["maintenance/defragment"] = (500, b'{"message": "disk error"}')
        error = one.fails()
    assert "disk error" in error.msg
    assert "it may still be at work on it" in error.msg  # no metrics say that it is not
    assert error.data["changed"]
    assert error.data["before"] == error.data["after"]
    assert error.data["durations"]["defragment"] >= 0.5


def test_etcd_that_goes_on_without_its_client(tmp_path: pathlib.Path) -> None:
    """The answer is lost, and later the file is small."""
    with FakeEtcd() as etcd:
        one = Member1(tmp_path, etcd)
        real, polls = etcd.answer, []

        def answer(path: str) -> tuple[int, bytes]:
            if path == "maintenance/defragment":
                polls.append(path)
                return 504, b"gone"
            if path == "maintenance/status" and polls:
                polls.append(path)
                if len(polls) > 2:
                    etcd.status = {"dbSize": str(100 * MIB), "dbSizeInUse": str(100 * MIB)}
            return real(path)

        etcd.answer = answer  # type: ignore[method-assign]
        result = turn.run(dataclasses.replace(one.request, timeout=30))
    assert result["after"]["db_size"] == 100 * MIB
    assert polls.count("maintenance/defragment") == 1


def test_a_defragmentation_that_somebody_else_has_begun(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look.Maintainer, "metrics", lambda self: Metrics(True, QUOTA))
    with FakeEtcd() as etcd:
        error = Member1(tmp_path, etcd).fails()
    assert "no other defragmentation: etcd: etcd_disk_defrag_inflight is 1 on " in error.msg
    assert "maintenance/defragment" not in etcd.asked
    assert error.data["before"]["quota"] == QUOTA  # which etcd before 3.6 tells nowhere else


def test_a_member_that_is_not_at_work_on_it(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for what has never begun."""
    monkeypatch.setattr(look.Maintainer, "metrics", lambda self: Metrics(False))
    with FakeEtcd() as etcd:
        one = Member1(tmp_path, etcd)
        etcd.answers["maintenance/defragment"] = (500, b'{"message": "disk error"}')
        one.request = dataclasses.replace(one.request, timeout=3600)
        error = one.fails()
    assert f"disk error. It is not at work on that, and its file has {1000 * MIB} bytes, as before" in error.msg


def test_not_enough_room(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look.disk, "free_bytes", lambda directory: 50 * MIB)
    with FakeEtcd() as etcd:
        error = Member1(tmp_path, etcd).fails()
    assert f"room for the new file: {tmp_path}/data/member/snap" in error.msg
    assert "maintenance/defragment" not in etcd.asked
    assert not error.data["changed"]


def test_a_disk_that_cannot_be_read(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(directory: str) -> int:
        raise OSError(errno.EIO, "Input/output error", directory)

    monkeypatch.setattr(look.disk, "free_bytes", unreadable)
    with FakeEtcd() as etcd:
        error = Member1(tmp_path, etcd).fails()
    assert error.msg == f"{tmp_path}/data/member/snap: Input/output error. Done before: nothing"
    assert error.data["member"] == "cp1"
