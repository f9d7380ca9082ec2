# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import socket

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import gateway as gateways
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import state
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway, GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import Access
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import fake_etcd
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd, Pki


def local(url: str, ca: str = "", cert: str = "", key: str = "") -> Access:
    return Access(url, ca, cert, key)


@pytest.mark.parametrize("spaces", [True, False])
def test_status(spaces: bool) -> None:
    with FakeEtcd(spaces=spaces, status={"storageVersion": "3.6.0", "errors": ["oops"], "isLearner": True}) as etcd:
        status = Gateway(local(etcd.url)).status()
    assert status == state.Status(
        cluster_id="a7ef944b95711739",
        member_id="ac7c97ef0ec193b0",
        version="3.6.16",
        storage_version="3.6.0",
        revision=42,
        db_size=len(etcd.database) - 32,
        db_size_in_use=len(etcd.database) - 32,
        leader="ac7c97ef0ec193b0",
        raft_index=50,
        raft_applied_index=50,
        is_learner=True,
        errors=("oops",),
    )


def test_fields_in_the_other_spelling() -> None:
    answer = {
        "header": {"clusterId": "16", "memberId": "17"},
        "db_size": 5,
        "raft_applied_index": "7",
        "is_learner": True,
    }
    status = state.status(answer)
    assert (status.cluster_id, status.member_id, status.db_size, status.raft_applied_index) == ("10", "11", 5, 7)
    assert status.is_learner
    assert status.leader == ""


def test_members_and_alarms_and_hash() -> None:
    members = [
        {"ID": "255", "name": "b", "peerURLs": ["https://y", "https://x"], "isLearner": True},
        {"ID": "16", "peerURLs": []},
    ]
    alarms = [{"memberID": "255", "alarm": "NOSPACE"}]
    with FakeEtcd(members=members, alarms=alarms) as etcd:
        gateway = Gateway(local(etcd.url))
        assert gateway.members() == (
            state.Member("10", "", ()),
            state.Member("ff", "b", ("https://x", "https://y"), True),
        )
        assert gateway.alarms() == (state.Alarm("ff", "NOSPACE"),)
        assert gateway.hash_kv(7) == state.Hash(7, -1, 991494263)
    with FakeEtcd() as etcd:
        assert Gateway(local(etcd.url)).alarms() == ()


@pytest.mark.parametrize("spaces", [True, False])
def test_a_snapshot_comes_whole_and_in_pieces(spaces: bool) -> None:
    with FakeEtcd(spaces=spaces) as etcd:
        pieces = list(Gateway(local(etcd.url)).snapshot(Deadline(120)))
    assert b"".join(pieces) == etcd.database
    assert max(map(len, pieces)) <= fake_etcd.CHUNK


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        ("error", "broke off with an error: etcdserver: too many requests"),
        ("cut", "the stream broke after"),
        ("early", "the stream ended after 4000 of"),
        ("garbage", "sent what is no snapshot"),
        ("long", "sent a line of more than"),
    ],
)
def test_a_snapshot_that_does_not_come_whole(stream: str, message: str) -> None:
    with FakeEtcd(stream=stream) as etcd, pytest.raises(GatewayError, match=message) as caught:
        list(Gateway(local(etcd.url)).snapshot(Deadline(120)))
    assert etcd.url in caught.value.msg


def test_a_stream_that_stands_still() -> None:
    with FakeEtcd(stream="hang") as etcd, pytest.raises(GatewayError, match="does not answer in time"):
        list(Gateway(local(etcd.url), timeout=0.3).snapshot(Deadline(120)))


def test_a_stream_that_takes_too_long() -> None:
    with FakeEtcd() as etcd, pytest.raises(GatewayError, match="not finished in 0 s"):
        list(Gateway(local(etcd.url)).snapshot(Deadline(0)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((503, b'{"error":"x","code":14,"message":"etcdserver: no leader"}'), "HTTP 503: etcdserver: no leader"),
        ((404, b"404 page not found"), "HTTP 404: 404 page not found"),
        ((500, b""), "HTTP 500: Internal Server Error"),
        ((500, b"[" * 20000), "HTTP 500"),
        ((200, b"<html>"), "answered what is no etcd answer"),
        ((200, b"[]"), "answered what is no etcd answer"),
        ((200, b'{"header":{"revision":"x"}}'), "answered what is no etcd answer"),
        ((200, b'{"header":{"revision":1e999}}'), "answered what is no etcd answer"),
        ((200, b'{"header":null}'), "answered what is no etcd answer"),
    ],
)
def test_answers_that_are_none(answer: tuple[int, bytes], message: str) -> None:
    with FakeEtcd(answers={"maintenance/status": answer}) as etcd, pytest.raises(GatewayError) as caught:
        Gateway(local(etcd.url)).status()
    assert message in caught.value.msg
    assert len(caught.value.msg) < 500


def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(GatewayError, match=f"{url}: maintenance/status: does not answer: .*refused"):
            Gateway(local(url)).status()


def test_somebody_listens_and_says_nothing() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(GatewayError, match="does not answer in time"):
            Gateway(local(url), timeout=0.2).status()


def test_a_hash_has_a_patience_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The member reads all of its data for it."""
    assert gateways.HASHING > 100
    monkeypatch.setattr(gateways, "HASHING", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(GatewayError, match="maintenance/hashkv: does not answer in time"):
            Gateway(local(url), timeout=1000).hash_kv(7)


class TestTls:
    def test_both_sides_are_verified(self, tmp_path: pathlib.Path) -> None:
        pki = Pki(tmp_path)
        with FakeEtcd(tls=pki.server_context()) as etcd:
            assert Gateway(local(etcd.url, pki.ca, *pki.issue("client"))).status().revision == 42

    def test_a_server_of_another_authority(self, tmp_path: pathlib.Path) -> None:
        (tmp_path / "other").mkdir()
        pki, other = Pki(tmp_path), Pki(tmp_path / "other")
        with FakeEtcd(tls=pki.server_context()) as etcd, pytest.raises(GatewayError, match="certificate verify failed"):
            Gateway(local(etcd.url, other.ca, *pki.issue("client"))).status()
        assert etcd.asked == []

    def test_a_server_of_another_address(self, tmp_path: pathlib.Path) -> None:
        pki = Pki(tmp_path)
        server = pki.server_context(["192.0.2.1"])
        with FakeEtcd(tls=server) as etcd, pytest.raises(GatewayError, match="certificate verify failed"):
            Gateway(local(etcd.url, pki.ca, *pki.issue("client"))).status()
        assert etcd.asked == []

    def test_a_key_of_another_certificate(self, tmp_path: pathlib.Path) -> None:
        pki = Pki(tmp_path)
        (cert, _key), (_cert, key) = pki.issue("one"), pki.issue("two")
        with pytest.raises(MaintenanceError, match="the certificates for etcd cannot be used"):
            Gateway(local("https://127.0.0.1:1", pki.ca, cert, key))
