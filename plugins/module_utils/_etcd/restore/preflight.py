# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore needs on this member, looked at before anything is written.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ... import _static_pod
from ..._check import Check
from ..._errors import MaintenanceError
from .. import disk
from ..archive import control_plane, encryption_config
from ..drill import drill_checks
from ..member import programs
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import LocalMember
from ..member.programs import Program
from ..snapshots import leftovers, snapshot, store
from . import prepare_checks, tools
from .order import Order


@dataclasses.dataclass(frozen=True)
class Question:
    """Whether this member can be restored so. ``drill``: with a drill in the directory of the snapshots."""

    order: Order
    local: LocalMember
    directory: str
    kubelet: str
    places: t.Sequence[str]
    drill: bool


def verified(directory: str, order: Order) -> tuple[str, snapshot.Facts]:
    """The snapshot's file, which is the one that the plan means. Raise MaintenanceError where it is not."""
    store.check_directory(directory)
    wanted = order.snapshot
    path = os.path.join(directory, wanted.name)
    if not os.path.lexists(path):
        raise MaintenanceError(
            f"{path}: is not there, so nothing was prepared. Bring it here first (etcd_snapshot_send, role copies)"
        )
    try:
        facts = snapshot.verify(path)
    except MaintenanceError as error:
        raise MaintenanceError(f"nothing was prepared, nothing was changed: {error.msg}") from error
    known = {
        "sha256": (facts.sha256, wanted.sha256),
        "revision": (facts.contents.revision, wanted.revision),
        "keys": (facts.contents.keys, wanted.keys),
        "kube-system UID": (facts.contents.kube_system_uid, wanted.kube_system_uid),
    }
    wrong = [f"{name} {found} and not {said}" for name, (found, said) in known.items() if found != said]
    if wrong:
        raise MaintenanceError(
            f"{path}: is a whole snapshot, but not the one that the plan {order.id} is for: it has"
            f" {', '.join(wrong)}. Nothing was prepared"
        )
    return path, facts


def look(
    question: Question, manifests: str, facts: snapshot.Facts, freed: int
) -> tuple[list[Check], dict[str, Program]]:
    """``freed``: bytes in the data directory that are removed before. Also the programs to restore it with."""
    local, found = question.local, facts.contents
    of = question.order.snapshot.etcd_version
    version = tools.release(local, question.places)
    found_tools = tools.find(local, version or of, question.directory, question.places)
    wanted = ("etcdutl", "etcd") if question.drill else ("etcdutl",)
    checks = [
        *prepare_checks.names(local.data_dir, local.wal_dir),
        prepare_checks.used(local, *_process(local)),
        prepare_checks.starter(local, question.kubelet),
        prepare_checks.manifest(local, manifests),
        prepare_checks.together(local, len(question.order.members)),
        prepare_checks.release(local.name, version, found, of),
        prepare_checks.programs(question.directory, version or of, found_tools, wanted),
        prepare_checks.room(local.data_dir, facts.size, disk.free_bytes(local.data_dir) + freed),
        prepare_checks.quota(local, facts.size),
        prepare_checks.alarms(question.order.snapshot.name, found),
        _keys(manifests, facts),
    ]
    if question.drill:
        checks += _for_the_drill(question, facts)
    return checks, found_tools


def _process(local: LocalMember) -> tuple[bool, t.Optional[int]]:
    """Whether the member answers, and who has its database open."""
    try:
        Gateway(local).status()
    except GatewayError:
        return False, None
    return True, programs.holder(os.path.join(local.data_dir, "member", "snap", "db"))


def _keys(manifests: str, facts: snapshot.Facts) -> Check:
    found = encryption(manifests)
    return prepare_checks.keys(*found, facts.contents) if found else prepare_checks.no_apiserver()


def encryption(manifests: str) -> t.Optional[tuple[str, t.Optional[set[encryption_config.Key]]]]:
    """The apiserver's EncryptionConfiguration here, and the keys in it: None where there is no apiserver."""
    for directory in (manifests, _static_pod.parked(manifests)):
        if control_plane.has_apiserver(directory):
            where = control_plane.encryption_configuration(directory)
            return where, _known_keys(where)
    return None


def _known_keys(where: str) -> t.Optional[set[encryption_config.Key]]:
    """None where it cannot be told."""
    if not where:
        return set()
    try:
        with open(where, encoding="utf-8") as file:
            return encryption_config.keys(file.read())
    except (OSError, UnicodeDecodeError):
        return None


def _for_the_drill(question: Question, facts: snapshot.Facts) -> list[Check]:
    left = leftovers.size_of_drills(question.directory, question.local.name)
    free = disk.free_bytes(question.directory) + left
    checks = [
        drill_checks.apart(question.directory, question.local.data_dir),
        drill_checks.room(question.directory, facts.size, free),
        drill_checks.memory(facts.contents.rows, drill_checks.available()),
    ]
    without = "; or leave the drill out (restore_drill=false), which proves less"
    return [dataclasses.replace(one, fix=f"{one.fix}{without}") if one.fix else one for one in checks]
