# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the restores of a cluster stand, from the plans on its hosts: which one goes on, and in which direction.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan

FORWARD, BACK = "forward", "back"
_NEWEST = "newest"
_ON = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
    "": False,
}
Info = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Standing:
    """``plan``: of the restore that goes on, None for none. ``phases``: of each host, empty where it has no such plan.

    ``after_commit``: also what is committed is taken back.
    """

    plan: t.Optional[Info] = None
    direction: str = FORWARD
    phases: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    after_commit: bool = False
    reasons: t.Sequence[str] = ()

    @property
    def committed(self) -> bool:
        """Whether all members serve what was restored, and only the end is left: one was proven with all others."""
        return self.direction == FORWARD and _is_committed(self.phases.values())


def judge(infos: t.Mapping[str, Info], snapshot: str, undo: t.Union[bool, str]) -> Standing:
    """``undo``: true for the restore that is unfinished, or the id of one. Of what was only prepared nothing goes on:
    it is made anew, with what is known now.
    """
    undo = _ON.get(str(undo).lower(), str(undo))
    plans = _plans(infos)
    if isinstance(undo, str):
        return _taken_back(infos, plans, undo)
    going_on = [identity for identity in plans if _is_open(plans[identity])]
    if len(going_on) > 1:
        told = "; ".join(_told(identity, plans[identity]) for identity in going_on)
        return Standing(
            reasons=[f"several restores are unfinished: {told}. Name the one to take back: restore_undo=ID"]
        )
    if not going_on:
        return Standing(reasons=["there is no unfinished restore to take back"] if undo else _mixed(plans))
    return _goes_on(infos, plans, going_on[0], snapshot, undo)


def _goes_on(
    infos: t.Mapping[str, Info], plans: t.Mapping[str, t.Mapping[str, Info]], identity: str, snapshot: str, undo: bool
) -> Standing:
    those = plans[identity]
    phases = _phases(infos, those)
    one = next(iter(those.values()))
    back = undo or any(phase in plan.BACK for phase in phases.values())
    reasons = _other_members(infos, one)
    if back and _is_committed(phases.values()):
        reasons.append(
            f"{_told(identity, those)}. It has no way back without loss: restore_undo={identity} takes it back, and"
            " what was written since it was committed is lost"
        )
    if not back and snapshot not in (_NEWEST, one["snapshot"]["name"]):
        reasons.append(
            f"{_told(identity, those)}. Go on with it (snapshot={one['snapshot']['name']}) or take it back"
            " (restore_undo=true) before another one is restored"
        )
    return Standing(one, BACK if back else FORWARD, phases, reasons=reasons)


def _taken_back(infos: t.Mapping[str, Info], plans: t.Mapping[str, t.Mapping[str, Info]], identity: str) -> Standing:
    those = plans.get(identity)
    if not those:
        known = ", ".join(plans) or "none"
        return Standing(reasons=[f"there is no restore {identity} to take back. Restores here: {known}"])
    if not any(plan.begun(one["phase"]) for one in those.values()):
        return Standing(reasons=[f"{_told(identity, those)}: nothing was changed, so there is nothing to take back"])
    reasons = _other_members(infos, next(iter(those.values())))
    later = [one for one in plans if one > identity and any(plan.begun(it["phase"]) for it in plans[one].values())]
    later = [one for one in later if any(it["phase"] != plan.ROLLED_BACK for it in plans[one].values())]
    if later:
        reasons.append(f"after the restore {identity} came {', '.join(later)}. Take the last one back first")
    phases = _phases(infos, those)
    return Standing(next(iter(those.values())), BACK, phases, _is_committed(phases.values()), reasons)


def _plans(infos: t.Mapping[str, Info]) -> dict[str, dict[str, Info]]:
    """id -> host -> its plan, the oldest restore first."""
    found: dict[str, dict[str, Info]] = {}
    for host, info in infos.items():
        for one in (*info["restores"], info["unfinished"]):
            if one:
                found.setdefault(one["id"], {})[host] = one
    return dict(sorted(found.items()))


def _is_open(those: t.Mapping[str, Info]) -> bool:
    """Whether it was begun, and some host is not done with it."""
    phases = {one["phase"] for one in those.values()}
    return any(map(plan.begun, phases)) and not phases <= set(plan.FINAL)


def _is_committed(phases: t.Iterable[str]) -> bool:
    return any(plan.reached(phase, plan.COMMITTED) for phase in phases)


def _mixed(plans: t.Mapping[str, t.Mapping[str, Info]]) -> list[str]:
    """Of the last restore: hosts that are done with it, and not in the same way, are no one cluster."""
    begun = [identity for identity, those in plans.items() if any(plan.begun(one["phase"]) for one in those.values())]
    those = plans[begun[-1]] if begun else {}
    if len({one["phase"] for one in those.values()}) < 2:
        return []
    return [
        f"{_told(begun[-1], those)}. Take all of it back first: restore_undo={begun[-1]}. What was written since it was"
        " committed is lost then"
    ]


def _phases(infos: t.Mapping[str, Info], those: t.Mapping[str, Info]) -> dict[str, str]:
    return {host: str(those[host]["phase"]) if host in those else "" for host in infos}


def _other_members(infos: t.Mapping[str, Info], one: Info) -> list[str]:
    """It goes on with the members that it began with."""
    began, now = {member["name"] for member in one["members"]}, {info["member"]["name"] for info in infos.values()}
    if began == now:
        return []
    return [
        f"the restore {one['id']} is of the members {', '.join(sorted(began))}, this run has {', '.join(sorted(now))}."
        " Run it with the hosts of those"
    ]


def _told(identity: str, those: t.Mapping[str, Info]) -> str:
    name = next(iter(those.values()))["snapshot"]["name"]
    phases = ", ".join(f"{one['phase']} on {host}" for host, one in those.items())
    return f"the restore {identity} of {name} is {phases}"
