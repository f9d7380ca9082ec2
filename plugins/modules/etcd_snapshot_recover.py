#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_recover
short_description: Make a snapshot of what etcd had before a restore
version_added: 0.1.0
description:
  - A restore sets aside what this node's member of etcd had before. This makes a snapshot of it, with a sidecar, as
    M(kubeops.maintenance.etcd_snapshot) makes one of a member that runs. It can be restored as any other.
  - A copy of the data is started as a cluster of one, on sockets in a folder for root alone and in a network of its
    own. What was only in the write-ahead log is in the snapshot, too, and nothing is written into it before. The
    copy is removed then, and one that a killed run has left by the next run.
  - What was set aside is not touched.
  - The snapshot has the tier V(manual), so nothing deletes it by itself, and the time at which the restore stopped
    etcd, so that it is not taken for the newest. Where it was made already, it is returned.
  - The playbook C(kubeops.maintenance.restore) does it for C(restore_undo=ID).
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  id:
    description:
      - The restore. It has to be committed. From one that is not, M(kubeops.maintenance.etcd_restore) with
        C(state=rolled_back) goes back without loss.
    type: str
    required: true
  dir:
    description:
      - The directory that keeps the snapshots. Beside the snapshot it takes the room of the data for a while.
    type: path
    default: /var/backups/kubeops/etcd
  timeout:
    description:
      - Seconds that it may take to start the copy and to save the snapshot.
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
    details: Says what would be done, and whether anything is in the way.
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - Of several members whose etcd was killed, and not stopped, what was written at the last moment may be missing, for
    one member alone does not know whether the others have agreed to it.
  - The programs are those of the member's own release, as it runs them, as they were kept with its snapshots, or as the
    host has them.
seealso:
  - module: kubeops.maintenance.etcd_restore
  - module: kubeops.maintenance.etcd_restore_info
  - module: kubeops.maintenance.etcd_snapshot
"""

EXAMPLES = r"""
- name: Recover what was there before a restore
  kubeops.maintenance.etcd_snapshot_recover:
    id: 20261121T183000Z-4f2a90
  become: true
  register: recovered

- name: Say how it is called
  ansible.builtin.debug:
    var: recovered.snapshot.path
"""

RETURN = r"""
snapshot:
  description: The snapshot, with what its sidecar says, as RV(kubeops.maintenance.etcd_snapshot#module:snapshot). Its
    C(run_key) is V(before-restore-ID), C(started) is when the restore stopped etcd, and C(members) is the one that the
    copy has. V(null) where there is none, in check mode too.
  returned: always
  type: dict
  sample:
    path: /var/backups/kubeops/etcd/etcd-cp1-20261121T183012.345Z-manual-rev11840.db
    member: cp1
    revision: 11840
    tier: manual
    reason: what etcd had before the restore 20261121T183000Z-4f2a90
    run_key: before-restore-20261121T183000Z-4f2a90
checks:
  description: What was looked at before and meanwhile.
  returned: always
  type: list
  elements: dict
  sample:
    - name: room for the drill
      status: pass
      object: /var/backups/kubeops/etcd
      evidence: 395208284 bytes needed for a snapshot of 201340236 bytes, 52428800000 bytes free
      fix: ""
actions:
  description: What was done, in order; in check mode what would be done.
  returned: always
  type: list
  elements: str
durations:
  description: Seconds for C(lock), C(copy), C(save) and C(verify), and in C(total).
  returned: always
  type: dict
  sample: {lock: 0.0, copy: 0.4, save: 0.1, verify: 0.1, total: 1.9}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.member import unit
from ..module_utils._etcd.restore import recover
from ..module_utils._etcd.restore.report import Request


def work(module: AnsibleModule) -> dict[str, t.Any]:
    options = module.params
    request = Request(
        timeout=options["timeout"],
        lock_timeout=options["lock_timeout"],
        manifests=options["manifest_dir"],
        unit=unit.show(module.run_command),
        dry_run=module.check_mode,
    )
    return recover.run(request, recover.Wanted(options["id"], options["dir"]))


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "id": {"type": "str", "required": True},
            **arguments.DIRECTORY,
            "timeout": {"type": "int", "default": 600},
            **arguments.LOCK,
            **arguments.MANIFESTS,
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
