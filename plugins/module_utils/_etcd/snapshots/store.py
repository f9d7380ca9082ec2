# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directory of snapshots: how they are called, what goes with them, and what their sidecars say.

A snapshot gets its own name after its sidecar has got its: whatever is called ``.db`` here is whole, verified and
described.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import os
import re
import stat
import typing as t
import uuid

from ..._errors import MaintenanceError
from .. import disk
from . import sidecars

# Instead of a name.
NEWEST = "newest"
TIERS = ("hourly", "daily", "weekly", "monthly", "pre-upgrade", "manual")
_STEM = r"etcd-(?P<member>[A-Za-z0-9][A-Za-z0-9._-]*)-(?P<time>\d{8}T\d{6}\.\d{3}Z)-(?P<tier>" + "|".join(TIERS) + ")"
_SNAPSHOT = re.compile(_STEM + r"-rev(?P<revision>\d+)\.db")
_ARCHIVE = r"(\.control-plane)?\.files\.(age|cms|tar)"
# etcdctl, which is given a name that ends in .part, puts another after it.
_PART = re.compile(_STEM + rf"(-rev\d+)?\.db(\.json|\.part|{_ARCHIVE})?\.part")
# A save has no revision in the name of what it writes; what is brought from another place has.
_ARRIVING = re.compile(_STEM + rf"-rev\d+\.db({_ARCHIVE})?\.part")
_DRILL = re.compile(r"drill-(?P<member>[A-Za-z0-9][A-Za-z0-9._-]*)-[0-9a-f]{32}\.part")
# How archives of files are called, by what they are encrypted with; and by the field of the sidecar that describes one:
# that of the node that has the member, and that of a control plane where the node is none.
_FILES = (".files.age", ".files.cms", ".files.tar")
ARCHIVES = {"archive": _FILES, "control_plane_archive": tuple(f".control-plane{end}" for end in _FILES)}
_ENDS = (*ARCHIVES["archive"], *ARCHIVES["control_plane_archive"], ".json")
_LONGEST_SIDECAR = 1 << 20
# By so much the clocks of hosts may differ.
_SKEW = datetime.timedelta(hours=1)


def timestamp(when: datetime.datetime) -> str:
    """``2026-11-20T10:11:12.345Z``: UTC, as it stands in sidecars and, without its colons and dashes, in names."""
    return when.astimezone(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def now() -> str:
    return timestamp(datetime.datetime.now(datetime.timezone.utc))


def time_of(sidecar: t.Mapping[str, t.Any]) -> datetime.datetime:
    """When the snapshot was taken. ValueError where the sidecar does not say it."""
    found = datetime.datetime.fromisoformat(str(sidecar.get("started")).replace("Z", "+00:00"))
    if found.tzinfo is None:
        raise ValueError(f"{found} without a time zone")
    return found


def is_future(when: datetime.datetime) -> bool:
    """From a time when the clock was ahead. As the newest it would stand for all that are newer, until that time."""
    return when > _latest()


def _latest() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc) + _SKEW


def cluster(sidecar: t.Mapping[str, t.Any]) -> str:
    """Which cluster it is of. A restore gives a cluster of etcd a new id; of Kubernetes it is the same as before."""
    return str(sidecar.get("kube_system_uid") or sidecar.get("cluster_id"))


def name(member: str, when: datetime.datetime, tier: str, revision: int | None = None) -> str:
    """A snapshot's file name; without a revision that of the file it is written to."""
    stem = f"etcd-{member}-{_in_name(when)}-{tier}"
    return f"{stem}.db.part" if revision is None else f"{stem}-rev{revision}.db"


def _in_name(when: datetime.datetime) -> str:
    return re.sub("[-:]", "", timestamp(when))


def is_snapshot(entry: str) -> bool:
    """Whether a finished snapshot may be called so."""
    return bool(_match(_SNAPSHOT, entry))


def sidecar(snapshot: str) -> str:
    return f"{snapshot}.json"


def companions(snapshot: str) -> list[str]:
    """The files that go wherever a snapshot goes, those that are there. The sidecar is the last, to be copied and to be
    deleted: what it describes is whole as long as it is there.
    """
    return [path for path in beside(snapshot) if os.path.lexists(path)]


def beside(snapshot: str) -> list[str]:
    """The files that may go with it."""
    return [f"{snapshot}{end}" for end in _ENDS]


