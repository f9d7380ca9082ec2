# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the checks of a cluster's health are made of.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .._check import FAIL

Object = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Look:
    """One look at the cluster: lists of objects by source, without those that may not be read.

    ``now`` is the server's time, so that no other machine's clock makes a lease look old.
    """

    objects: t.Mapping[str, t.Sequence[Object]]
    now: datetime.datetime
    stale_after: int = 0
    # What hosts said of themselves, to be compared with the cluster behind this address.
    hosts: t.Mapping[str, Object] = dataclasses.field(default_factory=dict)
    server: str = ""

    def list(self, source: str) -> t.Sequence[Object]:
        return self.objects.get(source, ())

    def age(self, timestamp: str) -> float:
        """Seconds since a time of the API, with or without fractions."""
        when = datetime.datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
        return (self.now - when).total_seconds()


@dataclasses.dataclass(frozen=True)
class Finding:
    """Something that is not well. ``weight`` says how much of it, to be compared with an earlier look.

    A warning without weight is of another kind than the check's failures, and excuses none of them.
    """

    object: str
    evidence: str
    fix: str
    status: str = FAIL
    weight: int = 1


@dataclasses.dataclass(frozen=True)
class Judgement:
    """``well`` is the evidence of a check that found nothing."""

    findings: t.Sequence[Finding]
    well: str


def full_name(kind: str, item: Object) -> str:
    """``shop/deployment/web``: the same for as long as the object lives, as a baseline needs it."""
    metadata = item["metadata"]
    return f"{metadata['namespace']}/{kind}/{metadata['name']}"


def condition(item: Object, kind: str) -> Object:
    found = (item.get("status") or {}).get("conditions") or []
    return next((entry for entry in found if entry.get("type") == kind), {})


def plural(count: int, noun: str) -> str:
    """``1 pod``, ``2 pods``."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
