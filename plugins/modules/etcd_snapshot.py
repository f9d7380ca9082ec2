#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot
short_description: Take verified snapshots of this node's etcd member, prove that they restore, and prune them
version_added: 0.1.0
description:
  - Takes a snapshot of the etcd member that runs on the node, as a static pod or under systemd, and proves that the
    file is whole before it gets its name.
  - The member's endpoint, name and certificates are read from its static pod manifest, or from C(etcd.service) and its
    environment files. The snapshot comes through
    C(etcdctl) where the running member has one, otherwise through etcd's JSON gateway, so neither C(etcdctl) nor any
    Python package is needed on the node.
  - The programs of the running release, C(etcd), C(etcdctl) and C(etcdutl), are kept in C(tools/etcd-VERSION) beside
    the snapshots with their checksums, so that a restore needs no registry. They go with the last snapshot that names
    them.
  - Verified are the checksum that etcd appends, the structure of the whole database, that it reaches the revision
    which the member had before, and that it names the members which the cluster has. C(etcdutl snapshot status) looks
    at the second alone.
  - With O(state=pruned), snapshots that nobody needs any more are deleted. Tiers are labels and not copies, so one file
    may be the newest of its hour, its day, its week and its month, and is kept as long as one of them keeps it.
  - Never deleted are those that were taken by hand (V(manual)), those from before an upgrade until they are released,
    snapshots of other clusters, and files that are not known.
  - Nothing at all is deleted where the member does not answer, where there is no snapshot of the cluster that it is
    in, or where the newest of them is damaged.
  - Beside each snapshot lies a sidecar, a JSON file with the same name and C(.json) after it, that says what the
    snapshot holds and why it was taken.
  - An unhealthy member (no leader, a learner, any alarm, too far behind, no answer) and too little disk are refused
    before anything is written.
  - The throw-away member of a drill has etcd's own programs, those kept with the snapshot or else those of the running
    member, and a low priority. It listens on sockets in a directory for root alone and on no port, so it cannot meet
    the live member and no other process can read it. It needs as much disk as the snapshot, 128 MB more, and a fifth
    of that to stay free.
  - Only one piece of maintenance works on a member at a time. The module holds a C(flock) on
    C(/run/kubeops-etcd.lock) meanwhile.
author:
  - kubeops.maintenance contributors (@kubeops)
notes:
  - A snapshot holds every object of the cluster, Secrets included. Files are made with mode 0600, directories with
    mode 0700.
  - A file whose name ends in C(.part) is unfinished. The next run of the module on that node removes those that a
    killed run of the module has left, and no other file.
