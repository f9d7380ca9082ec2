# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether hosts are of the cluster that the API leads to: names prove nothing, every cluster has a w1.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

from .._check import FAIL, PASS, WARN
from .._kubeadm import certificates
from .._kubeadm.checks_nodes import check_same_cluster
from .finding import Finding, Judgement, Look, plural


def same_cluster(look: Look) -> Judgement:
    """What has nothing to compare is told, and no failure."""
    texts = [(found.get("data") or {}).get("ca.crt", "") for found in look.list("root_ca")]
    ca = frozenset(certificates.fingerprints("".join(texts).encode()))
    checks = [check for check in check_same_cluster(ca, look.hosts, look.server) if check.status != PASS]
    return Judgement(
        [
            Finding(check.object, check.evidence, check.fix, FAIL)
            if check.status == FAIL
            else Finding(check.object, check.evidence, check.fix, WARN, weight=0)
            for check in checks
        ],
        f"{plural(len(look.hosts), 'host')} of the cluster at {look.server}",
    )
