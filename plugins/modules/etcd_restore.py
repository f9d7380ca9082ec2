#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_restore
short_description: Bring this node's etcd member back to a snapshot, step by step, and undo it
version_added: 0.1.0
description:
  - Each O(state) is one step of a restore, on one member. The playbook C(kubeops.maintenance.restore) does them on all
    members of a cluster, in order. Use that, unless you know why not.
  - Everything that can fail is done while the cluster still runs (O(state=prepared)). What etcd has used is renamed
    beside its place and never deleted, so that O(state=rolled_back) brings it back.
  - How far a member is stands in C(kubeops-restore/ID/plan.json) in its data directory, and nowhere else. Every step is
    done again or skipped as that file and the directories say, so a run that was killed is simply run again.
  - A member is found by its static pod manifest, also where that was put aside to stop it, or by C(etcd.service).
  - Members whose write-ahead log is elsewhere (C(--wal-dir)) and those whose directory C(member) is a link or a mount
    are refused, for there it takes more than one rename.
author:
  - kubeops.maintenance contributors (@kubeops)
notes:
  - Do one step on all members before the next step on any of them. Members restored from different files, or one
    restored beside others that are not, look healthy and hold different data.
  - Nothing here stops the API servers. M(kubeops.maintenance.static_pods) does, and without it they write into the
    cluster while it is exchanged.
  - The module holds a C(flock) on C(/run/kubeops-etcd.lock) while it works.
options:
  state:
    description:
      - V(prepared) verifies the snapshot, restores it with C(etcdutl) beside the data that etcd uses, and reads what
        was restored. Nothing that runs is touched. Preparations of other restores that were never begun are removed.
      - V(stopped) puts the member's manifest aside, or stops its unit, and waits until no process uses its data or its
        ports. It is refused where the member has gone on beyond the revision from which the restored one goes on.
      - V(swapped) renames C(member) to C(kubeops-restore/ID/previous/member) and what was prepared to C(member), with
        its owner, mode and SELinux context.
      - V(started) starts the member, and waits until it uses its data. It cannot serve before most members do.
      - V(verified) waits until all members serve, asks each of them by itself, and compares members, leader, cluster,
        alarms, data, number of keys and identity with the plan.
      - V(committed) notes that there is no renaming back any more. Nothing else is done, but that an earlier restore
        that was committed and never finished is noted as superseded.
      - V(finished) notes that the API serves again and that every node follows it. Until then a run goes on with it.
      - V(rolled_back) stops the member, renames what was restored to C(kubeops-restore/ID/rejected/member) and what
        etcd used before to C(member), and starts it again. A member that had no data before stays stopped, for without
        any it would make a cluster of its own. It is refused from V(committed) on, for clients would see revisions
        going backwards. M(kubeops.maintenance.etcd_snapshot_recover) makes a snapshot of what was there, for a restore.
      - V(cleaned) deletes what finished restores have left. Nothing else ever deletes data.
      - Each of them changes nothing where the member is that far already, or farther.
    type: str
    choices: [prepared, stopped, swapped, started, verified, committed, finished, rolled_back, cleaned]
    required: true
  plan:
    description:
      - The plan, as the filter P(kubeops.maintenance.restore_plan#filter) makes it for all members. Needed for
        O(state=prepared), which writes it beside the data.
    type: dict
  id:
    description:
      - The restore to go on with. Needed for all states but V(prepared), which has it in O(plan), and V(cleaned), which
        cleans up after that one alone where it is given.
    type: str
  dir:
    description:
      - The directory with the snapshot, and with the programs that were kept with it.
    type: path
    default: /var/backups/kubeops/etcd
  drill:
    description:
      - With O(state=prepared), restore the snapshot a second time, into a throw-away member that is started, compared
        and removed. One host of a cluster is enough, for all have the same file.
    type: bool
    default: false
  keep:
    description:
      - With O(state=cleaned), leave so many of the newest finished restores alone.
    type: int
    default: 0
  timeout:
    description:
      - Seconds that the step may take.
    type: int
    default: 600
extends_documentation_fragment:
  - kubeops.maintenance._etcd.LOCK
  - kubeops.maintenance._etcd.MANIFESTS
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
    details: With O(state=prepared), everything is done, the drill too, in a directory that is removed again. The other
      states say what they would do.
  diff_mode:
    support: none
  idempotent:
    support: full
seealso:
  - module: kubeops.maintenance.etcd_restore_info
  - module: kubeops.maintenance.etcd_snapshot_recover
  - module: kubeops.maintenance.static_pods
  - plugin: kubeops.maintenance.restore_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at every member
  kubeops.maintenance.etcd_restore_info:
    name: newest
  become: true
  register: found

- name: Plan
  ansible.builtin.set_fact:
    plan: "{{ dict(ansible_play_hosts | zip(ansible_play_hosts | map('extract', hostvars, 'found')))
              | kubeops.maintenance.restore_plan('newest', ansible_play_hosts) }}"
  run_once: true

- name: Prepare
  kubeops.maintenance.etcd_restore:
    state: prepared
    plan: "{{ plan }}"
    drill: "{{ inventory_hostname == plan.source }}"
  become: true

