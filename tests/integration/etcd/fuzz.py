# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m ...fuzz FIRST ROUNDS FILE...`: reads spoiled copies of snapshots in a process with little memory and time.

Round N is always the same for the same files: the last number that it printed is the one that hung or died.
"""

from __future__ import annotations

import pathlib
import random
import resource
import sys
import typing as t

from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import scrutiny
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.mutations import Spoiler

#: Beside what the interpreter has when it begins.
MEMORY = 96 << 20
#: Of processor time for so many rounds, some hundred times what they need.
SECONDS, ROUNDS = 60, 200


def main(first: int, rounds: int, files: t.Sequence[bytes]) -> None:
    _limit(resource.RLIMIT_AS, _address_space() + MEMORY)
    whole = 0
    for number in range(first, first + rounds):
        if (number - first) % ROUNDS == 0:
            _limit(resource.RLIMIT_CPU, int(sum(resource.getrusage(resource.RUSAGE_SELF)[:2])) + SECONDS)
        print(number, end="\r", flush=True)
        chance = random.Random(number)
        spoiler = Spoiler(chance.choice(files), chance, chance.choice(files))
        whole += scrutiny.read(spoiler.spoil(chance.randrange(1, 9)))
    print(f"{rounds} files, {whole} of them whole")


def _limit(what: int, number: int) -> None:
    resource.setrlimit(what, (number, resource.getrlimit(what)[1]))


def _address_space() -> int:
    return int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), [pathlib.Path(name).read_bytes() for name in sys.argv[3:]])
