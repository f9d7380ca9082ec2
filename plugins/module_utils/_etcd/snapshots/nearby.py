# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What somebody may have meant who asked a snapshot for a key that it does not have.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import difflib
import typing as t

from ..database import contents, layout
from ..database.bolt import Database
from ..database.objects import Group
from .snapshot import TRAILER

_MOST = 5
# So many are compared with what was asked for, which takes time.
_MOST_COMPARED = 2000


def keys(handle: int, size: int, wanted: t.Sequence[bytes]) -> str:
    """Keys that live in the same place, or elsewhere with the same name: those that look most like a wanted one."""
    directories = {key[: key.rfind(b"/") + 1] for key in wanted} - {b"", b"/"}
    names = {key[key.rfind(b"/") :] for key in wanted if b"/" in key}
    alike: dict[bytes, None] = {}
    beside: dict[bytes, None] = {}
    for key, tombstone in contents.keys(Database(handle, size - TRAILER)):
        slash = key.rfind(b"/")
        for kept, matches in ((alike, key[slash:] in names), (beside, key[: slash + 1] in directories)):
            if not matches:
                continue
            if tombstone:
                kept.pop(key, None)
            elif len(kept) < _MOST_COMPARED:
                kept[key] = None
    words = [layout.text(key) for key in (*alike, *beside)]
    near = [match for key in wanted for match in difflib.get_close_matches(layout.text(key), words, _MOST, 0.5)]
    return f"Near: {', '.join(dict.fromkeys(near[:_MOST]))}" if near else ""


def resources(groups: t.Iterable[Group], wanted: t.Sequence[bytes]) -> str:
    """Resources that are spelled like the one that was asked for, else all."""
    there = sorted({group.place.resource for group in groups if group.place.resource})
    asked = {layout.place(key).resource for key in wanted}
    plain = {resource.partition(".")[0] for resource in asked}
    near = [one for one in there if one.partition(".")[0] in plain - asked or one in asked]
    if not near:
        near = [match for one in asked for match in difflib.get_close_matches(one, there, _MOST, 0.5)]
    return f"There are objects of: {', '.join(near or there[:50]) or 'nothing'}"