def note(snapshot: str, noted: t.Mapping[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    """Write into a snapshot's sidecar what has become of it since. ``noted``: what it says so far."""
    content = {**noted, **fields}
    disk.rewrite(sidecar(snapshot), as_text(content))
    return content


def as_text(noted: t.Mapping[str, t.Any]) -> bytes:
    """A sidecar as it stands in its file."""
    return json.dumps(dict(noted), indent=2, sort_keys=True).encode() + b"\n"


def check_directory(directory: str) -> None:
    """A snapshot holds all Secrets of a cluster: refuse a place where everybody could exchange it for another."""
    if not os.path.isabs(directory):
        raise MaintenanceError(f"{directory or 'the empty name of a directory'}: is no absolute path")
    if os.path.lexists(directory) and not os.path.isdir(directory):
        raise MaintenanceError(f"{directory}: is no directory. Choose another")
    mode = os.stat(directory).st_mode if os.path.isdir(directory) else 0
    if mode & 0o002:
        # /tmp and the like are meant for everybody, and have to stay so.
        or_close_it = "" if mode & stat.S_ISVTX else f", or: chmod 0700 {directory}"
        raise MaintenanceError(f"{directory}: everybody may write to it. Choose another{or_close_it}")


def leftovers(directory: str, member: str) -> list[str]:
    """The unfinished files that killed runs of this member have left."""
    return [os.path.join(directory, entry) for entry in _entries(directory) if _ours(_PART, entry, member)]


def drill_folder(directory: str, member: str) -> str:
    """A folder for one drill, which is not made here."""
    return os.path.join(directory, f"drill-{member}-{uuid.uuid4().hex}.part")


def drill_folders(directory: str, member: str) -> list[str]:
    """Those that killed drills of this member have left."""
    found = [os.path.join(directory, entry) for entry in _entries(directory) if _ours(_DRILL, entry, member)]
    return [path for path in found if os.path.isdir(path) and not os.path.islink(path)]


def abandoned(directory: str, before: float) -> list[str]:
    """The unfinished files of snapshots that were brought from another place and got no more since then."""
    paths = [os.path.join(directory, entry) for entry in _entries(directory) if _match(_ARRIVING, entry)]
    return [path for path in paths if os.lstat(path).st_mtime < before]


def described(directory: str, member: str = "") -> t.Iterator[tuple[str, dict[str, t.Any]]]:
    """Each finished snapshot of a member, or of all, with its sidecar, newest first. Those from the future are last."""
    names = [entry for entry in _entries(directory) if _ours(_SNAPSHOT, entry, member)]
    latest = _in_name(_latest())

    def age(entry: str) -> tuple[bool, str]:
        when = _match(_SNAPSHOT, entry)["time"]
        return when <= latest, when

    for entry in sorted(names, key=age, reverse=True):
        path = os.path.join(directory, entry)
        content = description(path)
        if content:
            yield path, content


def named(directory: str, names: t.Sequence[str], done: str = "", tier: str = "") -> list[tuple[str, dict[str, t.Any]]]:
    """As `described`, those alone that are named, all where none is. Raise MaintenanceError that says what there is.

    ``done``: what does not happen then, such as "nothing was copied". ``tier``: none of another one counts.
    """
    found = [one for one in described(directory) if tier in ("", one[1].get("tier"))]
    known = [os.path.basename(path) for path, _sidecar in found]
    missing = [name for name in names if name not in known]
    if missing:
        what = f"{tier} snapshot" if tier else "snapshot"
        so = f", so {done}" if done else ""
        raise MaintenanceError(
            f"{directory}: there is no {what} {', '.join(missing)} with a sidecar{so}."
            f" There: {', '.join(known) or 'none'}"
        )
    return [one for one, name in zip(found, known) if not names or name in names]


def description(snapshot: str) -> dict[str, t.Any]:
    """What a snapshot's sidecar says, nothing where it has none that can be read."""
    with (
        contextlib.suppress(OSError, ValueError, RecursionError),
        open(sidecar(snapshot), "rb", opener=_opener) as file,
    ):
        content = json.loads(file.read(_LONGEST_SIDECAR))
        if sidecars.is_one(content):
            return t.cast(dict[str, t.Any], content)
    return {}


def _opener(path: str, flags: int) -> int:
    """A pipe of that name would be waited for without end."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def orphans(directory: str, before: float = math.inf) -> list[str]:
    """What went with snapshots that were deleted by a run that was killed in between, and was not written since."""
    entries = set(_entries(directory))
    snapshots = sorted({entry[: -len(end)] for entry in entries for end in _ENDS if entry.endswith(end)})
    lost = [one for one in snapshots if _match(_SNAPSHOT, one) and one not in entries]
    found = [path for one in lost for path in companions(os.path.join(directory, one))]
    return [path for path in found if os.lstat(path).st_mtime < before]


def _entries(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except FileNotFoundError:
        return []


def _match(pattern: re.Pattern[str], entry: str) -> dict[str, str]:
    found = pattern.fullmatch(entry)
    return found.groupdict() if found else {}


def _ours(pattern: re.Pattern[str], entry: str, member: str) -> bool:
    found = _match(pattern, entry)
    return bool(found) and member in ("", found["member"])
