# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a finished restore has taken away and brought back: the data of before, compared with the snapshot.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import typing as t

from ..._columns import aligned
from ..._errors import MaintenanceError
from ..snapshots import comparison
from ..snapshots.comparison import ADDED, CHANGED, REMOVED
from . import plan

# What of them exists outside of etcd goes on to exist, whatever etcd knows.
NAMED = ("nodes", "pods", "persistentvolumes")
LOST, BACK = "lost", "back"
_KINDS = {LOST: REMOVED, BACK: ADDED}
HEADINGS = ("resource", LOST, BACK, CHANGED)


def report(data_dir: str, identity: str, directory: str, most: int) -> dict[str, t.Any]:
    """``most``: so many names at most of each kind. Raise MaintenanceError where one of the two is not there."""
    found = plan.read(data_dir, identity)
    if not found:
        known = ", ".join(plan.folders(data_dir)) or "none"
        raise MaintenanceError(f"{data_dir}: there is no restore {identity}. There: {known}")
    if not os.path.isdir(found.previous):
        raise MaintenanceError(
            f"{found.previous}: is not there, so it is not known what this member knew before the restore {identity}."
            " It was cleaned or taken back, or the member had no data"
        )
    after = os.path.join(directory, found.order.snapshot.name)
    compared = comparison.compare(os.path.join(found.previous, "snap", "db"), after, most, raw=True)
    return {"id": identity, **_told(compared, most)}


def _told(compared: t.Mapping[str, t.Any], most: int) -> dict[str, t.Any]:
    resources = _by_resource(compared["resources"])
    names = {kind: {what: _names(compared["resources"], kind, what, most) for what in _KINDS} for kind in NAMED}
    counts = {what: int(compared[kind]) for what, kind in (*_KINDS.items(), (CHANGED, CHANGED))}
    told = {"from": compared["from"], "to": compared["to"], **counts, "resources": resources, "names": names}
    return {**told, "lines": lines(told)}


def _by_resource(found: t.Iterable[t.Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    counts: dict[str, dict[str, t.Any]] = {}
    for one in found:
        of = counts.setdefault(one["resource"], {"resource": one["resource"], LOST: 0, BACK: 0, CHANGED: 0})
        for what, kind in (*_KINDS.items(), (CHANGED, CHANGED)):
            of[what] += one[kind]
    return list(counts.values())


def _names(found: t.Iterable[t.Mapping[str, t.Any]], resource: str, what: str, most: int) -> list[str]:
    """``namespace/name`` of what is in one."""
    those = [
        f"{one['namespace']}/{name}" if one["namespace"] else str(name)
        for one in found
        if one["resource"] == resource
        for name in one[f"{_KINDS[what]}_names"]
    ]
    return those[:most]


def lines(told: t.Mapping[str, t.Any]) -> list[str]:
    before, after = told["from"], told["to"]
    if not told["resources"]:
        return [f"the snapshot (revision {after['revision']}) knew all that was known at revision {before['revision']}"]
    found = [
        f"from revision {before['revision']} back to {after['revision']}: {told[LOST]} objects are lost,"
        f" {told[BACK]} that had been deleted are back, {told[CHANGED]} are as they were then",
        *aligned([HEADINGS, *(tuple(str(one[name]) for name in HEADINGS) for one in told["resources"])]),
    ]
    by_resource = {one["resource"]: one for one in told["resources"]}
    for kind, names in told["names"].items():
        for what in _KINDS:
            if names[what]:
                rest = by_resource[kind][what] - len(names[what])
                more = f" and {rest} more" if rest else ""
                found.append(f"{kind} {what}: {', '.join(names[what])}{more}")
    return found
