# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole preflight on samples, for the tests of its rooms."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._check import Check, failures
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import checks, plan
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.cluster import Cluster
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.versions import Version

from . import samples
from .samples import NEW


def preflight(
    cluster: Cluster | None = None,
    facts: dict[str, t.Any] | None = None,
    target: Version = NEW,
    control_plane: t.Sequence[str] = ("cp1",),
    snapshot_dir: str | None = "/backup",
) -> list[Check]:
    cluster, facts = cluster or samples.before(), samples.facts() if facts is None else facts
    want = plan.wanted(target, cluster, facts.values())
    made = plan.make(cluster, target, facts)
    return checks.preflight(cluster, made, want, facts, control_plane, snapshot_dir, samples.SERVER)


def the_failure(found: list[Check]) -> Check:
    failed = failures(found)
    assert len(failed) == 1, [check.sentence() for check in failed]
    return failed[0]


def changed(host: str, **changes: t.Any) -> dict[str, t.Any]:
    facts = samples.facts()
    facts[host] = {**facts[host], **changes}
    return facts
