# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filters of the report at the end of a run."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.plugin_utils._report import row, table


def upgrade_rows(nodes: t.Mapping[str, t.Any], hostvars: t.Mapping[str, t.Any]) -> list[dict[str, t.Any]]:
    return [row(planned, hostvars[host]) for host, planned in nodes.items()]


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"upgrade_rows": upgrade_rows, "upgrade_table": table}
