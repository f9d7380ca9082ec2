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
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import store

FORWARD, BACK = "forward", "back"
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
Plans = t.Mapping[str, t.Mapping[str, Info]]


@dataclasses.dataclass(frozen=True)
class Standing:
    """``plan``: of the restore that goes on, None for none. ``phases``: of each host, empty where it has no such plan.

    ``taken_back``: going back is what the user asks for. ``undoes``: the committed restore whose data from before is to
    be restored, for which a new restore begins.
    """

    plan: t.Optional[Info] = None
    direction: str = FORWARD
    phases: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    taken_back: bool = False
    undoes: str = ""
    reasons: t.Sequence[str] = ()

    @property
    def committed(self) -> bool:
        """Whether all members serve what was restored, and only the end is left: one was proven with all others."""
        return self.direction == FORWARD and _is_committed(self.phases.values())


def judge(infos: t.Mapping[str, Info], snapshot: str, undo: t.Union[bool, str], gone: t.Sequence[str] = ()) -> Standing:
    """``undo``: true for the restore that is under way, or the id of one. Of what was only prepared nothing goes on: it
    is made anew, with what is known now. ``gone``: names of members that will not come back.
    """
    standing = _judged(infos, snapshot, undo)
    if not standing.plan:
        return standing
    return dataclasses.replace(standing, reasons=[*standing.reasons, *_other_members(infos, standing, gone)])


def _judged(infos: t.Mapping[str, Info], snapshot: str, undo: t.Union[bool, str]) -> Standing:
    undo = _ON.get(str(undo).lower(), str(undo))
    plans = known(infos)
    if isinstance(undo, str):
        return _undone(infos, plans, undo)
    under_way = [identity for identity, those in plans.items() if _is_under_way(those)]
    if len(under_way) > 1:
        told = "; ".join(_told(identity, plans[identity]) for identity in under_way)
        return Standing(
            reasons=[f"several restores are unfinished: {told}. Name the one to take back: restore_undo=ID"]
        )
    if under_way:
        return _goes_on(infos, plans[under_way[0]], snapshot, undo)
    if undo:
        return _ended(infos, plans)
    waiting = _waiting(plans)
    if waiting and snapshot in (store.NEWEST, _snapshot(plans[waiting])):
        return _goes_on(infos, plans[waiting], snapshot, undo)
    return Standing(reasons=_mixed(plans))


def _goes_on(infos: t.Mapping[str, Info], those: t.Mapping[str, Info], snapshot: str, undo: bool) -> Standing:
    phases, one = _phases(infos, those), next(iter(those.values()))
    back = undo or any(phase in plan.BACK for phase in phases.values())
    told, reasons = _told(one["id"], those), []
    if back and _is_committed(phases.values()):
        turned = ", ".join(host for host, phase in phases.items() if phase in plan.BACK)
        first = (
            f"End going back on {turned} by hand (module etcd_restore, state {plan.ROLLED_BACK})"
            if turned
            else f"Go on with it (snapshot={_snapshot(those)})"
        )
        reasons.append(
            f"{told}. All do not go back by renaming any more. {first}; then restore_undo={one['id']} restores what was"
            " there before"
        )
    if not back and snapshot not in (store.NEWEST, _snapshot(those)):
        reasons.append(
            f"{told}. Go on with it (snapshot={_snapshot(those)}) or take it back (restore_undo=true) before another"
            " one is restored"
        )
    return Standing(one, BACK if back else FORWARD, phases, taken_back=undo, reasons=reasons)


def _undone(infos: t.Mapping[str, Info], plans: Plans, identity: str) -> Standing:
    """By renaming where it is not committed, else by a restore of what was there before."""
    those = plans.get(identity)
    if not those:
        return Standing(
            reasons=[f"there is no restore {identity} to undo. Restores here: {', '.join(plans) or 'none'}"]
        )
    others = [one for one in plans if one != identity and _is_under_way(plans[one])]
    if not _is_committed(_said(those)):
        return _taken_back(infos, plans, identity)
    going_on = [one for one in (*others, _waiting(plans)) if one and _undoes(plans[one]) == identity]
    if going_on:
        return _goes_on(infos, plans[going_on[0]], store.NEWEST, False)
    if _is_under_way(those):
        return _goes_on(infos, those, store.NEWEST, True)
    reasons = [
        f"{_told(one, plans[one])}. Go on with it (snapshot={_snapshot(plans[one])}) or take it back (restore_undo="
        f"{one}) before the restore {identity} is undone"
        for one in others
    ]
    return Standing(undoes=identity, reasons=reasons)


