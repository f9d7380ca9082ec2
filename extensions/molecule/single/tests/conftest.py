# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab that Molecule has made, and where the runs of a test print to."""

from __future__ import annotations

import os
import re
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import ROOT
from ansible_collections.kubeops.maintenance.tests.lab import lab as labs

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def lab() -> labs.Lab:
    return labs.known(os.environ["LAB"])


@pytest.fixture
def log(lab: labs.Lab, request: pytest.FixtureRequest) -> Path:
    folder = ROOT / "build" / "molecule" / lab.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{re.sub(r'[^a-z0-9]+', '-', request.node.name.lower()).strip('-')}.log"
