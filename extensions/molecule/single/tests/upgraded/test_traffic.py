# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promise: whoever used the service while all this happened did not notice."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.tests.lab import traffic

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab


def test_no_request_failed_since_the_first_killed_run(lab: Lab) -> None:
    report = traffic.stop(lab)
    print(traffic.describe(report))
    assert report["web"]["failures"] == 0
    assert report["web"]["requests"] >= 500
    assert report["web"]["answered_by"] >= 4, "the pods have not moved"
