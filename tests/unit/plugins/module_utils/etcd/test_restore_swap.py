# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is renamed is never lost: whatever a run is killed at, one of two whole trees is what the next one ends in."""

from __future__ import annotations

import functools
import os
import pathlib
import tempfile
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan, swap
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.plan import Owner, Plan
from hypothesis import given
from hypothesis import strategies as st

from . import cuts, restores
from .restored_host import NEW, OLD, everything, fill, whole


def made(data: pathlib.Path, lost: bool = False) -> Plan:
    """A member with its data, or whose disk was lost, and a restore that is prepared."""
    found = restores.put(data, plan.STOPPED)
    if not lost:
        fill(found.live, OLD)
    fill(found.prepared, NEW)
    return found


def test_exchanged_and_taken_back(tmp_path: pathlib.Path) -> None:
    found = made(tmp_path)
    inode = os.stat(found.prepared).st_ino
    assert (swap.look(found).exchanged, swap.look(found).untouched) == (False, True)
    swap.forward(found)
    assert (swap.look(found).exchanged, swap.look(found).untouched) == (True, False)
    assert (whole(found.live), whole(found.previous)) == (NEW, OLD)
    assert os.stat(found.live).st_ino == inode  # renamed, not copied
    assert cuts.run(functools.partial(swap.forward, found)) == (True, 0)  # nothing is left to do

    swap.back(found)
    assert (swap.look(found).exchanged, swap.look(found).untouched) == (False, True)
    assert (whole(found.live), whole(found.rejected)) == (OLD, NEW)
    assert cuts.run(functools.partial(swap.back, found)) == (True, 0)


def test_a_member_whose_disk_was_lost(tmp_path: pathlib.Path) -> None:
    found = made(tmp_path, lost=True)
    swap.forward(found)
    assert swap.look(found).exchanged
    assert whole(found.live) == NEW
    swap.back(found)
    assert swap.look(found).untouched
    assert (whole(found.live), whole(found.rejected)) == ("", NEW)


def test_nothing_was_prepared(tmp_path: pathlib.Path) -> None:
    found = restores.put(tmp_path, plan.STOPPED)
    fill(found.live, OLD)
    with pytest.raises(MaintenanceError, match="what was restored is not there"):
        swap.forward(found)
    assert whole(found.live) == OLD
    swap.back(found)
    assert whole(found.live) == OLD


def test_an_etcd_that_was_started_without_data_between_the_two_renames(tmp_path: pathlib.Path) -> None:
    found = made(tmp_path)
    os.mkdir(os.path.dirname(found.previous))
    os.rename(found.live, found.previous)
    os.mkdir(found.live)
    with pytest.raises(MaintenanceError, match="somebody has started an etcd without data"):
        swap.forward(found)
    swap.back(found)
    assert (whole(found.live), whole(found.prepared), os.listdir(found.rejected)) == (OLD, NEW, [])


def test_and_one_on_the_way_back(tmp_path: pathlib.Path) -> None:
    found = made(tmp_path)
    swap.forward(found)
    os.rename(found.live, found.rejected)
    os.mkdir(found.live)
    swap.back(found)
    assert (whole(found.live), whole(found.rejected)) == (OLD, NEW)
    assert os.listdir(f"{os.path.dirname(found.rejected)}-2/member") == []


def test_no_way_back_where_somebody_has_deleted_the_old_data(tmp_path: pathlib.Path) -> None:
    found = made(tmp_path)
    swap.forward(found)
    os.rename(found.previous, tmp_path / "away")
    with pytest.raises(MaintenanceError, match="what etcd used before is not there any more"):
        swap.back(found)
    assert whole(found.live) == NEW


def test_owner_and_mode_are_those_of_the_old_data(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, tuple[int, int]] = {}
    # Only root gives files away.
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, follow_symlinks: given.update({path: (uid, gid)}))
    found = made(tmp_path)
    found = Plan(found.order, plan.Here(**{**vars(found.here), "owner": Owner(1234, 2345, 0o750)}), found.phase, {})
    swap.forward(found)
    paths = {os.path.relpath(path, found.prepared) for path in given}
    assert (paths, set(given.values())) == ({".", "snap", "wal", "snap/db", "wal/0.wal"}, {(1234, 2345)})
    assert os.stat(found.live).st_mode & 0o777 == 0o750


