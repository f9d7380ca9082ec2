# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What etcd uses exchanged for what was restored, and back: two renames each, and nothing is ever deleted.

What is to be done follows from what is there. So whoever is killed between any two steps is continued by whoever comes
next, on the same way or on the way back:

                            member      prepared/   previous/         rejected/
    before                  old         new         not there
    on the way              -           new         old
    exchanged               new         -           old
    on the way back         -           -           old               new
    taken back              old         -           empty             new

A member whose disk was lost has no old data, and ``previous/nothing`` says so.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import typing as t

from ..._errors import MaintenanceError
from .. import disk
from .plan import Owner, Plan

# SELinux keeps its context there; a kernel without it knows no such attribute.
_CONTEXT = "security.selinux"
_NO_CONTEXT = (errno.ENODATA, errno.ENOTSUP)
_NOTHING = "nothing"


@dataclasses.dataclass(frozen=True)
class Tree:
    """What is there of a restore. ``began``: the first step of the exchange was done."""

    live: bool
    prepared: bool
    previous: bool
    rejected: bool
    began: bool

    @property
    def exchanged(self) -> bool:
        """etcd would start from what was restored."""
        return self.live and self.began and not self.prepared and not self.rejected

    @property
    def untouched(self) -> bool:
        """etcd would start from what it used before, or from nothing where it had nothing."""
        return not self.previous and not self.exchanged


def look(plan: Plan) -> Tree:
    there = os.path.lexists
    return Tree(
        live=there(plan.live),
        prepared=there(plan.prepared),
        previous=there(plan.previous),
        rejected=there(plan.rejected),
        began=os.path.isdir(os.path.dirname(plan.previous)),
    )


def forward(plan: Plan) -> None:
    """Let etcd start from what was restored. Nobody may use the data meanwhile."""
    tree = look(plan)
    if tree.exchanged:
        return
    if not tree.prepared:
        raise MaintenanceError(
            f"{plan.prepared}: what was restored is not there, and not what etcd would start from either. Nothing"
            " was renamed. Take this restore back (state rolled_back), and make a new one"
        )
    if tree.live and tree.previous:
        raise MaintenanceError(
            f"{plan.live}: is there, though what etcd used before is {plan.previous} already: somebody has started an"
            " etcd without data meanwhile. Nothing was renamed. Take this restore back (state rolled_back), which keeps"
            f" all of it below {plan.folder}"
        )
    _own(plan.prepared, plan.here.owner)
    _label(plan.prepared, plan.previous if tree.previous else plan.live)
    # With a name that etcd starts from, nobody would look after whose it is.
    disk.sync_tree(plan.prepared)
    _folder(plan.previous)
    _folder(plan.rejected)  # for the way back, which may find the disk full
    if tree.live:
        _rename(plan.live, plan.previous)
    elif not tree.previous:
        _folder(_nothing(plan))
    _rename(plan.prepared, plan.live)


def back(plan: Plan) -> None:
    """Let etcd start from what it used before. Nobody may use the data meanwhile."""
    tree = look(plan)
    if tree.untouched:
        return
    if not tree.previous and not os.path.isdir(os.path.dirname(_nothing(plan))):
        raise MaintenanceError(
            f"{plan.previous}: what etcd used before is not there any more, so there is no way back. Nothing was"
            " renamed. Restore a snapshot instead"
        )
    if tree.live:
        rejected = _unused(plan.rejected)
        _folder(rejected)
        _rename(plan.live, rejected)
    if tree.previous:
        _rename(plan.previous, plan.live)


def _nothing(plan: Plan) -> str:
    """In the folder that is there where this member had no data."""
    return os.path.join(os.path.dirname(plan.previous), _NOTHING, "member")


def _unused(path: str) -> str:
    """Where an etcd was started between the two renames, there is more than one to put aside."""
    folder, name = os.path.split(path)
    number, found = 2, path
    while os.path.lexists(found):
        found = os.path.join(f"{folder}-{number}", name)
        number += 1
    return found


def _folder(path: str) -> None:
    """That for a path."""
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.mkdir(folder, 0o700)
        disk.sync(os.path.dirname(folder))


def _rename(source: str, target: str) -> None:
    os.rename(source, target)
    for path in (target, source):
        disk.sync(os.path.dirname(path))


def _own(top: str, owner: Owner) -> None:
    """Who restored it was root."""
    for path in _below(top):
        found = os.lstat(path)
        if (found.st_uid, found.st_gid) != (owner.uid, owner.gid):
            os.chown(path, owner.uid, owner.gid, follow_symlinks=False)
    os.chmod(top, owner.mode)


def _label(top: str, before: str) -> None:
    """With the SELinux context that etcd could work with, which need not be what the policy has for the path."""
    contexts = [_context(before), _context(os.path.join(before, "snap", "db"))]
    for path in _below(top):
        context = contexts[0] if os.path.isdir(path) else contexts[1]
        if context is not None and _context(path) != context:
            os.setxattr(path, _CONTEXT, context, follow_symlinks=False)


def _context(path: str) -> t.Optional[bytes]:
    """None where there is none: no SELinux, or no data yet, and then a file has what its directory had."""
    try:
        return os.getxattr(path, _CONTEXT, follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _NO_CONTEXT:
            return None
        raise


def _below(top: str) -> t.Iterator[str]:
    for folder, _folders, files in os.walk(top):
        yield folder
        yield from (os.path.join(folder, name) for name in files)
