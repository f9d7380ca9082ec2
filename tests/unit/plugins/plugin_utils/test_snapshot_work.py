# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._snapshot_work import drill_line, drilled, holders


def found(*names: str) -> dict[str, t.Any]:
    return {"snapshots": [{"name": name} for name in names]}


FOUND = {"cp1": found("b", "a"), "cp2": found("b"), "cp3": {"msg": "cannot be read"}}
HOSTS = ["cp1", "cp2", "cp3", "lost"]


@pytest.mark.parametrize(
    ("names", "hosts"), [(["b"], ["cp1", "cp2"]), (["a", "b"], ["cp1"]), (["c"], []), (["a", "c"], []), ([], HOSTS)]
)
def test_who_has_all_of_them(names: list[str], hosts: list[str]) -> None:
    assert holders(HOSTS, FOUND, names) == hosts


@pytest.mark.parametrize(
    ("wish", "has_member", "names"),
    [
        (True, True, ["b"]),
        ("true", True, ["b"]),
        ("a", True, ["a"]),
        ("c", True, []),
        ("", True, []),
        (False, True, []),
        ("false", True, []),
        (True, False, []),
        ("a", False, []),
    ],
)
def test_what_a_host_proves(wish: t.Any, has_member: bool, names: list[str]) -> None:
    assert drilled(FOUND["cp1"], wish, has_member) == names
    assert drilled({}, wish, has_member) == []


def test_what_a_drill_came_to() -> None:
    snapshot = {"path": "/b/x.db", "live_keys": 5, "revision": 9, "proven": {"etcd_version": "3.6.16", "seconds": 1.5}}
    result = {"snapshot": snapshot, "actions": ["restore x.db", "mark it"]}
    assert drill_line(result, "cp1", check_mode=False) == (
        "cp1: x.db: proven, restored with etcd 3.6.16 in 1.5 s, 5 keys at revision 9"
    )
    assert drill_line(result, "cp1", check_mode=True) == "would restore x.db, mark it"
    assert drill_line({**result, "msg": "it does not start"}, "cp1", check_mode=False) == "it does not start"
