# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What became of a restore, made from what the role left on the hosts.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._check import PASS, WARN
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.health import LEADER
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan as plans

Left = t.Mapping[str, t.Any]
Hosts = t.Mapping[str, Left]

# In which a member may serve what was restored, or will when it is started.
_DOUBTFUL = (*plans.FORWARD[plans.FORWARD.index(plans.SWAPPING) :], plans.ROLLING_BACK)


def failure(hosts: Hosts, members: t.Sequence[str], control_planes: t.Sequence[str]) -> str:
    """Why a restore did not go on, and what serves now.

    ``__restore_failure`` (task and msg) is on the hosts that failed, ``__restore_back`` and ``__restore_serving`` are
    what the roll back said, and on a host that was lost there is nothing.
    """
    taking_part = dict.fromkeys([*members, *control_planes])
    troubled = {
        **_troubles(hosts, control_planes, "__restore_serving", "its control plane was not started: "),
        **_troubles(hosts, members, "__restore_back", "not rolled back: "),
    }
    lost = [host for host in taking_part if not {"__restore_back", "__restore_serving"} & {*hosts[host]}]
    otherwise = f"{', '.join(lost)} was lost" if lost else "an earlier run has begun to go back from this restore"
    beginning = _reasons(hosts, taking_part) or otherwise
    silent = _silent(hosts, members)
    if not troubled:
        serve = "have" if silent else "serve"
        but = f" But {silent}." if silent else ""
        return (
            f"{beginning}. All members were rolled back: {', '.join(members)} {serve} the data from before, and nothing"
            f" is lost.{but} Mend what is named, and run the same command again for a new restore"
        )
    named = _joined(filter(None, [*(f"{host}: {text}" for host, text in troubled.items()), silent]))
    good = [host for host in members if host not in troubled]
    stopped = " The control planes stay stopped, for most members may have what was restored, which was not proven."
    stopped = "" if may_serve(hosts, members) else stopped
    return (
        f"{beginning}. Rolled back: {', '.join(good) or 'nobody'}. {named}. No data was deleted.{stopped} Mend what is"
        f" named, and run the same command again: it finishes going back first"
    )


def _reasons(hosts: Hosts, taking_part: t.Iterable[str]) -> str:
    """What is wrong with one member all of them find, mostly in the same words."""
    found: dict[str, list[str]] = {}
    for host in taking_part:
        said = hosts[host].get("__restore_failure")
        if said:
            found.setdefault(f"{said['task']}: {said['msg']}", []).append(host)
    return _joined(f"{', '.join(those)}: {text}" for text, those in found.items())


def may_serve(hosts: Hosts, members: t.Sequence[str]) -> bool:
    """Whether control planes that start now find the data from before, or no quorum, and never what was given up."""
    doubtful = [host for host in members if hosts[host].get("__restore_back", {}).get("phase") in _DOUBTFUL]
    return 2 * len(doubtful) <= len(members)


def _silent(hosts: Hosts, members: t.Sequence[str]) -> str:
    """Of those that went back, which do not serve, and why. Until enough of them had gone back none knew a leader."""
    checks = [(host, one) for host in members for one in (hosts[host].get("__restore_back") or {}).get("checks", ())]
    led = any((one["name"], one["status"]) == (LEADER, PASS) for _host, one in checks)
    return _joined(
        f"{host}: {one['evidence']}. {one['fix']}"
        for host, one in checks
        if one["status"] == WARN and not (led and one["name"] == LEADER)
    )


def _troubles(hosts: Hosts, wanted: t.Sequence[str], name: str, what: str) -> dict[str, str]:
    found = {}
    for host in wanted:
        said = hosts[host].get(name)
        if said is None or said.get("unreachable"):
            found[host] = f"{what}the host was lost"
        elif "msg" in said:
            found[host] = f"{what}{said['msg']}"
    return found


def _joined(sentences: t.Iterable[str]) -> str:
    return ". ".join(sentence.strip().rstrip(".") for sentence in sentences)


def nodes(hosts: Hosts, wanted: t.Sequence[str]) -> dict[str, t.Any]:
    """Which nodes follow the restored data. ``lost`` ones will when their kubelet starts; ``ill`` ones do not."""
    said = {host: hosts[host].get("restore_node") for host in wanted}
    lost = [host for host, one in said.items() if one is None or one.get("unreachable")]
    ill = {host: one["msg"] for host, one in said.items() if one and host not in lost and "msg" in one}
    lines = [f"{host}: could not be reached: restart its kubelet when it is back" for host in lost]
    lines += [f"{host}: {text}" for host, text in ill.items()]
    good = [host for host in wanted if host not in lost and host not in ill]
    if good:
        lines.append(f"Ready, with a kubelet that knows the restored data: {', '.join(good)}")
    return {"ill": ill, "lost": lost, "lines": lines}


def result(hosts: Hosts, plan: Left, members: t.Sequence[str]) -> dict[str, t.Any]:
    """What a restore that has ended leaves: ``lost`` and ``lines`` to print, ``stats`` for whoever started the run.

    What the snapshot did not know can be told by each member that had data before. ``restore_began`` and
    ``restore_served`` are on no host where an interrupted run was gone on with.
    """
    first = hosts[members[0]]
    away = None
    if "restore_began" in first and "restore_served" in first:
        away = round(float(first["restore_served"]) - float(first["restore_began"]), 1)
    name, identity = plan["snapshot"]["name"], plan["id"]
    kept = f"{first['restore_finished']['plan']['data_dir']}/kubeops-restore/{identity}"
    lines = [
        f"Restored {name} on {', '.join(members)}"
        + (f"; the API was away for {away:.0f} s" if away is not None else ""),
        f"The data from before is kept in {kept}. To delete it: -e restore_clean=true",
        f"To have it back, and what comes from now on set aside: -e restore_undo={identity}",
        "kubeops.maintenance.health shows whether the workloads are well",
    ]
    compared = [hosts[host].get("restore_compared", {}) for host in members]
    report = next((one["report"] for one in compared if one.get("report")), None)
    why = _joined(one.get("report_trouble") or one.get("msg", "") for one in compared[:1])
    lost = report["lines"] if report else [f"What the snapshot did not know cannot be told: {why}"]
    counts = {name: report[name] for name in ("lost", "back", "changed", "names")} if report else None
    stats = {"id": identity, "snapshot": name, "members": list(members), "api_away_seconds": away, "report": counts}
    return {"lost": lost, "lines": lines, "stats": stats}
