#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_fetch
short_description: Bring snapshots of etcd from a node to the controller, and verify them there
version_added: 0.1.0
description:
  - Brings the snapshots in a directory of the node, with the archives and sidecars beside them, to a directory of the
    controller. What is there already is not brought again.
  - A file comes in packed pieces, so neither side has more than one of them in memory, and whatever connection and
    C(become) the task has is used. M(ansible.builtin.fetch) with C(become) has the whole file in memory several times.
  - A snapshot that has arrived is verified as M(kubeops.maintenance.etcd_snapshot) verifies it when it is taken, and
    compared with its sidecar. Only then it gets its name. A transfer that was broken off goes on with the next run.
  - Files are made with mode 0600 and directories with mode 0700, for the user that runs Ansible.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  dir:
    description:
      - The directory of the node.
    type: path
    default: /var/backups/kubeops/etcd
  dest:
    description:
      - The directory of the controller. It is made where it is missing, and refused where everybody may write to it.
      - Without, one below C(local_tmp), which Ansible removes when it ends. That is for what is only on its way to
        other hosts.
    type: path
  names:
    description:
      - File names of the snapshots. By default all of the cluster that the newest one is of.
    type: list
    elements: str
    default: []
  tools:
    description:
      - Also bring the programs of etcd that are kept with the snapshots, where the controller keeps none of their
        release. Without them, whoever restores there has to find them elsewhere.
      - They are compared with the sidecars of the snapshots. What they are kept in is C(tools/etcd-VERSION).
    type: bool
    default: false
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details: Without O(dest), each run of Ansible brings everything anew.
notes:
  - The snapshots hold all Secrets of the cluster. They are in no result of a task and in no log; with C(ANSIBLE_DEBUG)
    they would be, so the task is refused then.
  - To run it on a node, O(dir) has to be readable there, which takes C(become).
seealso:
  - module: kubeops.maintenance.etcd_snapshot_send
  - module: kubeops.maintenance.etcd_snapshot_upload
"""

EXAMPLES = r"""
- name: Have all snapshots here, too
  kubeops.maintenance.etcd_snapshot_fetch:
    dest: /srv/backups/etcd/production
  become: true
"""

RETURN = r"""
to:
  description: The directory that they were brought to.
  returned: always
  type: str
copied:
  description: File names of the snapshots that were brought, or would be.
  returned: always
  type: list
  elements: str
present:
  description: File names of the snapshots that were there already.
  returned: always
  type: list
  elements: str
gone:
  description: Always empty.
  returned: always
  type: list
  elements: str
checks:
  description: Always empty.
  returned: always
  type: list
  elements: dict
actions:
  description: What was done, in order; in check mode what would be done.
  returned: always
  type: list
  elements: str
durations:
  description: Seconds for each part of the run.
  returned: always
  type: dict
  contains:
    lock:
      description: Always 0.
      type: float
    transfer:
      description: Bringing the pieces.
      type: float
    verify:
      description: Verifying what has arrived.
      type: float
    read_back:
      description: Always 0.
      type: float
    total:
      description: All of it.
      type: float
"""