options:
  state:
    description:
      - V(taken) takes a snapshot.
      - V(pruned) deletes those that O(keep) does not keep.
      - V(released) lets O(name), a snapshot from before an upgrade, go the way of the ordinary ones.
      - V(proven) holds a drill. O(name), or the newest snapshot of this node's cluster, is verified, restored into a
        throw-away member of etcd beside the snapshots, compared with what it was, and marked as proven, or as damaged
        where the file is at fault.
    type: str
    choices: [taken, pruned, released, proven]
    default: taken
  name:
    description:
      - File name of the snapshot, without its directory. Needed for O(state=released); for O(state=proven) it is the
        newest one otherwise.
    type: str
  keep:
    description:
      - What O(state=pruned) keeps. The newest snapshot of each hour, day, week and month is kept for so many of them;
        V(0) keeps none for its sake. One that was restored in a drill counts more than a newer one.
      - What was taken before more than a year without a snapshot is kept, for a clock that has jumped ahead makes
        everything old. Released ones are not.
    type: dict
    default: {}
    suboptions:
      hourly:
        description: Hours.
        type: int
        default: 24
      daily:
        description: Days.
        type: int
        default: 7
      weekly:
        description: Weeks.
        type: int
        default: 4
      monthly:
        description: Months.
        type: int
        default: 12
      at_least:
        description: So many of the newest are kept however old they are. One is, in any case.
        type: int
        default: 3
      at_most:
        description: No more are deleted in one run, the oldest first.
        type: int
        default: 100
  dir:
    description:
      - The directory that keeps the snapshots. It is made where it is missing, and refused where everybody may write
        to it.
    type: path
    default: /var/backups/kubeops/etcd
  tier:
    description:
      - What the snapshot is for. Says how long it is kept.
    type: str
    choices: [hourly, daily, weekly, monthly, pre-upgrade, manual]
    default: manual
  reason:
    description:
      - A sentence for the person who finds the snapshot. Written into the sidecar.
    type: str
    default: ""
  run_key:
    description:
      - Names the undertaking that the snapshot is for, such as C(1.36.4->1.37.1). Written into the sidecar, and
        compared by O(reuse_within).
    type: str
    default: ""
  files:
    description:
      - Whether the files of the control plane are saved with the snapshot, without which it makes no cluster.
      - They are the static pods' manifests, the PKI and the files beside them, whatever file the flags of the static
        pods or of C(etcd.service) name, the kubelet's configuration, and the unit of etcd with its files. Of
        C(kubeadm-config), C(kubelet-config), C(kube-proxy) and C(coredns) in C(kube-system) it is what the snapshot
        itself says, below C(from-snapshot/).
      - V(encrypted) writes an archive that only the O(recipients) can read. Without any, nothing is written, and the
        check C(control plane files) warns.
      - V(plain) writes an archive with every private key of the cluster in it. So does the snapshot hold every Secret,
        unless the API server encrypts them.
      - V(none) writes no archive.
      - What is left out (sockets, links to elsewhere, files that are too large) stands in the sidecar and in
        RV(checks).
    type: str
    choices: [encrypted, plain, none]
    default: encrypted
  recipients:
    description:
      - Who may decrypt the archive, public keys only. Either keys of C(age) (C(age1...), C(ssh-ed25519 ...),
        C(ssh-rsa ...)), or certificates as PEM text, for which C(openssl) is used. The program has to be on the node.
      - With certificates the cipher is AES-256-GCM from OpenSSL 3.0 on, and AES-256-CBC before, which does not notice
        when somebody changes the archive.
    type: list
    elements: str
    default: []
  control_plane:
    description:
      - The files of a control plane, as M(kubeops.maintenance.etcd_snapshot_files) has gathered them, for a member on a
        machine that is none. What it returns as RV(kubeops.maintenance.etcd_snapshot_files#module:control_plane).
      - They are written beside the snapshot as an archive of their own and go wherever it goes. Nothing is written
        where O(files) says so, or where there are no O(recipients).
    type: dict
  reuse_within:
    description:
      - Take no new snapshot where this member has one that was taken no more than this number of seconds ago, with
        the same O(tier) and O(run_key) and of the same cluster, whose file still verifies. So a run that goes on
        after an interruption keeps the snapshot from before its first change.
      - That snapshot will do even if the member is unhealthy now. What is wrong with it stands in RV(checks).
      - V(0) takes a new one every time.
    type: int
    default: 0
  save_with:
    description:
      - How the snapshot is fetched.
      - V(auto) uses C(etcdctl) where one of the running member's minor release is found, beside the running member
        (also within its container) or on the host, and the gateway otherwise, or where C(etcdctl) fails.
      - What comes is the same and is verified in the same way; C(etcdctl) is faster.
    type: str
    choices: [auto, gateway, etcdctl]
    default: auto
  timeout:
    description:
      - Seconds that the member may take to send the snapshot, or that a drill may take to restore it.
    type: int
    default: 600
extends_documentation_fragment:
  - kubeops.maintenance._etcd.MANIFESTS
  - kubeops.maintenance._etcd.LOCK
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
seealso:
  - module: kubeops.maintenance.etcd_snapshot_files
attributes:
  check_mode:
    support: full
    details: The member and the disk are looked at as otherwise; nothing is written, the lock is not taken.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Every call with O(state=taken) takes a snapshot, unless O(reuse_within) finds one that will do. Every call
      with O(state=proven) holds a drill.
"""

EXAMPLES = r"""
- name: Take a snapshot
  kubeops.maintenance.etcd_snapshot:
    reason: Before the storage is moved
  become: true
  register: taken

- name: Say where it is
  ansible.builtin.debug:
    msg: "{{ taken.snapshot.path }}: revision {{ taken.snapshot.revision }}, {{ taken.snapshot.live_keys }} keys"

- name: Take a snapshot, and save the files of the control plane for two people
  kubeops.maintenance.etcd_snapshot:
    recipients:
      - age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p
      - "{{ lookup('ansible.builtin.file', '~/.ssh/id_ed25519.pub') }}"
  become: true

- name: Take a snapshot before an upgrade, once for all runs that it needs
  kubeops.maintenance.etcd_snapshot:
    tier: pre-upgrade
    run_key: 1.36.4->1.37.1
    reuse_within: 86400
  become: true

- name: Delete what nobody needs any more, with three months kept
  kubeops.maintenance.etcd_snapshot:
    state: pruned
    keep:
      monthly: 3
  become: true

- name: Let a snapshot from before an upgrade be pruned some day
  kubeops.maintenance.etcd_snapshot:
    state: released
    name: etcd-cp1-20261120T101112.345Z-pre-upgrade-rev10432.db
  become: true

- name: Hold a drill with the newest snapshot
  kubeops.maintenance.etcd_snapshot:
    state: proven
  become: true
"""

RETURN = r"""
snapshot:
  description: The snapshot, with what its sidecar says. V(null) where there is none, in check mode too.
  returned: always
  type: dict
  sample:
    path: /var/backups/kubeops/etcd/etcd-cp1-20261120T101112.345Z-manual-rev10432.db
    schema: 1
    cluster_id: 8cc9da78b36d1115
    kube_system_uid: 5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50
    member: cp1
    member_id: ac7c97ef0ec193b0
    members: [{id: ac7c97ef0ec193b0, name: cp1, peer_urls: ["https://192.0.2.11:2380"], is_learner: false}]
    etcd_version: 3.6.16
    storage_version: 3.6.0
    cluster_version: 3.6.0
    revision: 10432
    live_keys: 312
    rows: 873
    size: 4673568
    database_in_use: 2101248
    sha256: b87116f76834a729fe577926dd76d9ab0a60cfca2a0549ca8af0f1639e460ac4
    save_method: etcdctl 3.6.16
    tools:
      version: 3.6.16
      directory: /var/backups/kubeops/etcd/tools/etcd-3.6.16
      programs: {etcdutl: 58b4c3c6a1b0f0c8ab3b3f2f6c6fb1dcc9f54f7d9a1b8f1b7a1e8f1df2b7e0a4}
    tier: manual
    reason: Before the storage is moved
    run_key: ""
    started: "2026-11-20T10:11:12.345Z"
    finished: "2026-11-20T10:11:12.531Z"
    save_seconds: 0.132
    verify_seconds: 0.041
    archive:
      name: etcd-cp1-20261120T101112.345Z-manual-rev10432.db.files.age
      size: 118742
      sha256: 3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b
      encryption: age
      recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]
      paths: [etc/kubernetes/manifests, etc/kubernetes/manifests/etcd.yaml]
      left_out: []
    control_plane_archive: null
  contains:
    path:
      description: The file.
      type: str
    schema:
      description: Version of the sidecar's layout.
      type: int
    cluster_id:
      description: Id of the etcd cluster, in hexadecimal as C(etcdctl) prints it.
      type: str
    kube_system_uid:
      description: UID of the namespace C(kube-system), which tells Kubernetes clusters apart. Empty where namespaces
        are encrypted.
      type: str
    member:
      description: Name of the member that the snapshot is of.
      type: str
    member_id:
      description: Id of that member.
      type: str
    members:
      description: The members of the cluster according to the snapshot, which are those that it has.
      type: list
      elements: dict
    etcd_version:
      description: Version of the member.
      type: str
    storage_version:
      description: Version of the database's layout. Empty before etcd 3.6.
      type: str
    cluster_version:
      description: Version that all members of the cluster keep to.
      type: str
    revision:
      description: Revision of the last change that the snapshot holds.
      type: int
    live_keys:
      description: Number of keys, as etcd counts them. C(etcdutl snapshot status) prints the same from etcd 3.6 on, and
        one more of a cluster that was restored with a raised revision.
      type: int
    rows:
      description: Number of rows of the database, old revisions of keys included.
      type: int
    size:
      description: Size of the file in bytes.
      type: int
    database_in_use:
      description: Bytes of the database that were in use. The rest is free space that a defragmentation would give
        back.
      type: int
    encryption:
      description: With what objects in the snapshot are encrypted. Who restores it needs these keys in the
        EncryptionConfiguration of kube-apiserver.
      type: list
      elements: dict
      contains:
        provider:
          description: C(aescbc), C(aesgcm), C(secretbox) or C(kms).
          type: str
        key:
          description: Name of the key, or of the KMS.
          type: str
        resources:
          description: What it encrypts.
          type: list
          elements: str
        archived:
          description: Whether the EncryptionConfiguration that is saved with the snapshot names the key. V(null) where
            that could not be read. The check C(encryption keys) warns then, and where it does not.
          type: bool
    archive:
      description: The archive of the control plane's files, beside the snapshot. V(null) where there is none.
      type: dict
      contains:
        name:
          description: Its file name, which ends in C(.files.age), C(.files.cms) or C(.files.tar).
          type: str
        size:
          description: Its size in bytes.
          type: int
        sha256:
          description: Its checksum, as C(sha256sum) prints it.
          type: str
        encryption:
          description: C(age), C(cms) or C(none).
          type: str
        recipients:
          description: Who may decrypt it, as keys, or as C(sha256:) fingerprints of certificates.
          type: list
          elements: str
        paths:
          description: What is in it.
          type: list
          elements: str
        left_out:
          description: What is not in it, as C(path) and C(reason).
          type: list
          elements: dict
    sha256:
      description: Checksum of the file, as C(sha256sum) prints it.
      type: str
    control_plane_archive:
      description: The archive of a control plane's files, beside the snapshot. V(null) where there is none, as where
        the node is a control plane itself, and missing in older sidecars.
      type: dict
      contains:
        node:
          description: Whose files they are.
          type: str
        name:
          description: Its file name, which ends in C(.control-plane.files.age), C(.control-plane.files.cms) or
            C(.control-plane.files.tar).
          type: str
        size:
          description: Its size in bytes.
          type: int
        sha256:
          description: Its checksum, as C(sha256sum) prints it.
          type: str
        encryption:
          description: C(age), C(cms) or C(none).
          type: str
        recipients:
          description: Who may decrypt it, as keys, or as C(sha256:) fingerprints of certificates.
          type: list
          elements: str
        paths:
          description: What is in it.
          type: list
          elements: str
        left_out:
          description: What is not in it, as C(path) and C(reason).
          type: list
          elements: dict
    save_method:
      description: How it was fetched, C(gateway) or C(etcdctl) and its version.
      type: str
    tools:
      description: The programs that are kept with it. V(null) where none were found.
      type: dict
      contains:
        version:
          description: Version of the member that they are for.
          type: str
        directory:
          description: Where they are.
          type: str
        programs:
          description: Their names, with the sha256 of each.
          type: dict
    tier:
      description: The O(tier).
      type: str
    reason:
      description: The O(reason).
      type: str
    run_key:
      description: The O(run_key).
      type: str
    started:
      description: When the save began, in UTC.
      type: str
    finished:
      description: When the verification ended, in UTC.
      type: str
    save_seconds:
      description: How long the save took.
      type: float
    verify_seconds:
      description: How long the verification took.
      type: float
    proven:
      description: The last drill that it came through, V(null) or missing where there was none.
      type: dict
      contains:
        at:
          description: When.
          type: str
        etcd_version:
          description: Version of etcd that it was restored with.
          type: str
        seconds:
          description: How long that took.
          type: float
    released:
      description: When it was released, missing where it was not.
      type: str
    copies:
      description: Other places that have a verified copy, missing where none is known.
      type: list
      elements: dict
      contains:
        to:
          description: Which.
          type: str
        at:
          description: Since when.
          type: str
    damaged:
      description: The last drill that it did not come through, V(null) or missing where there was none.
      type: dict
      contains:
        at:
          description: When.
          type: str
        reason:
          description: What went wrong.
          type: str