- name: Delete what restores have left, but for the newest one
  kubeops.maintenance.etcd_restore:
    state: cleaned
    keep: 1
  become: true
"""

RETURN = r"""
phase:
  description: How far the member is. V(preparing), V(prepared), V(stopping), V(stopped), V(swapping), V(swapped),
    V(starting), V(started), V(verified), V(committed) and V(finished), or V(rolling_back) and V(rolled_back). One that
    another restore came after before it was finished is V(superseded). Empty where there is no restore.
  returned: always
  type: str
  sample: prepared
plan:
  description: The plan file's content. V(null) where there is none, as in check mode before the first step.
  returned: always
  type: dict
  sample:
    schema: 1
    id: 20261121T183000Z-4f2a90
    token: kubeops-restore-20261121T183000Z-4f2a90
    phase: prepared
    at: {preparing: "2026-11-21T18:30:12.345Z", prepared: "2026-11-21T18:30:14.012Z"}
    snapshot:
      name: etcd-cp1-20261120T101112.345Z-manual-rev10432.db
      sha256: b87116f76834a729fe577926dd76d9ab0a60cfca2a0549ca8af0f1639e460ac4
      revision: 10432
      keys: 312
      kube_system_uid: 5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50
      etcd_version: 3.6.16
    members: [{host: cp1, name: cp1, peer_urls: ["https://192.0.2.11:2380"]}]
    bump: 1000000000
    live_revision: 11840
    cluster_id: 8cc9da78b36d1115
    undoes: ""
    name: cp1
    data_dir: /var/lib/etcd
    peer_urls: ["https://192.0.2.11:2380"]
    owner: {uid: 0, gid: 0, mode: 448}
    managed_by: static pod
    source: /etc/kubernetes/manifests/etcd.yaml
    access:
      endpoint: https://127.0.0.1:2379
      ca_file: /etc/kubernetes/pki/etcd/ca.crt
      cert_file: /etc/kubernetes/pki/etcd/healthcheck-client.crt
      key_file: /etc/kubernetes/pki/etcd/healthcheck-client.key
    listens: ["https://127.0.0.1:2379", "https://192.0.2.11:2379", "https://192.0.2.11:2380"]
expected:
  description: What the restored member holds, as read from what was restored. With O(state=prepared), V(null) otherwise
    and where nothing had to be done.
  returned: always
  type: dict
  contains:
    revision:
      description: Revision that it goes on from.
      type: int
    live_keys:
      description: Number of keys.
      type: int
    kube_system_uid:
      description: UID of the namespace C(kube-system).
      type: str
    size:
      description: Bytes of its database.
      type: int
  sample: {revision: 1000010432, live_keys: 312, kube_system_uid: 5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50, size: 4673536}
checks:
  description: What was looked at before and afterwards.
  returned: always
  type: list
  elements: dict
  sample:
    - name: room for the restore
      status: pass
      object: /var/lib/etcd
      evidence: 159208284 bytes needed for a snapshot of 4673568 bytes, 52428800000 bytes free
      fix: ""
actions:
  description: What was done, in order; in check mode what would be done.
  returned: always
  type: list
  elements: str
durations:
  description: Seconds for each part of the step, such as C(lock), C(verify), C(restore), C(drill) and C(total).
  returned: always
  type: dict
"""

import functools
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.member import unit
from ..module_utils._etcd.restore import act, back, prepare, service
from ..module_utils._etcd.restore.report import Request

STATES = ["prepared", *act.STATES, "cleaned"]


def work(module: AnsibleModule) -> dict[str, t.Any]:
    options = module.params
    request = Request(
        timeout=options["timeout"],
        lock_timeout=options["lock_timeout"],
        manifests=options["manifest_dir"],
        unit=unit.show(module.run_command),
        dry_run=module.check_mode,
    )
    if options["state"] == "prepared":
        wanted = prepare.Wanted(options["plan"], options["dir"], options["drill"], kubelet(module))
        return prepare.run(request, wanted)
    if options["state"] == "cleaned":
        return back.clean(request, options["id"] or "", options["keep"])
    starter = functools.partial(service.of, run_command=module.run_command)
    return act.run(request, act.Wanted(options["state"], options["id"], starter))


def kubelet(module: AnsibleModule) -> str:
    """Whether it runs, in systemd's words."""
    _code, said, _error = module.run_command(["systemctl", "is-active", "kubelet.service"])
    return str(said).strip()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": STATES, "required": True},
            "plan": {"type": "dict"},
            "id": {"type": "str"},
            **arguments.DIRECTORY,
            "drill": {"type": "bool", "default": False},
            "keep": {"type": "int", "default": 0},
            "timeout": {"type": "int", "default": 600},
            **arguments.LOCK,
            **arguments.MANIFESTS,
        },
        required_if=[
            ("state", "prepared", ["plan"]),
            *(("state", one, ["id"]) for one in STATES if one not in ("prepared", "cleaned")),
        ],
        supports_check_mode=True,
    )
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
