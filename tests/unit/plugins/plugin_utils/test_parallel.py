# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._parallel import at_once


@pytest.mark.parametrize(
    ("wanted", "number"),
    [(1, 1), ("2", 2), ("0", 0), ("50%", 3), ("34%", 2), ("10%", 1), ("100%", 7), ("0%", 1)],
)
def test_is_a_number_or_a_share(wanted: object, number: int) -> None:
    assert at_once(wanted, 7) == number


@pytest.mark.parametrize("wanted", ["half", "-1", "1.5", "50 %", "%", "", "2\n", None])
def test_anything_else_is_none(wanted: object) -> None:
    assert at_once(wanted, 7) is None
