# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a restore needs on a member: named checks, pure but for those that look at the data directory.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import typing as t

from ... import _static_pods
from ..._check import FAIL, PASS, SKIP, WARN, Check
from ..._errors import MaintenanceError
from ..database import contents, objects
from ..drill.drill_checks import LOGS
from ..member.cluster_health import DEFAULT_QUOTA
from ..member.local_member import LocalMember
from ..member.programs import PLACES, Program
from . import tools

# Until then etcdutl could not raise revisions.
_RAISES = (3, 5, 10)


def names(data_dir: str, wal_dir: str) -> list[Check]:
    """Whether one rename exchanges the data."""
    member = os.path.join(data_dir, "member")
    found = []
    if wal_dir:
        evidence = f"etcd keeps its log in --wal-dir={wal_dir}, which this collection does not restore"
        fix = "restore this member by hand, as etcd's own pages say"
        found.append(Check("data in one place", FAIL, data_dir, evidence, fix))
    for path in (member, os.path.join(member, "snap"), os.path.join(member, "wal")):
        if os.path.islink(path) or os.path.ismount(path):
            evidence = f"{path} is a {'link' if os.path.islink(path) else 'mount'}, which no rename exchanges"
            fix = "mount the whole data directory instead; or restore this member by hand, as etcd's own pages say"
            found.append(Check("data in one place", FAIL, data_dir, evidence, fix))
    return found or [Check("data in one place", PASS, data_dir, f"all of it is in {member}")]


def release(name: str, version: str, snapshot: contents.Contents, of: str) -> Check:
    """etcd starts from data of its own minor and of earlier ones. ``of``: the release that the snapshot is of."""
    # Before 3.6 a file does not say its layout, but what all members kept to.
    written = snapshot.storage_version or snapshot.cluster_version or of
    subject = f"etcd/{name}"
    if not version:
        evidence = f"what it runs is not known; the snapshot is of etcd {of}"
        return Check("release for the snapshot", WARN, subject, evidence, "compare them by hand")
    evidence = f"etcd {version}, the snapshot's data is of {written}"
    if tools.numbers(written)[:2] <= tools.numbers(version)[:2]:
        return Check("release for the snapshot", PASS, subject, evidence)
    fix = f"bring the member to etcd {'.'.join(map(str, tools.numbers(of)[:2]))} first, or choose an earlier snapshot"
    return Check("release for the snapshot", FAIL, subject, f"{evidence}, from which it cannot start", fix)


def programs(directory: str, version: str, found: t.Mapping[str, Program], wanted: t.Sequence[str]) -> Check:
    missing = [name for name in wanted if name not in found]
    minor = ".".join(version.split(".")[:2])
    fix = f"put %s of https://github.com/etcd-io/etcd/releases/tag/v{version} into {PLACES[0]}, owned by root"
    if missing:
        evidence = f"no {' and no '.join(missing)} of etcd {minor} in its tools, beside the running member, or in"
        evidence += f" {', '.join(PLACES)}"
        return Check("tools for the restore", FAIL, directory, evidence, fix % " and ".join(missing))
    etcdutl = found["etcdutl"]
    if tools.numbers(etcdutl.version) < _RAISES:
        evidence = f"{etcdutl.path} {etcdutl.version} cannot raise the revision"
        return Check("tools for the restore", FAIL, directory, evidence, fix % "an etcdutl of 3.5.10 or later")
    evidence = ", ".join(f"{found[name].path} {found[name].version}" for name in wanted)
    return Check("tools for the restore", PASS, directory, evidence)


def room(data_dir: str, size: int, free: int) -> Check:
    """The database again, its log, and a fifth more to stay free. The old data stays."""
    needed = (size + LOGS) * 12 // 10
    evidence = f"{needed} bytes needed for a snapshot of {size} bytes, {free} bytes free"
    if free >= needed:
        return Check("room for the restore", PASS, data_dir, evidence)
    kept = "what finished restores have kept goes with restore.yml -e restore_clean=true"
    fix = f"free {needed - free} bytes there; {kept}"
    return Check("room for the restore", FAIL, data_dir, evidence, fix)


