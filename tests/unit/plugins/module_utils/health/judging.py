# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One check on the lists that it gets."""

from __future__ import annotations

from ansible_collections.kubeops.maintenance.plugins.module_utils._health.checks import CHECKS
from ansible_collections.kubeops.maintenance.plugins.module_utils._health.finding import Look
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import NOW


def judge(name, **lists):
    return CHECKS[name].judge(Look(lists, NOW, stale_after=86400))


def finds(judgement, status, about, evidence, fix, weight):
    (finding,) = judgement.findings
    assert (finding.status, finding.object, finding.weight) == (status, about, weight)
    assert evidence in finding.evidence
    assert fix in finding.fix if fix else finding.fix == ""
