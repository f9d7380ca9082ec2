# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the role snapshots."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.plugin_utils import _snapshot_work


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "snapshot_drilled": _snapshot_work.drilled,
            "snapshot_drill_line": _snapshot_work.drill_line,
            "snapshot_holders": _snapshot_work.holders,
        }
