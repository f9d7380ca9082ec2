# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a restore on one member, in a file beside its data, where everything of the restore is.

Below the data directory, because only there it is certain to be the same filesystem, and etcd heeds nothing there but
``member``. Where the API is gone and etcd is stopped, this file is all that a run has to go on with.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import stat
import typing as t

from ..._errors import MaintenanceError
from .. import disk
from ..member import programs, state
from ..member.local_member import Access
from ..snapshots import store
from . import order
from .order import Order

SCHEMA = 1
FOLDER = "kubeops-restore"
_FILE = "plan.json"
_LONGEST = 1 << 20

# "-ing" is written before the act, the other after it: what was going on when a run was killed is known.
PREPARING, PREPARED = "preparing", "prepared"
STOPPING, STOPPED = "stopping", "stopped"
SWAPPING, SWAPPED = "swapping", "swapped"
STARTING, STARTED = "starting", "started"
# Committed: no renaming back any more. Finished: the API serves again, and every node knows. Superseded: it was only
# committed when another one was.
VERIFIED, COMMITTED, FINISHED, SUPERSEDED = "verified", "committed", "finished", "superseded"
FORWARD = (
    PREPARING,
    PREPARED,
    STOPPING,
    STOPPED,
    SWAPPING,
    SWAPPED,
    STARTING,
    STARTED,
    VERIFIED,
    COMMITTED,
    FINISHED,
    SUPERSEDED,
)
ROLLING_BACK, ROLLED_BACK = BACK = ("rolling_back", "rolled_back")
FINAL = (FINISHED, SUPERSEDED, ROLLED_BACK)

STATIC_POD, SYSTEMD = "static pod", "systemd"


def reached(phase: str, wanted: str) -> bool:
    """Whether ``phase`` is ``wanted`` or comes after it on the way forward. On the way back nothing is reached."""
    return phase in FORWARD and FORWARD.index(phase) >= FORWARD.index(wanted)


def begun(phase: str) -> bool:
    """Whether more than preparations were made: whatever was prepared alone can be thrown away."""
    return phase not in (PREPARING, PREPARED)


def settled(phase: str) -> bool:
    """Whether the member has what it stays with: what was restored, or what it had before."""
    return phase == ROLLED_BACK or reached(phase, COMMITTED)


def under_way(phase: str) -> bool:
    """Whether the member is on its way from the one data to the other, and nothing else may be begun."""
    return begun(phase) and not settled(phase)


@dataclasses.dataclass(frozen=True)
class Owner:
    """Of the data: numbers, and the permissions of the directory ``member``."""

    uid: int
    gid: int
    mode: int


@dataclasses.dataclass(frozen=True)
class Here:
    """What is known of this host's member also when nothing that starts it is in its place.

    ``source``: the manifest of its static pod, or its unit. ``listens``: URLs where it listens for clients and peers.
    """

    name: str
    data_dir: str
    peer_urls: tuple[str, ...]
    owner: Owner
    managed_by: str
    source: str
    access: Access
    listens: tuple[str, ...]

    def as_dict(self) -> dict[str, t.Any]:
        lists = {"peer_urls": list(self.peer_urls), "listens": list(self.listens)}
        return {**dataclasses.asdict(self), **lists}


@dataclasses.dataclass(frozen=True)
class Plan:
    """``at``: when each phase was reached."""

    order: Order
    here: Here
    phase: str
    at: t.Mapping[str, str]

    @property
    def id(self) -> str:
        return self.order.id

    @property
    def folder(self) -> str:
        return folder(self.here.data_dir, self.id)

    @property
    def live(self) -> str:
        """What etcd uses."""
        return os.path.join(self.here.data_dir, "member")

    @property
    def prepared(self) -> str:
        """What was restored, until it is exchanged."""
        return os.path.join(self.folder, "prepared", "member")

    @property
    def previous(self) -> str:
        """What etcd used before."""
        return os.path.join(self.folder, "previous", "member")

    @property
    def rejected(self) -> str:
        """What was restored, after it was taken out again."""
        return os.path.join(self.folder, "rejected", "member")

    def as_dict(self) -> dict[str, t.Any]:
        """As it stands in its file."""
        phases = {"phase": self.phase, "at": dict(self.at)}
        return {"schema": SCHEMA, **self.order.as_dict(), **self.here.as_dict(), **phases}


