# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a file holds, reading it ends, costs no more than reading a whole one, and raises nothing but Damaged.

tests/integration/etcd/test_fuzz.py does the same with files of real servers, and longer.
"""

from __future__ import annotations

import random
import tracemalloc

from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import (
    boltfile,
    etcdfile,
    scrutiny,
)
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.mutations import Spoiler
from hypothesis import given, settings
from hypothesis import strategies as st


def made(**how: bool | int) -> bytes:
    """Deep trees, values over several pages, deleted keys."""
    changes: list[etcdfile.Change] = [(b"/registry/namespaces/kube-system", etcdfile.namespace())]
    for number in range(60):
        key = b"/registry/pods/default/pod-%d" % (number % 25)
        changes.append((key, None if number % 7 == 0 else b"k8s\0" + b"v" * (number % 9 * 300)))
    return boltfile.with_trailer(boltfile.build(etcdfile.buckets(changes), inline_up_to=3, **how))


SEEDS = (
    made(page_size=1024),
    made(page_size=4096, fanout=9),
    made(page_size=1024, free_between=1, with_freelist=True),
    etcdfile.kubernetes(),
)
NUMBERS = st.integers(0, len(SEEDS) - 1)


def test_the_seeds_are_whole() -> None:
    assert all(map(scrutiny.read, SEEDS))


@settings(max_examples=400)
@given(NUMBERS, NUMBERS, st.randoms(use_true_random=False), st.integers(1, 8))
def test_spoiled_files(seed: int, other: int, chance: random.Random, times: int) -> None:
    scrutiny.read(Spoiler(SEEDS[seed], chance, SEEDS[other]).spoil(times))


@settings(max_examples=60)
@given(NUMBERS, st.randoms(use_true_random=False), st.integers(1, 8))
def test_spoiled_files_take_no_memory(seed: int, chance: random.Random, times: int) -> None:
    data = Spoiler(SEEDS[seed], chance).spoil(times)
    tracemalloc.start()
    try:
        scrutiny.read(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * len(data) + (2 << 20)


def test_the_spoiler_reaches_what_lies_behind_the_checksums() -> None:
    """Some are read to their end, and most of the others fail in their trees."""
    files = [Spoiler(SEEDS[number % 4], random.Random(number), SEEDS[1]).spoil(1 + number % 3) for number in range(200)]
    whole = sum(map(scrutiny.read, files))
    assert 20 < whole < 150
