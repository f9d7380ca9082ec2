# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the hooks around a node."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.plugin_utils._hooks import faults, lines, shown


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"hook_faults": faults, "hook_lines": lines, "hook_address": shown}
