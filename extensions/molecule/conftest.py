# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab that Molecule has made, its nodes over ssh, and the collection's playbooks run on it."""

from __future__ import annotations

import functools
import os
import re
import typing as t
from pathlib import Path

import pytest
import testinfra
from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import ROOT, Run
from ansible_collections.kubeops.maintenance.tests.lab import lab as labs

if t.TYPE_CHECKING:
    from testinfra.host import Host

Play = t.Callable[..., Run]


@pytest.fixture(scope="session")
def lab() -> labs.Lab:
    return labs.known(os.environ["LAB"])


@pytest.fixture(scope="session")
def runs() -> t.Iterator[list[Run]]:
    """All runs. What a killed one has left behind lives on beside the next one, as it would for a user."""
    started: list[Run] = []
    yield started
    for run in started:
        run.clear()


@pytest.fixture(scope="session")
def play(lab: labs.Lab, runs: list[Run]) -> Play:
    """Starts a playbook, which prints to build/molecule/LAB/NUMBER-TEST.log."""

    def work(playbook: str, *arguments: str, inventory: Path = lab.inventory) -> Run:
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].rpartition(" ")[0]
        name = f"{len(runs) + 1:02}-{re.sub(r'[^a-z0-9]+', '-', test.lower()).strip('-')}.log"
        log = ROOT / "build" / "molecule" / lab.name / name
        log.parent.mkdir(parents=True, exist_ok=True)
        runs.append(Run(playbook, inventory, log, *arguments))
        return runs[-1]

    return work


@pytest.fixture(scope="session")
def on(lab: labs.Lab) -> t.Callable[[str], Host]:
    """A node as its administrator sees it."""
    address = "ansible://{}?ansible_inventory={}&sudo=true"
    return functools.cache(lambda node: testinfra.get_host(address.format(node, lab.inventory)))