def quota(local: LocalMember, size: int) -> Check:
    """etcd counts the whole file, and takes no write that comes above it: it would serve, and raise NOSPACE."""
    most = local.quota or DEFAULT_QUOTA
    evidence = f"the restored database has {size} bytes, the quota is {most}"
    if size < most:
        return Check("room in the quota", PASS, local.source, evidence)
    fix = "raise --quota-backend-bytes on every member first; nothing could be written to what is restored"
    return Check("room in the quota", FAIL, local.source, evidence, fix)


def used(local: LocalMember, answers: bool, holder: t.Optional[int]) -> Check:
    """A pod may see its data elsewhere than the host does. ``holder``: the process that has the database open."""
    name = "data of the member"
    if not answers:
        return Check(name, PASS, local.data_dir, "etcd does not run")
    if holder is not None:
        return Check(name, PASS, local.data_dir, f"process {holder} has the database open")
    evidence = "etcd answers, and no process has member/snap/db in it open"
    fix = f"see which directory of the host it is to etcd (hostPath in {local.source}), and use the same path for both"
    return Check(name, FAIL, local.data_dir, evidence, fix)


def manifest(local: LocalMember, manifests: str) -> Check:
    """Whether moving one file stops the member: a copy that somebody has left beside it is one more to the kubelet."""
    try:
        if local.image:
            _static_pods.Manifests(manifests).check("etcd")
    except MaintenanceError as error:
        return Check("one manifest of etcd", FAIL, local.source, error.msg, "nothing else stops it")
    return Check("one manifest of etcd", PASS, local.source, "nothing else starts it")


def together(local: LocalMember, members: int) -> Check:
    """What somebody has set who wanted to get a cluster going without a quorum."""
    if members > 1 and local.forgets_others:
        evidence = f"etcd is started with --force-new-cluster, so it would forget the {members - 1} other members"
        return Check("member keeps the others", FAIL, local.source, evidence, "take that out, and run this again")
    return Check("member keeps the others", PASS, local.source, "no --force-new-cluster")


def alarms(snapshot: str, found: contents.Contents) -> Check:
    """They would come back with it."""
    if not found.alarms:
        return Check("no alarm in the snapshot", PASS, snapshot, "none")
    evidence = ", ".join(f"{one.kind} of {one.member_id}" for one in found.alarms)
    return Check("no alarm in the snapshot", FAIL, snapshot, evidence, "choose another one, from before the alarm")


def starter(local: LocalMember, kubelet: str) -> Check:
    """What has to start the member again. ``kubelet``: as ``systemctl is-active`` says."""
    if not local.image:
        return Check("member can be started", PASS, local.source, "systemd has the unit")
    if kubelet == "active":
        return Check("member can be started", PASS, "kubelet.service", "active")
    fix = "start it first: what it does not see it neither stops nor starts"
    return Check("member can be started", FAIL, "kubelet.service", kubelet or "there is none", fix)


def keys(where: str, known: t.Optional[t.Collection[tuple[str, str]]], found: contents.Contents) -> Check:
    """Whether what is encrypted in the snapshot can be read again. ``where``: this host's EncryptionConfiguration."""
    needed = objects.encryptions(found.objects)
    name = "encryption keys"
    if not needed:
        return Check(name, PASS, where or "EncryptionConfiguration", "nothing in the snapshot is encrypted")
    encrypted = [f"{', '.join(one['resources'])} with {one['provider']}, key {one['key']}" for one in needed]
    if known is None:
        evidence = f"whether it has the keys could not be read. Encrypted are: {'; '.join(encrypted)}"
        return Check(name, WARN, where, evidence, "see to it that they are in it")
    missing = [text for text, one in zip(encrypted, needed) if (one["provider"], one["key"]) not in known]
    if not missing:
        return Check(name, PASS, where, f"has all: {'; '.join(encrypted)}")
    fix = (
        "add the keys to the EncryptionConfiguration of every control plane, after the one that writes; the file that"
        " was saved with the snapshot has them"
    )
    return Check(name, FAIL, where, f"the snapshot has what it cannot read: {'; '.join(missing)}", fix)


def no_apiserver() -> Check:
    return Check("encryption keys", SKIP, "node", "it has no kube-apiserver")
