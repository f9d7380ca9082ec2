# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of what became of a restore."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.plugin_utils._restore.outcome import (
    failure,
    may_serve,
    nodes,
    result,
)


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {
            "restore_failure": failure,
            "restore_may_serve": may_serve,
            "restore_nodes": nodes,
            "restore_result": result,
        }
