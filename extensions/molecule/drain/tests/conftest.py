# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""drain.yml and uncordon.yml as tests start them, and workloads of a file."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import workloads

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

WORKLOADS = Path(__file__).parents[1] / "workloads"


@pytest.fixture(scope="session")
def present(lab: Lab) -> t.Callable[[str], t.ContextManager[None]]:
    """A context with the workloads of a file."""
    return lambda name: workloads.present(lab, WORKLOADS / f"{name}.yml")


@pytest.fixture(scope="session")
def drain(play: t.Callable[..., Run]) -> t.Callable[..., Run]:
    """Starts drain.yml for a node, with options of the drain by name."""

    def work(node: str, *arguments: str, **options: t.Any) -> Run:
        variables = {"nodes": node, "reason": "a new disk", "drain_options": options}
        return play("drain", f"--extra-vars={json.dumps(variables)}", *arguments)

    return work


@pytest.fixture(scope="session")
def uncordon(play: t.Callable[..., Run]) -> t.Callable[[str], None]:
    def work(node: str) -> None:
        run = play("uncordon", f"--extra-vars=nodes={node}")
        assert run.finish() == 0, run.output

    return work
