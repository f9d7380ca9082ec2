# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A plan of a restore as lines to print, and how long the API will be away.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan as plans

Info = t.Mapping[str, t.Any]

# Seconds. The kubelet looks at its manifests every 20; a graceful end of an apiserver and its start are the rest.
_CONTROL_PLANE = 75
_STATIC_POD, _UNIT = 60, 15
_GATES = 10
# Bytes a second that are hashed by each member, and read when it starts.
_READ = 50_000_000


def expected_downtime(infos: t.Mapping[str, Info], size: int) -> int:
    """From the first apiserver's end to the first one's start, with what etcd itself takes in between."""
    units = all(info["member"]["managed_by"] == "systemd" for info in infos.values())
    return _CONTROL_PLANE + (_UNIT if units else _STATIC_POD) + _GATES + 2 * size // _READ


def of(plan: Info, snapshot: Info) -> list[str]:
    described, back = plan["snapshot"], plan["direction"] == "back"
    whose = ", ".join(f"{one['name']} on {one['host']}" for one in plan["members"])
    phases = ", ".join(f"{host} {phase or 'nothing yet'}" for host, phase in plan["phases"].items())
    lines = [f"{_headline(plan, back)} {described['name']}", f"id        {plan['id']}"]
    lines += [f"so far    {phases}"] if plan["resume"] else []
    lines += [f"members   {whose}"]
    if back and not any(map(plans.under_way, filter(None, plan["phases"].values()))):
        return [*lines, "data      each member has what it had before; control planes that are stopped are started"]
    if back:
        lines.append("data      what each member had before is renamed into its place")
    else:
        lines += [f"snapshot  {_snapshot(described, snapshot)}", f"revision  {_revision(plan)}"]
        lines += [f"bring it  to {', '.join(plan['lacking'])}"] if plan["lacking"] else []
        lines.append("data      what each member has now is renamed and kept; restore_undo with this id brings it back")
    return [*lines, f"downtime  about {plan['expected_downtime_seconds']} s of the API; workloads go on"]


def to_recover(undone: Info, host: str, revision: int) -> list[str]:
    """Before there is a snapshot to make a plan of. ``undone``: the restore, as its host's plan says."""
    since = undone["at"].get("committed", "it was committed")
    return [
        f"UNDO the restore {undone['id']} of {undone['snapshot']['name']}, by a restore of what was there before",
        f"recover   on {host}: a snapshot of {undone['data_dir']}/kubeops-restore/{undone['id']}/previous, at revision"
        f" {revision} or what its log has beyond",
        f"data      all that was written since {since} is LOST, and kept: the new restore can be undone, too",
        "then      that snapshot is restored on all members, above all revisions that clients have seen",
    ]


def _headline(plan: Info, back: bool) -> str:
    if back:
        return "TAKE BACK the restore of"
    return "GO ON with the restore of" if plan["resume"] else "RESTORE"


def _snapshot(described: Info, sidecar: Info) -> str:
    proven = sidecar.get("proven") or {}
    known = f"proven by a drill at {proven.get('at')}" if proven else "not proven by a drill yet"
    taken = f"taken {sidecar['started']}, " if sidecar.get("started") else ""
    holds = f"{described['keys']} keys at revision {described['revision']}"
    return f"{taken}{holds}, etcd {described['etcd_version']}, {known}"


def _revision(plan: Info) -> str:
    live, its = plan["live_revision"], plan["snapshot"]["revision"]
    lost = f"{live - its} changes after the snapshot are LOST" if live > its else "no later one is known"
    if plan["undoes"]:
        lost = f"all that was written since the restore {plan['undoes']} is LOST"
    return f"goes on at {its + plan['bump']}; {lost}"
