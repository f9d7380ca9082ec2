# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter of the order in which members of etcd are defragmented."""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.plugin_utils._defrag_turns import turns


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"defrag_turns": turns}