def folder(data_dir: str, identity: str) -> str:
    return os.path.join(data_dir, FOLDER, identity)


def enter(plan: Plan, phase: str) -> Plan:
    """Note a phase for good, and return the plan with it."""
    entered = dataclasses.replace(plan, phase=phase, at={**plan.at, phase: store.now()})
    text = json.dumps(entered.as_dict(), indent=2, sort_keys=True).encode() + b"\n"
    disk.rewrite(os.path.join(plan.folder, _FILE), text)
    return entered


def all_of(data_dir: str) -> list[Plan]:
    """Every plan beside the data, oldest first. Raise MaintenanceError where one cannot be read."""
    return [found for found in (read(data_dir, name) for name in folders(data_dir)) if found]


def unfinished(data_dir: str) -> t.Optional[Plan]:
    """The plan that is under way, else the newest that was only prepared, else the newest that is only committed."""
    open_ones = [one for one in all_of(data_dir) if one.phase not in FINAL]
    return max(open_ones, key=lambda one: (under_way(one.phase), not begun(one.phase), one.id), default=None)


def folders(data_dir: str) -> list[str]:
    """The ids of restores that there is something of, oldest first."""
    top = os.path.join(data_dir, FOLDER)
    with contextlib.suppress(FileNotFoundError):
        _check_guarded(top)
        return sorted(filter(order.ID.fullmatch, os.listdir(top)))
    return []


def read(data_dir: str, identity: str) -> t.Optional[Plan]:
    """None where there is none: a run may have been killed before it could write it, or after it removed it."""
    place = folder(data_dir, identity)
    path = os.path.join(place, _FILE)
    try:
        _check_guarded(os.path.dirname(place))
        _check_guarded(place)
        with open(path, "rb") as file:
            found = _parse(json.loads(file.read(_LONGEST)))
        if (found.id, os.path.normpath(found.here.data_dir)) != (identity, os.path.normpath(data_dir)):
            raise MaintenanceError(f"it is the plan of the restore {found.id} in {found.here.data_dir}")
        return found
    except FileNotFoundError:
        return None
    except (OSError, *state.MALFORMED, MaintenanceError) as error:
        told = getattr(error, "msg", error)
        raise MaintenanceError(
            f"{path}: cannot be read: {told}. It tells how far a restore of this member is: look at the folder"
            f" {place} before anything else is done to this member"
        ) from error


def _check_guarded(path: str) -> None:
    """The data directory is etcd's, whose user may put there what it likes. What a plan says is done as root."""
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or not programs.guarded(found):
        raise MaintenanceError(
            f"{path}: is no directory that only root can change, so nothing in it is believed. See who has made it, and"
            f" move it away; or, where it was root's and a chown of all that is etcd's has taken it: chown root {path}"
        )


def _parse(content: dict[str, t.Any]) -> Plan:
    if content["schema"] != SCHEMA:
        raise MaintenanceError(f"it has the schema {content['schema']}, known is {SCHEMA}")
    if content["phase"] not in (*FORWARD, *BACK):
        raise MaintenanceError(f"{content['phase']!r} is no phase")
    known = {one.name: content[one.name] for one in dataclasses.fields(Here)}
    known.update(peer_urls=tuple(content["peer_urls"]), listens=tuple(content["listens"]))
    known.update(owner=Owner(**content["owner"]), access=Access(**content["access"]))
    return Plan(order.parse(content), Here(**known), content["phase"], content["at"])
