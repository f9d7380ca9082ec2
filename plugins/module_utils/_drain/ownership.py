# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who holds a node: the annotation that says it, and what to patch when a node is taken into work or given back.

Only what was done here is undone: a cordon that was there before stays, and so does the work of another owner.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from .._errors import MaintenanceError

ANNOTATION = "kubeops.maintenance/work"
# Bytes of a baseline. The API takes 256 KiB for all annotations of an object, and others write some, too.
LARGEST_BASELINE = 64 * 1024

Node = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Work:
    owner: str
    run: str = ""
    target: str = ""
    reason: str = ""
    since: str = ""
    unschedulable_before: bool = False
    # It takes pods again, only a proof is still to come: what was cordoned since then was cordoned by somebody else.
    given_back: bool = False
    # How the cluster was before the work began, so that whoever goes on with it does not take its damage for that.
    baseline: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    def as_text(self) -> str:
        return _text(self.as_dict())

    def sentence(self) -> str:
        said = ((self.run, "run {0}"), (self.since, "since {0}"), (self.reason, "reason: {0}"))
        details = ", ".join(
            [text.format(value) for value, text in said if value]
            + ["given back, its proof is still to come"] * self.given_back
        )
        return f"{self.owner} ({details})" if details else self.owner


def storable(work: Work) -> tuple[Work, str]:
    """The work as an annotation can hold it, and a warning where something is missing then."""
    size = len(_text(work.baseline))
    if size <= LARGEST_BASELINE:
        return work, ""
    return dataclasses.replace(work, baseline={}), (
        f"baseline has {size} bytes as text and is not kept on the node, which takes {LARGEST_BASELINE}: a later run"
        " that goes on with this work takes a new one, and what is ill by then counts as ill before"
    )


@dataclasses.dataclass(frozen=True)
class Change:
    """What to do with a node: ``patch``, None where it is already so. The others describe the node after it.

    ``mine``: the work is the caller's. ``only_run``: nothing but the name of the run is different.
    """

    patch: dict[str, t.Any] | None
    action: str
    result: str
    unschedulable: bool
    work: Work | None
    hint: str = ""
    mine: bool = False
    only_run: bool = False

    def state(self) -> dict[str, t.Any]:
        return state(self.unschedulable, self.work)


def state(unschedulable: bool, work: Work | None) -> dict[str, t.Any]:
    return {"unschedulable": unschedulable, "work": work.as_dict() if work else None}


def is_unschedulable(node: Node) -> bool:
    return bool((node.get("spec") or {}).get("unschedulable"))


def work_of(node: Node) -> Work | None:
    """What cannot be read belongs to somebody else: an owner whose name nobody has."""
    text = (node["metadata"].get("annotations") or {}).get(ANNOTATION)
    if text is None:
        return None
    try:
        said = json.loads(text)
        known = {field.name for field in dataclasses.fields(Work)}
        work = Work(**{name: value for name, value in said.items() if name in known})
    except (AttributeError, TypeError, ValueError):
        return Work(owner=f"an unreadable annotation {ANNOTATION}={text[:80]!r}")
    baseline = work.baseline if isinstance(work.baseline, dict) else {}
    before, given_back = work.unschedulable_before is True, work.given_back is True
    return dataclasses.replace(work, unschedulable_before=before, given_back=given_back, baseline=baseline)


def is_held(node: Node, owner: str) -> bool:
    """Cordoned, in work of ``owner``."""
    work = work_of(node)
    return bool(work and work.owner == owner and not work.given_back and is_unschedulable(node))


def claim(node: Node, me: Work) -> Change:
    """Cordon the node in the name of ``me``, or raise where another owner has it in work.

    A work of the same owner is taken over: it goes on under the new run, and what was before it stays known. Only one
    that was given back and is for something else now begins anew: what its cluster was like says nothing of this one.
    """
    name = node["metadata"]["name"]
    cordoned, old = is_unschedulable(node), work_of(node)
    if old and old.owner != me.owner:
        raise MaintenanceError(
            f"node {name} is in work of {old.sentence()}. It was not touched. Finish that work first, or give the node"
            " back with state=uncordon and force_uncordon=true when nobody works on it any more"
        )
    if old and not (old.given_back and _is_another(old, me)):
        work = dataclasses.replace(
            me,
            run=me.run or old.run,
            target=me.target or old.target,
            reason=me.reason or old.reason,
            since=old.since,
            unschedulable_before=cordoned if old.given_back else old.unschedulable_before,
            baseline=old.baseline or me.baseline,
        )
    else:
        work = dataclasses.replace(me, unschedulable_before=cordoned)
    result = f"node {name} {'already ' if cordoned else ''}marked unschedulable."
    if cordoned and work == old:
        return Change(None, "", result, True, work, mine=True)
    action = f"mark node {name} as in work of {work.owner}" if cordoned else f"cordon node {name}"
    only_run = cordoned and old is not None and dataclasses.replace(work, run=old.run) == old
    return Change(_patch(node, True, work), action, result, True, work, mine=True, only_run=only_run)


def _is_another(old: Work, me: Work) -> bool:
    """What ``me`` does not say is no difference."""
    return me.target not in ("", old.target) or me.reason not in ("", old.reason)


def release(node: Node, owner: str, force: bool, keep_work: bool = False) -> Change:
    """Undo the cordon of ``owner``; with ``force`` anybody's.

    ``keep_work``: the owner's annotation stays until a second release, so that whoever goes on finds the baseline.
    """
    name = node["metadata"]["name"]
    cordoned, work = is_unschedulable(node), work_of(node)
    if work and work.owner != owner and not force:
        hint = f"node {name} is in work of {work.sentence()} and stays as it is; force_uncordon=true gives it back"
        return Change(None, "", hint + ".", cordoned, work, hint)
    if not work and not cordoned:
        return Change(None, "", f"node {name} already marked schedulable.", False, None)
    if not work and not force:
        hint = f"node {name} was cordoned by somebody else and stays as it is; force_uncordon=true lifts that cordon"
        return Change(None, "", hint + ".", True, None, hint)
    given_back = work is not None and work.given_back
    before = work is not None and work.unschedulable_before
    stays = cordoned and not force and (before or given_back)
    kept = dataclasses.replace(work, given_back=True) if work and keep_work and work.owner == owner else None
    if given_back and (stays or not cordoned):
        if kept:
            return Change(None, "", f"node {name} already given back.", stays, kept)
        action, result = f"end the work on node {name}", f"the work of {owner} on node {name} is done."
    elif stays:
        action = f"give node {name} back" if kept else f"end the work on node {name}"
        result = f"node {name} was unschedulable before the work of {owner} and stays so."
    else:
        action, result = f"uncordon node {name}", f"node {name} marked schedulable."
    return Change(_patch(node, stays, kept), action, result, stays, kept)


def _text(said: t.Mapping[str, t.Any]) -> str:
    return json.dumps(said, separators=(",", ":"))


def _patch(node: Node, unschedulable: bool, work: Work | None) -> dict[str, t.Any]:
    """A merge patch for exactly the node that was read: when somebody else was faster, the API refuses it."""
    return {
        "metadata": {
            "resourceVersion": node["metadata"].get("resourceVersion"),
            "annotations": {ANNOTATION: work.as_text() if work else None},
        },
        "spec": {"unschedulable": unschedulable or None},
    }
