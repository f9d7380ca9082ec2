# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts of a play a wish of the role snapshots is for, and what a drill came to, in words.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import typing as t

Result = t.Mapping[str, t.Any]


def holders(hosts: t.Sequence[str], found: t.Mapping[str, Result], names: t.Sequence[str]) -> list[str]:
    """The hosts that have all of these snapshots. ``found``: what etcd_snapshot_info said on each."""
    return [host for host in hosts if set(names) <= set(_names(found.get(host, {})))]


def drilled(found: Result, wish: t.Any, has_member: bool) -> list[str]:
    """The snapshot that this host restores in a drill, none or one. ``found``: what etcd_snapshot_info said here.

    Each host proves what it has: a copy is as good as the first one only when it restores, too. Who has no member has
    no programs for that; where etcd runs on machines of its own, these are the control planes.
    """
    names = _names(found) if has_member else []
    return names[:1] if newest(wish) else [name for name in names if name == wish]


def newest(wish: t.Any) -> bool:
    """Whether the newest is meant: true, which is a string where it comes from the command line. Else it is a name."""
    return str(wish).lower() == "true"


def drill_line(result: Result, host: str, check_mode: bool) -> str:
    """``result``: what etcd_snapshot said with state=proven."""
    if "msg" in result:
        return str(result["msg"])
    if check_mode:
        return f"would {', '.join(result['actions'])}"
    snapshot, proven = result["snapshot"], result["snapshot"]["proven"]
    return (
        f"{host}: {os.path.basename(snapshot['path'])}: proven, restored with etcd {proven['etcd_version']} in"
        f" {proven['seconds']} s, {snapshot['live_keys']} keys at revision {snapshot['revision']}"
    )


def _names(found: Result) -> list[str]:
    return [str(one["name"]) for one in found.get("snapshots", ())]