def _ended(infos: t.Mapping[str, Info], plans: Plans) -> Standing:
    """Of what is not under way there may be control planes that are still stopped: a run may have been killed before it
    stopped the first member, or after it brought back the last.
    """
    last = max(plans, default="")
    if not last or _is_committed(_said(plans[last])):
        return Standing(reasons=[_nothing_to_take_back(plans)])
    return _taken_back(infos, plans, last)


def _taken_back(infos: t.Mapping[str, Info], plans: Plans, identity: str) -> Standing:
    those = plans[identity]
    reasons = []
    later = [one for one in plans if one > identity and any(plan.begun(it["phase"]) for it in plans[one].values())]
    later = [one for one in later if any(it["phase"] != plan.ROLLED_BACK for it in plans[one].values())]
    if later:
        reasons.append(f"after the restore {identity} came {', '.join(later)}. Undo the last one first")
    return Standing(next(iter(those.values())), BACK, _phases(infos, those), taken_back=True, reasons=reasons)


def known(infos: t.Mapping[str, Info]) -> Plans:
    """id -> host -> its plan, the oldest restore first."""
    found: dict[str, dict[str, Info]] = {}
    for host, info in infos.items():
        for one in (*info["restores"], info["unfinished"]):
            if one:
                found.setdefault(one["id"], {})[host] = one
    return dict(sorted(found.items()))


def _is_under_way(those: t.Mapping[str, Info]) -> bool:
    """Whether it was begun, and some host is not where a restore ends or is committed: nothing else may begin."""
    phases = _said(those)
    return any(map(plan.begun, phases)) and not all(map(plan.settled, phases))


def _is_committed(phases: t.Iterable[str]) -> bool:
    return any(plan.reached(phase, plan.COMMITTED) for phase in phases)


def _committed(plans: Plans) -> list[str]:
    return [identity for identity, those in plans.items() if _is_committed(_said(those))]


def _waiting(plans: Plans) -> str:
    """The last restore that was committed, where it was not finished on all hosts. Empty where there is none."""
    committed = _committed(plans)
    last = plans[committed[-1]] if committed else {}
    waits = plan.COMMITTED in _said(last) and all(plan.reached(phase, plan.COMMITTED) for phase in _said(last))
    return committed[-1] if waits else ""


def _nothing_to_take_back(plans: Plans) -> str:
    committed = _committed(plans)
    if not committed:
        return "there is no unfinished restore to take back"
    return (
        f"there is no restore to take back, for {_told(committed[-1], plans[committed[-1]])}."
        f" restore_undo={committed[-1]} restores what was there before it, and what was written since is lost"
    )


def _mixed(plans: Plans) -> list[str]:
    """Of the last restore: hosts that are done with it, and not in the same way, are no one cluster."""
    begun = [identity for identity, those in plans.items() if any(map(plan.begun, _said(those)))]
    those = plans[begun[-1]] if begun else {}
    if plan.ROLLED_BACK not in _said(those) or not _is_committed(_said(those)):
        return []
    return [
        f"{_told(begun[-1], those)}: these are no one cluster. restore_undo={begun[-1]} restores on all of them what"
        " was there before, and what was written since it was committed is lost"
    ]


def _said(those: t.Mapping[str, Info]) -> list[str]:
    return [str(one["phase"]) for one in those.values()]


def _snapshot(those: t.Mapping[str, Info]) -> str:
    return str(next(iter(those.values()))["snapshot"]["name"])


def _undoes(those: t.Mapping[str, Info]) -> str:
    return str(next(iter(those.values())).get("undoes") or "")


def _phases(infos: t.Mapping[str, Info], those: t.Mapping[str, Info]) -> dict[str, str]:
    return {host: str(those[host]["phase"]) if host in those else "" for host in infos}


def _other_members(infos: t.Mapping[str, Info], standing: Standing, gone: t.Sequence[str]) -> list[str]:
    """It goes on with the members that it began with. Without those that are ``gone`` it may go back, or end where it
    was proven with all of them; what goes forward needs them all.
    """
    one = t.cast(Info, standing.plan)
    began, now = {member["name"] for member in one["members"]}, {info["member"]["name"] for info in infos.values()}
    may_miss = standing.direction == BACK or standing.committed
    if now <= began and began - now <= ({*gone} if may_miss else set()):
        return []
    told = (
        f"the restore {one['id']} is of the members {', '.join(sorted(began))}, this run has {', '.join(sorted(now))}."
        " Run it with the hosts of those"
    )
    if now <= began:
        missing = ", ".join(sorted(began - now))
        instead = "" if may_miss else ", and take it back (restore_undo=true)"
        told += f"; or, where {missing} is gone for good, name it in restore_gone{instead}"
    return [told]


def _told(identity: str, those: t.Mapping[str, Info]) -> str:
    phases = ", ".join(f"{one['phase']} on {host}" for host, one in those.items())
    return f"the restore {identity} of {_snapshot(those)} is {phases}"
