# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab that Molecule has made, and the runs of the upgrade on it."""

from __future__ import annotations

import os
import re
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import ROOT, TARGET, Run
from ansible_collections.kubeops.maintenance.tests.lab import lab as labs


@pytest.fixture(scope="session")
def lab() -> labs.Lab:
    return labs.known(os.environ["LAB"])


Start = t.Callable[..., Run]


@pytest.fixture(scope="session")
def runs() -> t.Iterator[list[Run]]:
    """All runs. What a killed one has left behind lives on beside the next one, as it would for a user."""
    started: list[Run] = []
    yield started
    for run in started:
        run.clear()


@pytest.fixture
def start(lab: labs.Lab, runs: list[Run], request: pytest.FixtureRequest) -> Start:
    """Starts a run of the upgrade, which prints to build/molecule/LAB/TEST.log."""
    log = ROOT / "build" / "molecule" / lab.name / f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower())}.log"
    log.parent.mkdir(parents=True, exist_ok=True)

    def work(*arguments: str, inventory: Path = lab.inventory, version: str = TARGET) -> Run:
        runs.append(Run(inventory, log, *arguments, version=version))
        return runs[-1]

    return work
