#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_defrag
short_description: Defragment the etcd member of a node, where that is worth it and harms nobody
version_added: 0.1.0
description:
  - etcd uses the space of what was deleted again, but never gives it back. A defragmentation writes the file anew.
    The member neither reads nor writes meanwhile, so it is done to one member at a time, the leader last.
  - The member is asked through etcd's JSON gateway, so neither C(etcdctl) nor any Python package is needed on the node.
  - A member is only defragmented where all members answer, vote, run the same version, have caught up and follow one
    leader, where no alarm is raised, no restore and no upgrade is unfinished, no other defragmentation runs, and the
    disk has room for the new file. It holds the lock that snapshots, restores and kubeadm hold, too.
  - A member that leads hands its leadership to a follower that has been defragmented first, and is refused where there
    is none. So call it on all followers, then on the leader; the playbook C(kubeops.maintenance.defrag) does.
  - When etcd does not answer in time, it goes on all the same. Then it is watched until its file is smaller.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  state:
    description:
      - V(defragmented), the member's file is defragmented where O(free_percent), O(free_bytes) and O(quota_percent) say
        so.
      - V(compacted) and V(disarmed) are the first and the last step of the way out of the alarm C(NOSPACE), with
        O(recover_nospace=true), and nothing where it is not raised. First compact on one member, then defragment all
        of them, then disarm on one.
    type: str
    choices: [defragmented, compacted, disarmed]
    default: defragmented
  free_percent:
    description:
      - A file is defragmented when a larger share of it is free and O(free_bytes) are, too. A file of which less than
        10 percent is free never is.
    type: int
    default: 45
  free_bytes:
    description:
      - See O(free_percent).
    type: int
    default: 209715200
  quota_percent:
    description:
      - A file is defragmented, too, when it is larger than that share of its quota.
    type: int
    default: 80
  single_member:
    description:
      - Allow the only member of a cluster to stand still. The cluster's API does, too; the check C(other members serve)
        says for about how long.
    type: bool
    default: false
  recover_nospace:
    description:
      - Where the alarm C(NOSPACE) is raised, the cluster only reads and deletes. Without this, nothing is done then.
      - With it, O(state=compacted) drops all but the current revision, after which every watch has to begin anew;
        O(state=defragmented) defragments whatever the limits say; O(state=disarmed) disarms C(NOSPACE) and no other
        alarm, where the files of all members are below their quota.
    type: bool
    default: false
  timeout:
    description:
      - Seconds that the defragmentation may take.
    type: int
    default: 900
  settle_timeout:
    description:
      - Seconds within which all members have to be well again after it, and after the leadership was moved.
    type: int
    default: 120
  lock_timeout:
    description:
      - Seconds to wait for other maintenance of the same member to end, and for snapshots that somebody takes of it
        without its lock.
    type: int
    default: 120
extends_documentation_fragment:
  - kubeops.maintenance._etcd.MANIFESTS
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
    details: The member and its cluster are looked at as otherwise; nothing is written, the lock is not taken.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: With O(recover_nospace=true), a member is defragmented each time as long as the alarm C(NOSPACE) is raised.
"""

EXAMPLES = r"""
- name: Say what would be done and why
  kubeops.maintenance.etcd_defrag:
  become: true
  check_mode: true
  register: look

- name: Defragment the member of this node
  kubeops.maintenance.etcd_defrag:
  become: true

- name: Defragment when 100 MiB are free, however large the rest is
  kubeops.maintenance.etcd_defrag:
    free_percent: 0
    free_bytes: 104857600
  become: true
"""

RETURN = r"""
due:
  description: Whether the member is worth it. V(null) where that was not asked.
  returned: always
  type: bool
why:
  description: By which numbers.
  returned: always
  type: str
  sample: 62% of its file is free (838860800 of 1342177280 bytes), and the file is at 62% of its quota of 2147483648
    bytes
before:
  description: The member's file. V(null) where it did not answer.
  returned: always
  type: dict
  sample: {db_size: 1342177280, db_size_in_use: 503316480, quota: 2147483648}
  contains: &size
    db_size:
      description: Its size in bytes.
      type: int
    db_size_in_use:
      description: Bytes of it that are in use.
      type: int
    quota:
      description: Bytes that it may have; etcd's own default where the member does not tell another one.
      type: int
after:
  description: The same after it. In check mode, and where nothing was done, as RV(before).
  returned: always
  type: dict
  contains: *size
member:
  description: Name of the member.
  returned: always
  type: str
  sample: cp1
leader:
  description: Name of the member that leads afterwards.
  returned: always
  type: str
  sample: cp2
members:
  description: Names of all members.
  returned: always
  type: list
  elements: str
cluster_id:
  description: Id of the cluster, as C(etcdctl) shows it.
  returned: always
  type: str
  sample: 8cc9da78b36d1115
alarms:
  description: Alarms that members have raised.
  returned: always
  type: list
  elements: dict
  sample: [{member: cp1, kind: NOSPACE}]
checks:
  description: What was looked at, on failure too.
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
actions:
  description: What was done, in order; in check mode what would be done.
  returned: always
  type: list
  elements: str
  sample:
    - move the leadership to etcd/cp2
    - "defragment it, which makes it stand still for about 5 s: 62% of its file is free"
summary:
  description: The same and what came of it, or that there is nothing to do and why, with the checks that do not pass.
    Lines to print.
  returned: always
  type: list
  elements: str
durations:
  description: Seconds for each part of the run.
  returned: always
  type: dict
  contains:
    lock:
      description: Waiting for the lock.
      type: float
    transfer:
      description: Moving the leadership.
      type: float
    defragment:
      description: The defragmentation.
      type: float
    settle:
      description: Until all members were well again.
      type: float
    total:
      description: All of it.
      type: float
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.defrag import recovery, turn
from ..module_utils._etcd.defrag.limits import Limits
from ..module_utils._etcd.defrag.look import Request
from ..module_utils._etcd.member import unit
from ..module_utils._kubeadm import in_progress
from ..module_utils._kubeadm.commands import Commands
from ..module_utils._kubeadm.paths import Paths

LIMITS = ("free_percent", "free_bytes", "quota_percent")
STATES = {"defragmented": turn.run, "compacted": recovery.compact, "disarmed": recovery.disarm}
ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": list(STATES), "default": "defragmented"},
    "free_percent": {"type": "int", "default": 45},
    "free_bytes": {"type": "int", "default": 200 << 20},
    "quota_percent": {"type": "int", "default": 80},
    "single_member": {"type": "bool", "default": False},
    "recover_nospace": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 900},
    "settle_timeout": {"type": "int", "default": 120},
    **arguments.LOCK,
    **arguments.MANIFESTS,
}


def work(module: AnsibleModule) -> dict[str, t.Any]:
    options = module.params
    commands, paths = Commands(module), Paths(manifest_dir=options["manifest_dir"])

    def upgrade(nodes: t.Iterable[tuple[bytes, bytes]]) -> list[str]:
        return in_progress.on_node(commands, paths) + in_progress.on_nodes(nodes)

    request = Request(
        limits=Limits(**{name: options[name] for name in LIMITS}),
        recover=options["recover_nospace"],
        manifests=options["manifest_dir"],
        unit=unit.show(module.run_command),
        dry_run=module.check_mode,
        upgrade=upgrade,
        **{name: options[name] for name in ("single_member", "timeout", "settle_timeout", "lock_timeout")},
    )
    return STATES[options["state"]](request)


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    negative = [name for name in LIMITS if module.params[name] < 0]
    if negative:
        module.fail_json(msg=f"{', '.join(negative)}: cannot be less than 0. Nothing was changed")
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
