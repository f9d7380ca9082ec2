# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Versions as users give them, and the etcd that a cluster starts on."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.tests.lab import versions
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.36.4", ["1.36.4"]),
        ("1.36.4,1.37.1", ["1.36.4", "1.37.1"]),
        (" v1.37.1 , 1.36.4,", ["1.37.1", "1.36.4"]),
        ("1.36.4,v1.36.4", ["1.36.4"]),
    ],
)
def test_parse(text: str, expected: list[str]) -> None:
    assert versions.parse(text) == expected


@pytest.mark.parametrize("text", ["", ",", "1.36", "1.36.x", "latest", "2.0.0", "1.36.4-1.1", "1.36.4 1.37.1"])
def test_parse_refuses_with_an_example(text: str) -> None:
    with pytest.raises(LabError, match=r"versions like 1\.36\.4"):
        versions.parse(text)


def test_the_default_is_an_upgrade_by_one_minor() -> None:
    first, second = versions.parse(versions.DEFAULT)
    assert versions.numbers(second)[1] == versions.numbers(first)[1] + 1


def test_by_minor_keeps_patches_together() -> None:
    assert versions.by_minor(["1.36.4", "1.37.1", "1.36.2"]) == {"1.36": ["1.36.4", "1.36.2"], "1.37": ["1.37.1"]}


@pytest.mark.parametrize(
    ("wanted", "started_on"),
    [
        ("3.6.5", "3.6.16"),
        ("3.6.8", "3.6.16"),
        ("3.6.16", "3.6.16"),
        ("3.6.17", "3.6.17"),
        ("3.7.0", "3.7.0"),
        ("3.5.24", "3.5.24"),  # 3.6 wants stepping stones of its own
    ],
)
def test_etcd_to_start_on(wanted: str, started_on: str) -> None:
    assert versions.etcd_to_start_on(wanted) == started_on


@given(st.tuples(st.just(3), st.integers(4, 9), st.integers(0, 40)))
def test_etcd_never_starts_older_than_wanted_nor_on_another_minor(numbers: tuple[int, int, int]) -> None:
    started = versions.numbers(versions.etcd_to_start_on(".".join(map(str, numbers))))
    assert started >= numbers
    assert started[:2] == numbers[:2]
