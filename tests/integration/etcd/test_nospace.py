# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster whose quota is full, made so and brought out of it."""

from __future__ import annotations

import itertools
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.defrag import look
from ansible_collections.kubeops.maintenance.tests.integration.etcd.fragmented import (
    defrag,
    evidence,
    fragment,
    leader_last,
    raise_alarm,
    refused,
    status,
)
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import (
    Client,
    Etcd,
    Release,
    make,
    text,
    together,
)

QUOTA = 8 << 20
RECOVER = {"recover_nospace": True}


def fill(etcd: Etcd, key: t.Callable[[int], bytes]) -> None:
    """Until etcd takes no more, and its file is as large as the quota: what is refused in the end is below a page."""
    client = Client(etcd.local)
    for number in itertools.count():
        size = 100_000 if status(etcd).db_size < QUOTA - (2 << 20) else 3_000
        code, answer = client._ask("kv/put", {"key": text(key(number)), "value": text(b"v" * size)})
        if code != 200 and "timed out" not in answer["message"]:
            assert "database space exceeded" in answer["message"], answer
            return


def small(members: t.Sequence[Etcd]) -> t.Sequence[Etcd]:
    for one in members:
        one.flags = (*one.flags, f"--quota-backend-bytes={QUOTA}")
    return members


def alarms(etcd: Etcd) -> list[str]:
    return [one.kind for one in etcd.gateway.alarms()]


def test_the_way_out(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        place = tmp_path / release.version
        place.mkdir()
        with together(small(make(release, place, ("m1", "m2", "m3")))) as members:
            fill(members[0], lambda number: b"/registry/leases/one")
            assert "NOSPACE" in alarms(members[0])
            order = leader_last(members)
            result = refused(order[0])
            assert "-e defrag_recover_nospace=true" in result["msg"]
            assert refused(order[0], free_bytes=1 << 30)["msg"]
            assert refused(order[0], state="compacted")["msg"]
            would = defrag(order[0], check=True, **RECOVER)
            assert "NOSPACE is raised, so every member is" in would["summary"][0]
            assert "a defragmentation alone" in evidence(would, "warn")["room below the quota"]
            # Not before all members are below the quota.
            assert "NOSPACE is still armed" in refused(order[0], state="disarmed", **RECOVER)["msg"]

            compacted = defrag(order[0], state="compacted", **RECOVER)
            assert compacted["actions"][0].startswith("compact to the current revision ")
            for one in order:
                result = defrag(one, **RECOVER)
                assert not result.get("failed"), result["msg"]
                assert result["after"]["db_size"] < QUOTA // 8
                assert result["before"]["quota"] == QUOTA
            assert "NOSPACE" in alarms(members[0])
            result = defrag(order[0], state="disarmed", **RECOVER)
            assert all(action.startswith("disarm NOSPACE of etcd/m") for action in result["actions"])
            assert result["actions"]
            assert alarms(members[0]) == []
            Client(members[0].local).put(b"/registry/leases/two", b"there is room")

            for state in ("compacted", "defragmented", "disarmed"):
                again = defrag(order[0], state=state, free_percent=0, free_bytes=0, **RECOVER)
                assert (again["changed"], again["actions"]) == (False, [])
            assert again["summary"] == [f"etcd/{order[0].name}: nothing to do: NOSPACE is not raised"]


def test_a_quota_that_is_full_of_what_is_there(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """No compaction frees that. The alarm stays, and what is to be done is said."""
    (etcd,) = small([Etcd(releases[-1], tmp_path / "cp1")])
    with etcd.running():
        fill(etcd, lambda number: b"/registry/configmaps/%d" % number)
        consent = {"single_member": True, **RECOVER}
        would = defrag(etcd, check=True, **consent)
        (said,) = (check for check in would["checks"] if check["name"] == "room below the quota")
        assert "of its quota is in use" in said["evidence"]
        assert "if the compaction does not free enough, delete what fills it" in said["fix"]
        defrag(etcd, state="compacted", **consent)
        assert not defrag(etcd, **consent).get("failed")
        result = defrag(etcd, state="disarmed", **consent)
        if status(etcd).db_size >= QUOTA:
            assert "file below its quota" in result["msg"]
        else:
            fill(etcd, lambda number: b"/registry/configmaps/%d" % -number)
        assert alarms(etcd) == ["NOSPACE"]


def test_a_way_out_that_was_broken_off(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """After the compaction nothing is written, so the revision is the same when it is begun anew."""
    for release in releases:
        (etcd,) = small([Etcd(release, tmp_path / release.version)])
        with etcd.running():
            fill(etcd, lambda number: b"/registry/leases/one")
            for state in ("compacted", "compacted", "defragmented", "compacted", "disarmed"):
                result = defrag(etcd, state=state, single_member=True, **RECOVER)
                assert not result.get("failed"), result["msg"]
            assert alarms(etcd) == []


def test_a_disk_that_has_room_after_the_compaction(
    releases: list[Release], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is in use before it may be almost all that is to go."""
    monkeypatch.setattr(look.disk, "free_bytes", lambda directory: 20 << 20)
    (etcd,) = small([Etcd(releases[-1], tmp_path / "cp1")])
    etcd.flags = (*etcd.flags, "--compaction-batch-limit=10")  # what the last batch frees, is not counted yet
    with etcd.running():
        fill(etcd, lambda number: b"/registry/leases/one")
        would = defrag(etcd, check=True, single_member=True, **RECOVER)
        assert not would.get("failed"), would["msg"]
        assert "room for the new file" in evidence(would, "warn")
        assert "room for the new file" in refused(etcd, single_member=True, **RECOVER)["msg"]
        for state in ("compacted", "defragmented", "disarmed"):
            result = defrag(etcd, state=state, single_member=True, **RECOVER)
            assert not result.get("failed"), result["msg"]


@pytest.mark.parametrize("state", ["compacted", "disarmed"])
def test_nothing_is_compacted_or_disarmed_without_the_alarm(etcd: Etcd, state: str) -> None:
    revision = status(etcd).revision
    assert not defrag(etcd, state=state, **RECOVER)["changed"]
    assert status(etcd).revision == revision


def test_a_quota_that_was_switched_off(releases: list[Release], tmp_path: pathlib.Path) -> None:
    """Then no file is too large, and what was raised before is disarmed."""
    for release in releases:
        etcd = Etcd(release, tmp_path / release.version)
        etcd.flags = (*etcd.flags, "--quota-backend-bytes=-1")
        with etcd.running():
            fragment([etcd])
            result = defrag(etcd, single_member=True, free_bytes=200 << 20)
            assert (result["due"], result["changed"]) == (False, False), result["why"]
            raise_alarm(etcd, "NOSPACE")
            assert defrag(etcd, state="disarmed", single_member=True, **RECOVER)["changed"]
            assert alarms(etcd) == []
