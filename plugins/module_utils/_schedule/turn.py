# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One turn of the schedule on one member: it is this member's, or another member does it.

Each member asks the cluster and comes to the same answer by itself, see `choose`. The turn is the hour in which the
timer elapsed, so timers must not elapse early, late or at random.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import datetime
import os
import typing as t

from .._check import WARN
from .._errors import MaintenanceError
from .._etcd.archive import archive
from .._etcd.copies import rclone, remote
from .._etcd.drill import drill
from .._etcd.member import choose, topology, unit
from .._etcd.member.cluster import survey
from .._etcd.member.local_member import LocalMember
from .._etcd.snapshots import backup, store, upkeep
from .._etcd.snapshots.snapshot import Label
from .._etcd.snapshots.where import Where
from .._wait import Deadline, until
from . import commands
from .configuration import Configuration

Say = t.Callable[[str], None]
# A timer that missed its time while the machine was off elapses before etcd is up.
BOOT_SECONDS = 600


def check(settings: Configuration) -> None:
    """Raise MaintenanceError where no run could end well, before the first of them."""
    archive.prepare(_files(settings), settings.manifest_dir, "")
    if settings.remote:
        rclone.remote(settings.remote, settings.remote_config)


def take_snapshot(settings: Configuration, say: Say) -> None:
    local, common = _here(settings)
    if not _is_ours(local, "takes this turn's snapshot", say):
        return
    label = Label(settings.tier, "taken by the schedule")
    result = backup.run(backup.Request(label=label, files=_files(settings), timeout=settings.timeout, **common))
    _warn(result, say)
    taken = result["snapshot"]
    done = (
        f"took {taken['path']}: revision {taken['revision']}, {taken['live_keys']} keys, {taken['size']} bytes,"
        f" verified, {result['durations']['total']:.1f} s"
    )
    say(done)
    try:
        ended = [f"{os.path.basename(taken['path'])} is there and verified"]
        if settings.remote:
            ended.append(_copy(settings))
        # Nothing goes before what comes after it is safe.
        pruned = upkeep.prune(Where(**common), settings.keep)
    except MaintenanceError as error:
        raise MaintenanceError(f"{error.msg}. Before that it {done}", **error.data) from error
    for one in pruned["removed"]:
        say(f"deleted {one['name']}: {one['reason']}")
    say("; ".join([*ended, f"{len(pruned['removed'])} deleted, {len(pruned['kept'])} kept"]))


def _files(settings: Configuration) -> archive.Request:
    return archive.Request(settings.files, settings.recipients)


def hold_drill(settings: Configuration, say: Say) -> None:
    """With what lies here: a restore on the worst day is one of a member, too."""
    local, common = _here(settings)
    if not _is_ours(local, "holds this turn's drill", say):
        return
    if not any(store.described(settings.dir)):
        # Taken by the other members until now, which prove them.
        say(f"{settings.dir} has no snapshot yet, so there is nothing to prove")
        return
    result = drill.run(drill.Request(timeout=settings.timeout, **common))
    _warn(result, say)
    proven = result["snapshot"]
    say(
        f"{os.path.basename(proven['path'])} was restored with etcd {proven['proven']['etcd_version']} and is what it"
        f" was: proven in {proven['proven']['seconds']:.1f} s"
    )


def _here(settings: Configuration) -> tuple[LocalMember, dict[str, t.Any]]:
    """The member of this node, and what every request has."""
    shown = unit.show(commands.run)
    common = {
        "directory": settings.dir,
        "lock_timeout": settings.lock_timeout,
        "manifests": settings.manifest_dir,
        "unit": shown,
    }
    return topology.discover(settings.manifest_dir, shown), common


def _copy(settings: Configuration) -> str:
    """Of all snapshots that are not there yet, so that what an earlier run could not bring is made good."""
    result = remote.run(remote.Request(settings.dir, settings.remote, settings.remote_config))
    return f"{len(result['copied'])} copied to {result['to']} and read back"


def _is_ours(local: LocalMember, does: str, say: Say) -> bool:
    def ask() -> t.Optional[choose.Choice]:
        try:
            return choose.members(survey([local], compare=False), number)
        except MaintenanceError:
            if deadline.over:
                raise
            return None

    number = choose.turn(datetime.datetime.now(datetime.timezone.utc))
    deadline = Deadline(_patience(_uptime()))
    choice = until(ask, deadline, lambda: f"etcd/{local.name} did not answer")
    for check in choice.checks():
        say(f"{check.object} {check.evidence}")
    if not choice.members:
        reasons = "; ".join(f"{name} {why}" for name, why in choice.left_out.items())
        raise MaintenanceError(f"no member of etcd may take a snapshot, so none was taken: {reasons}")
    first = choice.members[0]
    if first != local.name:
        say(f"{first} {does}, {local.name} has nothing to do")
    return first == local.name


def _patience(uptime: float) -> float:
    return max(0.0, BOOT_SECONDS - uptime)


def _uptime() -> float:
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def _warn(result: t.Mapping[str, t.Any], say: Say) -> None:
    for check in result["checks"]:
        if check["status"] == WARN:
            say(f"{check['name']}: {check['object']}: {check['evidence']}. {check['fix']}")