def test_the_owner_is_on_the_disk_before_the_name_is(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a loss of power nobody would give it to etcd's user any more."""
    found = made(tmp_path)
    done: list[str] = []
    rename = os.rename
    monkeypatch.setattr(os, "chown", lambda path, uid, gid, follow_symlinks: done.append("own"))
    monkeypatch.setattr(os, "rename", lambda *paths: (done.append("rename"), rename(*paths)))
    monkeypatch.setattr(swap.disk, "sync_tree", lambda _folder: done.append("sync"))
    swap.forward(Plan(found.order, plan.Here(**{**vars(found.here), "owner": Owner(7, 7, 0o700)}), found.phase, {}))
    assert done == ["own"] * 5 + ["sync", "rename", "rename"]


def test_the_context_of_selinux_is_that_of_the_old_data(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = made(tmp_path)
    contexts = {found.live: b"dir", f"{found.live}/snap/db": b"file", f"{found.live}/wal/0.wal": b"another"}

    def get(path: str, name: str, follow_symlinks: bool) -> bytes:
        if path not in contexts:
            raise OSError(61, "No data available", path)
        return contexts[path]

    def give(path: str, name: str, context: bytes, follow_symlinks: bool) -> None:
        contexts[path] = context

    monkeypatch.setattr(os, "getxattr", get)
    monkeypatch.setattr(os, "setxattr", give)
    swap.forward(found)
    labelled = {os.path.relpath(path, found.prepared): one for path, one in contexts.items() if "prepared" in path}
    assert labelled == {".": b"dir", "snap": b"dir", "wal": b"dir", "snap/db": b"file", "wal/0.wal": b"file"}


# Every cut, each way: how many calls there are is what a run without a cut says.
def counted(lost: bool, way: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        found = made(pathlib.Path(folder) / "data", lost)
        if way == "back":
            swap.forward(found)
        return cuts.run(functools.partial(getattr(swap, way), found))[1]


CUTS = [
    pytest.param(lost, way, at, after, end, id=f"{way}-{end}{'-lost' if lost else ''}-{at}{'-after' if after else ''}")
    for lost in (False, True)
    # Nobody goes forward again once the way back was begun.
    for way, end in (("forward", "forward"), ("forward", "back"), ("back", "back"))
    for at, after in cuts.places(counted(lost, way))
]


@pytest.mark.parametrize(("lost", "way", "at", "after", "end"), CUTS)
def test_a_run_that_is_killed_at_each_call(
    tmp_path: pathlib.Path, lost: bool, way: str, at: int, after: bool, end: str
) -> None:
    found = made(tmp_path, lost)
    trees = everything(found)
    if way == "back":
        swap.forward(found)
    assert cuts.killed(functools.partial(getattr(swap, way), found), at, after)
    assert everything(found) == trees
    getattr(swap, end)(found)
    assert everything(found) == trees
    assert whole(found.live) == (NEW if end == "forward" else "" if lost else OLD)
    tree = swap.look(found)
    assert (tree.exchanged, tree.untouched) == (end == "forward", end == "back")


STEP = st.tuples(st.integers(1, 40), st.booleans())


@given(st.booleans(), st.lists(STEP, max_size=6), st.lists(STEP, max_size=6), st.sampled_from(["forward", "back"]))
def test_any_number_of_cuts_on_the_way_and_on_the_way_back(
    lost: bool, forward: list[tuple[int, bool]], back: list[tuple[int, bool]], end: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = made(pathlib.Path(folder) / "data", lost)
        trees = everything(found)

        def cut(way: t.Callable[[Plan], None], steps: list[tuple[int, bool]]) -> None:
            for at, after in steps:
                cuts.run(functools.partial(way, found), at, after)
                assert everything(found) == trees

        cut(swap.forward, forward)
        if end == "forward":
            swap.forward(found)
        else:
            cut(swap.back, back)
            swap.back(found)
        assert everything(found) == trees
        assert whole(found.live) == (NEW if end == "forward" else "" if lost else OLD)
