# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of the property tests."""

from __future__ import annotations

import os

import hypothesis

# A busy machine is no failure, hence no deadline. CI tries the same examples every time, a developer new ones.
busy = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("default", **busy)
hypothesis.settings.register_profile("ci", **busy, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")
