# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which objects came, went and changed between two snapshots.

An object has changed where its last row is another one: revision, value or lease. Of each row is kept a hash of it, of
its key, and what it is an object of: 28 bytes. Names are read in a second pass, of the few that are told.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import array
import bisect
import os
import typing as t

from ..._columns import aligned
from ..database import contents, layout
from ..database.bolt import Database
from ..database.layout import Place
from ..database.objects import MADE_UP, Latest, Places
from . import snapshot

ADDED, REMOVED, CHANGED = KINDS = ("added", "removed", "changed")
HEADINGS = ("resource", "namespace", *KINDS)
_HASH = (1 << 64) - 1
# kind -> the first names, by resource and namespace.
Names = dict[str, dict[int, list[str]]]


class Rows:
    """What is kept of a snapshot's rows, by their number."""

    def __init__(self, places: Places) -> None:
        self.latest = Latest()
        self.hashes = array.array("Q")
        self.places = array.array("I")
        self._places = places

    def visit(self, _revision: int, key: bytes, row: bytes, tombstone: bool) -> None:
        self.latest.add(key, tombstone, len(self.hashes))
        self.hashes.append(hash(row) & _HASH)
        self.places.append(0 if tombstone else self._places.number(key))


class Differences:
    """``counts``: of each place and kind. ``old`` and ``new``: by row, the number of the kind that it is an example of,
    counted from 1.
    """

    def __init__(self, before: Rows, after: Rows) -> None:
        self.counts: dict[int, list[int]] = {}
        self.old, self.new = bytearray(len(before.hashes)), bytearray(len(after.hashes))
        for there, now in zip(before.latest.parts(), after.latest.parts()):
            for mark, row in there.items():
                match = now.pop(mark, None)
                if match is None:
                    self._add(before, self.old, row, REMOVED)
                elif before.hashes[row] != after.hashes[match]:
                    self._add(after, self.new, match, CHANGED)
            for row in now.values():
                self._add(after, self.new, row, ADDED)

    def forget(self, places: t.Iterable[int]) -> None:
        for one in places:
            self.counts.pop(one, None)

    def _add(self, rows: Rows, examples: bytearray, row: int, kind: str) -> None:
        number = KINDS.index(kind)
        self.counts.setdefault(rows.places[row], [0] * len(KINDS))[number] += 1
        examples[row] = number + 1


def compare(before: str, after: str, most: int, raw: bool = False) -> dict[str, t.Any]:
    """Two files, verified, then compared. At most ``most`` names of each kind are told of a resource in a namespace.

    ``raw``: the first one is no snapshot but the database of a member that is stopped.
    """
    places = Places(namespaces=True)
    old, new = Rows(places), Rows(places)
    with snapshot.opened(before) as there, snapshot.opened(after) as now:
        with snapshot.naming(before):
            facts_before = _raw(there, old.visit) if raw else snapshot.check(there, visit=old.visit)
        with snapshot.naming(after):
            facts_after = snapshot.check(now, visit=new.visit)
        found = Differences(old, new)
        found.forget(place for place, (what, _encryption) in enumerate(places.all) if what == MADE_UP)
        names: Names = {kind: {} for kind in KINDS}
        with snapshot.naming(before):
            _read_names(_database(there, facts_before, raw), old, found.old, most, names)
        with snapshot.naming(after):
            _read_names(_database(now, facts_after), new, found.new, most, names)
    return {
        "from": _told(before, facts_before),
        "to": _told(after, facts_after),
        "same_cluster": _same(facts_before.contents.kube_system_uid, facts_after.contents.kube_system_uid),
        **{kind: sum(counts[number] for counts in found.counts.values()) for number, kind in enumerate(KINDS)},
        "resources": sorted(
            (_entry(places.all[place][0], place, counts, names) for place, counts in found.counts.items()),
            key=lambda one: (one["resource"], one["namespace"]),
        ),
    }


def _raw(handle: int, visit: contents.Visitor) -> snapshot.Facts:
    """Nothing tells its checksum; its structure is checked as a snapshot's is."""
    return snapshot.Facts(os.fstat(handle).st_size, "", contents.read(Database(handle), visit=visit))


def _database(handle: int, facts: snapshot.Facts, raw: bool = False) -> Database:
    return Database(handle, None if raw else facts.size - snapshot.TRAILER)


def _read_names(database: Database, rows: Rows, examples: bytearray, most: int, names: Names) -> None:
    for number, (key, _tombstone) in enumerate(contents.keys(database)):
        if examples[number]:
            known = names[KINDS[examples[number] - 1]].setdefault(rows.places[number], [])
            bisect.insort(known, layout.name(key))
            del known[most:]


def _entry(place: Place, number: int, counts: t.Sequence[int], names: Names) -> dict[str, t.Any]:
    listed = {f"{kind}_names": names[kind].get(number, []) for kind in KINDS}
    return {**place._asdict(), **dict(zip(KINDS, counts)), **listed}


def _told(path: str, facts: snapshot.Facts) -> dict[str, t.Any]:
    found = facts.contents
    return {"path": path, "revision": found.revision, "keys": found.keys, "kube_system_uid": found.kube_system_uid}


def _same(before: str, after: str) -> t.Optional[bool]:
    return before == after if before and after else None


def sentences(found: t.Mapping[str, t.Any]) -> list[str]:
    """The comparison as lines to print."""
    before, after = found["from"], found["to"]
    lines = [
        f"from {before['path']} (revision {before['revision']}, {before['keys']} keys)",
        f"to   {after['path']} (revision {after['revision']}, {after['keys']} keys)",
    ]
    if found["same_cluster"] is False:
        lines.append("THESE ARE DIFFERENT CLUSTERS: their namespaces kube-system have different UIDs")
    elif after["revision"] < before["revision"]:
        lines.append("the second one is the older one: what it lacks is told as removed")
    if not found["resources"]:
        return [*lines, "they hold the same objects"]
    lines.append(f"{found['added']} objects added, {found['removed']} removed, {found['changed']} changed")
    table = [
        (one["resource"], one["namespace"] or "-", *(str(one[kind]) for kind in KINDS)) for one in found["resources"]
    ]
    lines += aligned([HEADINGS, *table])
    for one in found["resources"]:
        where = f"{one['resource']}{' in ' + one['namespace'] if one['namespace'] else ''}"
        for kind in (ADDED, REMOVED):
            if one[f"{kind}_names"]:
                lines.append(f"{kind}: {where}: {_listed(one[f'{kind}_names'], one[kind])}")
    return lines


def _listed(names: t.Sequence[str], number: int) -> str:
    return ", ".join(names) + (f" and {number - len(names)} more" if number > len(names) else "")
