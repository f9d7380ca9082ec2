# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nothing half made is ever taken for done."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.lab import cache as lab_cache
from ansible_collections.kubeops.maintenance.tests.lab.cache import Cache
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError

if t.TYPE_CHECKING:
    import pathlib


@pytest.fixture
def cache(tmp_path: pathlib.Path) -> Cache:
    return Cache(tmp_path / "cache")


def write(part: pathlib.Path) -> None:
    part.mkdir()
    (part / "program").write_text("whole")


def test_a_product_is_made_once(cache: Cache) -> None:
    product = cache.path("programs", "etcd", {"version": "3.6.16"})
    assert cache.make(product, "etcd", write)
    assert (product / "program").read_text() == "whole"
    assert not cache.make(product, "etcd", lambda _: pytest.fail("made twice"))


def test_a_build_that_fails_leaves_no_product_and_the_next_one_begins_anew(cache: Cache) -> None:
    product = cache.path("programs", "etcd", {})

    def fail(part: pathlib.Path) -> None:
        write(part)
        raise LabError("compiler")

    with pytest.raises(LabError, match="compiler"), cache.locked():
        cache.make(product, "etcd", fail)
    assert not product.exists()
    assert not cache.work.exists()
    assert cache.make(product, "etcd", write)


def test_what_a_killed_command_left_is_removed_by_the_next(cache: Cache) -> None:
    (cache.workplace() / "etcd").mkdir()
    with cache.locked():
        assert not cache.work.exists()


def test_a_build_that_makes_nothing_is_an_error(cache: Cache) -> None:
    with pytest.raises(LabError, match="nothing was built"):
        cache.make(cache.path("programs", "etcd", {}), "etcd", lambda _: None)


def test_the_key_follows_everything_that_a_product_is_made_from(cache: Cache) -> None:
    first = cache.path("images", "etcd", {"tag": "3.6.16-0", "programs": ["a"]})
    assert first == cache.path("images", "etcd", {"programs": ["a"], "tag": "3.6.16-0"})
    assert first != cache.path("images", "etcd", {"tag": "3.6.16-0", "programs": ["b"]})


def test_the_digest_follows_content_and_names(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "a").write_text("1")
    before = lab_cache.digest(folder)
    (folder / "a").rename(folder / "b")
    renamed = lab_cache.digest(folder)
    (folder / "b").write_text("2")
    assert len({before, renamed, lab_cache.digest(folder)}) == 3


def test_clean_removes_everything(cache: Cache) -> None:
    with cache.locked():
        cache.make(cache.path("programs", "etcd", {}), "etcd", write)
    cache.clean()
    assert not cache.root.exists()


def test_clean_leaves_what_the_lab_did_not_put_there(cache: Cache) -> None:
    cache.make(cache.path("programs", "etcd", {}), "etcd", write)
    (cache.root / "somebody.txt").touch()
    cache.clean()
    assert [path.name for path in cache.root.iterdir()] == ["somebody.txt"]


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LAB_CACHE": "/somewhere/lab"}, "/somewhere/lab"),
        ({"XDG_CACHE_HOME": "/xdg"}, "/xdg/kubeops-lab"),
        ({"HOME": "/home/dev"}, "/home/dev/.cache/kubeops-lab"),
        ({"LAB_CACHE": "", "HOME": "/home/dev"}, "/home/dev/.cache/kubeops-lab"),
    ],
)
def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str) -> None:
    for name in ("LAB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(lab_cache.default_root()) == expected
