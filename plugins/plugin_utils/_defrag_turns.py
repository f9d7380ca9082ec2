# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which order the hosts of a play have their members of etcd defragmented.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

Result = t.Mapping[str, t.Any]

_COMPACTION = "before the first of them: would compact to the current revision, which makes every watch begin anew"
_DISARMING = "after the last of them: would disarm NOSPACE, where all files are below their quota"


def turns(hosts: t.Sequence[str], looks: t.Mapping[str, Result]) -> dict[str, t.Any]:
    """``hosts`` whose turn it is, followers first, the leader last; ``lines`` that say what each would do and why;
    ``refused``: why none of them may; ``nospace``: whether the alarm is raised.

    ``looks``: what etcd_defrag said on each host in check mode. All have to have said something: on a host that does
    not answer, an upgrade or a restore may be at work.
    """
    looks = {host: looks.get(host, {}) for host in hosts}
    refused = _refused(looks)
    told = {host: look for host, look in looks.items() if look.get("member")}
    first = {look["member"]: host for host, look in reversed(told.items())}
    # Stable: followers stay in the order of the inventory.
    order = sorted(first.values(), key=lambda host: (told[host]["member"] == told[host]["leader"], hosts.index(host)))
    nospace = any(one["kind"] == "NOSPACE" for look in told.values() for one in look["alarms"])
    lines = [line for host in order for line in told[host]["summary"]]
    if nospace and not refused:
        lines = [_COMPACTION, *lines, _DISARMING]
    lines += [f"{host}: has the same member as {first[told[host]['member']]}" for host in told if host not in order]
    everybody = dict.fromkeys(name for host in order for name in told[host]["members"])
    lines += [
        f"etcd/{name}: no host of this run has it, so it is left as it is" for name in everybody if name not in first
    ]
    return {
        "hosts": [] if refused else [host for host in order if told[host]["due"]],
        "lines": list(dict.fromkeys(lines)),
        "refused": refused,
        "nospace": nospace,
    }


def _refused(looks: t.Mapping[str, Result]) -> list[str]:
    reasons: list[str] = []
    for host, look in looks.items():
        if look.get("unreachable"):
            reasons.append(f"{host} does not answer: {look.get('msg', 'unreachable')}")
        elif not look.get("checks"):
            reasons.append(f"{host}: {look.get('msg', 'its member was not looked at. Run it without --limit')}")
        elif "msg" in look:
            failed = [check for check in look["checks"] if check["status"] == "fail"]
            reasons += [_sentence(check) for check in failed] or [f"{host}: {look['msg']}"]
    clusters = {look["cluster_id"]: host for host, look in looks.items() if look.get("cluster_id")}
    if len(clusters) > 1:
        of = " and ".join(sorted(clusters.values()))
        reasons.append(f"{of} have members of different clusters: name one with -e cluster=NAME")
    return list(dict.fromkeys(reasons))


def _sentence(check: Result) -> str:
    fix = f". Fix: {check['fix']}" if check["fix"] else ""
    return f"{check['name']}: {check['object']}: {check['evidence']}{fix}"
