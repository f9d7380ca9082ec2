# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.copies import copies
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway, GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import Access
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import identity, store
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.identity import Identity, same
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd
from hypothesis import given
from hypothesis import strategies as st

names = st.sampled_from(["", "a", "b"])
identities = st.builds(Identity, names, names)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (Identity("1", "u"), Identity("1", "u"), True),
        (Identity("1", "u"), Identity("2", "u"), True),  # restored in between
        (Identity("1", "u"), Identity("1", "v"), False),  # two that were restored with one token
        (Identity("1", "u"), Identity("1"), True),
        (Identity("1"), Identity("1"), True),
        (Identity("1", "u"), Identity("2"), False),
        (Identity(""), Identity(""), False),
    ],
)
def test_whether_two_are_of_one_cluster(one: Identity, other: Identity, alike: bool) -> None:
    pair = (one, other)
    assert same(*pair) == same(*reversed(pair)) == alike


@given(identities, identities)
def test_the_uid_decides_where_both_have_one(one: Identity, other: Identity) -> None:
    pair = (one, other)
    assert same(*pair) == same(*reversed(pair))
    if one.kube_system_uid and other.kube_system_uid:
        assert same(one, other) == (one.kube_system_uid == other.kube_system_uid)
    else:
        assert same(one, other) == (one.cluster_id == other.cluster_id != "")


def test_of_a_sidecar() -> None:
    assert identity.of({"cluster_id": "1", "kube_system_uid": "u"}) == Identity("1", "u")
    assert identity.of({"cluster_id": "1", "kube_system_uid": None}) == Identity("1")
    assert identity.of({}) == Identity("")


def of_member(etcd: FakeEtcd) -> Identity:
    return identity.of_member(Gateway(Access(etcd.url, "", "", "")))


def test_of_a_member() -> None:
    namespace = base64.b64encode(json.dumps({"metadata": {"uid": "u"}}).encode()).decode()
    with FakeEtcd() as etcd:
        assert of_member(etcd) == Identity("a7ef944b95711739")  # which does not let itself be read
        etcd.answers["kv/range"] = (200, b"{}")
        assert of_member(etcd) == Identity("a7ef944b95711739")
        etcd.answers["kv/range"] = (200, json.dumps({"kvs": [{"value": namespace}]}).encode())
        assert of_member(etcd) == Identity("a7ef944b95711739", "u")
        etcd.answers["maintenance/status"] = (503, b"{}")
        with pytest.raises(GatewayError):
            of_member(etcd)


def test_copies_are_those_of_the_newest_ones_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*found: dict[str, t.Any]) -> None:
        pairs = [(str(number), sidecar) for number, sidecar in enumerate(found)]
        monkeypatch.setattr(store, "named", lambda directory, names, done: pairs)

    newest, before = {"cluster_id": "2", "kube_system_uid": "u"}, {"cluster_id": "1", "kube_system_uid": "u"}
    unread, other = {"cluster_id": "2", "kube_system_uid": ""}, {"cluster_id": "1", "kube_system_uid": "v"}
    told(newest, other, before, unread)
    assert [path for path, _sidecar in copies.chosen("/b", [])] == ["0", "2", "3"]
    assert len(copies.chosen("/b", ["named"])) == 4
    told()
    assert copies.chosen("/b", []) == []