checks:
  description: What was looked at before the snapshot, on failure too.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: What was looked at.
      type: str
    status:
      description: V(pass), V(warn), V(fail) or V(skip).
      type: str
    object:
      description: What it is about.
      type: str
    evidence:
      description: What was found.
      type: str
    fix:
      description: What to do about it. Empty on a V(pass).
      type: str
kept:
  description: With O(state=pruned), the snapshots that stay.
  returned: always
  type: list
  elements: dict
  contains: &entry
    name:
      description: File name.
      type: str
    reason:
      description: Why.
      type: str
  sample: [{name: etcd-cp1-20261120T101112.345Z-hourly-rev10432.db, reason: "hourly, daily"}]
removed:
  description: With O(state=pruned), the snapshots that were deleted, or would be.
  returned: always
  type: list
  elements: dict
  contains: *entry
summary:
  description: The checks that warn, and RV(kept) and RV(removed), as lines to print.
  returned: always
  type: list
  elements: str
actions:
  description: What was done, in order; in check mode what would be done.
  returned: always
  type: list
  elements: str
  sample:
    - "create directory /var/backups/kubeops/etcd"
    - "save a manual snapshot of etcd/cp1 to /var/backups/kubeops/etcd through gateway: 4673536 bytes at revision 10431"
durations:
  description: Seconds for each part of the run.
  returned: always
  type: dict
  contains:
    lock:
      description: Waiting for the lock.
      type: float
    save:
      description: Saving.
      type: float
    verify:
      description: Verifying.
      type: float
    drill:
      description: Restoring, starting, comparing and removing. Only with O(state=proven).
      type: float
    total:
      description: All of it.
      type: float
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.archive import archive
from ..module_utils._etcd.drill import drill
from ..module_utils._etcd.member import unit
from ..module_utils._etcd.snapshots import backup, upkeep
from ..module_utils._etcd.snapshots.retention import Policy
from ..module_utils._etcd.snapshots.snapshot import Label
from ..module_utils._etcd.snapshots.store import TIERS
from ..module_utils._etcd.snapshots.where import Where

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["taken", "pruned", "released", "proven"], "default": "taken"},
    "name": {"type": "str"},
    "keep": {
        "type": "dict",
        "default": {},
        "options": {
            "hourly": {"type": "int", "default": 24},
            "daily": {"type": "int", "default": 7},
            "weekly": {"type": "int", "default": 4},
            "monthly": {"type": "int", "default": 12},
            "at_least": {"type": "int", "default": 3},
            "at_most": {"type": "int", "default": 100},
        },
    },
    **arguments.DIRECTORY,
    "tier": {"type": "str", "choices": list(TIERS), "default": "manual"},
    "reason": {"type": "str", "default": ""},
    "run_key": {"type": "str", "default": "", "no_log": False},
    "files": {"type": "str", "choices": list(archive.FILES), "default": archive.ENCRYPTED},
    "recipients": {"type": "list", "elements": "str", "default": []},
    "control_plane": {"type": "dict"},
    "reuse_within": {"type": "int", "default": 0},
    "save_with": {"type": "str", "choices": ["auto", "gateway", "etcdctl"], "default": "auto"},
    "timeout": {"type": "int", "default": 600},
    **arguments.LOCK,
    **arguments.MANIFESTS,
}


def work(module: AnsibleModule) -> dict[str, t.Any]:
    options = module.params
    here: dict[str, t.Any] = {
        "directory": options["dir"],
        "lock_timeout": options["lock_timeout"],
        "manifests": options["manifest_dir"],
        "unit": unit.show(module.run_command),
        "dry_run": module.check_mode,
    }
    if options["state"] == "pruned":
        return upkeep.prune(Where(**here), Policy(**options["keep"]))
    if options["state"] == "released":
        return upkeep.release(Where(**here), options["name"])
    if options["state"] == "proven":
        return drill.run(drill.Request(name=options["name"] or "", timeout=options["timeout"], **here))
    label = Label(options["tier"], options["reason"], options["run_key"])
    mine = {name: options[name] for name in ("timeout", "reuse_within", "save_with")}
    files = archive.Request(options["files"], tuple(options["recipients"]), options["control_plane"])
    return backup.run(backup.Request(label=label, files=files, **mine, **here))


def main() -> None:
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC, required_if=[("state", "released", ["name"])], supports_check_mode=True
    )
    negative = [name for name, number in module.params["keep"].items() if number < 0]
    if negative:
        module.fail_json(msg=f"keep: {', '.join(negative)} cannot be less than 0. Nothing was deleted")
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
