# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was ill at an earlier look, so that only what got worse since then counts.

By check and object the weight of what was found, nothing of what was well: small enough to be handed around.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._check import FAIL, WARN
from .._errors import MaintenanceError
from .finding import Finding

Baseline = t.Mapping[str, t.Mapping[str, int]]


def make(findings: t.Mapping[str, t.Sequence[Finding]]) -> dict[str, dict[str, int]]:
    """Checks that could not be made are not in it: nothing is known of how it was."""
    made: dict[str, dict[str, int]] = {}
    for name, found in findings.items():
        weights = made.setdefault(name, {})
        for finding in found:
            if finding.weight:
                weights[finding.object] = weights.get(finding.object, 0) + finding.weight
    return made


def validated(given: t.Any) -> Baseline:
    if not all(isinstance(entry, dict) and all(map(_is_weight, entry.values())) for entry in given.values()):
        raise MaintenanceError(
            "baseline is not what an earlier k8s_health_info returned: hand over the key `baseline` of its result"
        )
    return t.cast(Baseline, given)


def _is_weight(value: t.Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def compare(name: str, finding: Finding, baseline: Baseline) -> Finding:
    """A failure that was there before, and no smaller, is only told."""
    if finding.status != FAIL or name not in baseline:
        return finding
    was = baseline[name].get(finding.object, 0)
    if finding.weight <= was:
        return dataclasses.replace(finding, status=WARN, evidence=f"{finding.evidence}; no worse than before")
    before = f"worse than before ({was} then, {finding.weight} now)" if was else "it was well before"
    return dataclasses.replace(finding, evidence=f"{finding.evidence}; {before}")
