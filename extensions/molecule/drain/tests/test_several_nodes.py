# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Both workers in one run: judged together, cordoned together, drained one after the other, with hooks around each."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.extensions.molecule.support import cluster

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

pytestmark = pytest.mark.slow

Drain = t.Callable[..., "Run"]

BOTH = "w2,w1"
# A hook that fails as long as its file is missing.
NOTE = """
import os, sys
with open(sys.argv[1], "r+") as notes:
    notes.seek(0, 2)
    print(os.environ["KUBEOPS_STAGE"], os.environ["KUBEOPS_NODE"], os.environ["KUBEOPS_REASON"], file=notes)
"""


def hooks(notes: Path, *stages: str) -> str:
    """As an argument of a run."""
    command = ["python3", "-c", NOTE, str(notes)]
    listed = [{"name": "note", "when": stage, "command": command} for stage in stages]
    return f"--extra-vars={json.dumps({'node_hooks': listed})}"


def test_one_that_cannot_be_drained_keeps_both_untouched(
    lab: Lab, drain: Drain, present: t.Callable[[str], t.ContextManager[None]]
) -> None:
    with present("deadlocked"):
        before = cluster.state(lab)
        assert drain(BOTH).finish() != 0
        assert cluster.state(lab) == before


def test_check_mode_ends_after_the_forecast(lab: Lab, drain: Drain) -> None:
    before = cluster.state(lab)
    run = drain(BOTH, "--check")
    assert run.finish() == 0, run.output
    assert run.says("Would be: node w1 marked unschedulable.")
    assert run.says("Would be: node w2 marked unschedulable.")
    assert "changed=1" in run.output.rpartition("localhost :")[2]
    assert cluster.state(lab) == before


def test_a_hook_that_fails_stops_the_run_and_the_next_one_goes_on(
    lab: Lab, drain: Drain, play: t.Callable[..., Run], tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    run = drain(BOTH, hooks(notes, "after_drain"))
    assert run.finish() != 0
    assert 'Hook "note" (after_drain) failed for node w' in run.message
    assert "The node stays cordoned" in run.message
    assert [cluster.unschedulable(lab, node) for node in ("w1", "w2")] == [True, True]
    assert run.output.count("TASK [Drain the node]") == 1, "the other node was drained, too"

    notes.touch()
    run = drain(BOTH, hooks(notes, "before_drain", "after_drain"))
    assert run.finish() == 0, run.output
    told = notes.read_text().splitlines()
    turns = [[f"{stage} {node} a new disk" for stage in ("before_drain", "after_drain")] for node in ("w1", "w2")]
    assert told in (turns[0] + turns[1], turns[1] + turns[0]), "one node's turn after the other's"

    run = drain(BOTH)
    assert run.finish() == 0, run.output
    recap = run.output.rpartition("PLAY RECAP")[2]
    assert recap.count("changed=0") == recap.count("changed="), recap

    notes.write_text("")
    run = play("uncordon", f"--extra-vars=nodes={BOTH}", hooks(notes, "before_uncordon", "after"))
    assert run.finish() == 0, run.output
    assert run.says("node w1 marked schedulable.")
    assert len(notes.read_text().splitlines()) == 4
    assert [cluster.work(lab, node) for node in ("w1", "w2")] == [None, None]
