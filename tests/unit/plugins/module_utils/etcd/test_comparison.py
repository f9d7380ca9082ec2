# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import collections
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database import layout
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import Damaged
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import comparison
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile
from hypothesis import given
from hypothesis import strategies as st

KEYS = st.sampled_from(
    [
        b"/registry/%s/%s/%d" % (kind, place, n)
        for kind in (b"pods", b"secrets")
        for place in (b"a", b"b")
        for n in (1, 2)
    ]
)
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.sampled_from((b"one", b"two"))), max_size=30)


def compare(
    place: pathlib.Path, before: t.Sequence[etcdfile.Change], after: t.Sequence[etcdfile.Change], most: int = 20
) -> dict[str, t.Any]:
    (place / "old.db").write_bytes(etcdfile.snapshot(before))
    (place / "new.db").write_bytes(etcdfile.snapshot(after))
    return comparison.compare(str(place / "old.db"), str(place / "new.db"), most)


def last(changes: t.Sequence[etcdfile.Change]) -> dict[bytes, bytes]:
    rows = {
        key: (value, row) for (key, value), (_revision, row) in zip(changes, etcdfile.key_rows(changes), strict=True)
    }
    return {key: row for key, (value, row) in rows.items() if value is not None}


@given(CHANGES, CHANGES, st.integers(0, 25))
def test_what_came_went_and_changed(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[etcdfile.Change],
    others: list[etcdfile.Change],
    common: int,
) -> None:
    after = before[:common] + others
    old, new = last(before), last(after)
    expected: dict[tuple[str, layout.Place], list[str]] = collections.defaultdict(list)
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            kind = "added" if key not in old else "removed" if key not in new else "changed"
            expected[kind, layout.place(key)].append(layout.name(key))
    found = compare(tmp_path_factory.mktemp("two"), before, after)
    assert {
        (kind, layout.Place(one["resource"], one["namespace"])): one[f"{kind}_names"]
        for one in found["resources"]
        for kind in comparison.KINDS
        if one[kind]
    } == expected
    for kind in comparison.KINDS:
        names = [names for (one, _place), names in expected.items() if one == kind]
        assert found[kind] == sum(map(len, names))


def test_names_are_bounded_and_the_rest_is_counted(tmp_path: pathlib.Path) -> None:
    changes = [(b"/registry/pods/a/%03d" % (999 - number), b"x") for number in range(100)]
    found = compare(tmp_path, [], changes, most=2)
    (one,) = found["resources"]
    assert (one["added"], one["added_names"]) == (100, ["900", "901"])
    assert "added: pods in a: 900, 901 and 98 more" in comparison.sentences(found)


@pytest.mark.parametrize(
    ("before", "after", "same", "sentence"),
    [
        ("u-1", "u-1", True, "they hold the same objects"),
        ("u-1", "u-2", False, "THESE ARE DIFFERENT CLUSTERS: their namespaces kube-system have different UIDs"),
        ("u-1", "", None, "0 objects added, 0 removed, 1 changed"),
    ],
)
def test_whether_they_are_of_the_same_cluster(
    tmp_path: pathlib.Path, before: str, after: str, same: bool | None, sentence: str
) -> None:
    first, second = ([(layout.KUBE_SYSTEM, etcdfile.namespace(uid))] for uid in (before, after))
    found = compare(tmp_path, first, second)
    assert found["same_cluster"] is same
    assert sentence in comparison.sentences(found)


def test_the_older_one_as_the_later(tmp_path: pathlib.Path) -> None:
    found = compare(tmp_path, [(b"/registry/minions/1", b"x"), (b"/registry/minions/2", b"x")], [])
    lines = comparison.sentences(found)
    assert "the second one is the older one: what it lacks is told as removed" in lines
    assert lines[-3:] == [
        "resource  namespace  added  removed  changed",
        "nodes     -          0      2        0",
        "removed: nodes: 1, 2",
    ]


@pytest.mark.parametrize("damaged", ["old.db", "new.db"])
def test_a_damaged_one_is_not_compared(tmp_path: pathlib.Path, damaged: str) -> None:
    compare(tmp_path, [], [])
    path = tmp_path / damaged
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(Damaged, match=f"^{path}: its content has .*The snapshot is damaged"):
        comparison.compare(str(tmp_path / "old.db"), str(tmp_path / "new.db"), 9)
