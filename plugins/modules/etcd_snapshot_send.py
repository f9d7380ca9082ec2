#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_send
short_description: Bring snapshots of etcd from the controller to a node, and verify them there
version_added: 0.1.0
description:
  - Brings the snapshots in a directory of the controller, with the archives and sidecars beside them, to a directory of
    the node. What is there already is not brought again.
  - A file goes in packed pieces, so neither side has more than one of them in memory. M(ansible.builtin.copy) needs
    room for the whole file in the home of the connection's user, and leaves it there where the connection breaks.
  - A snapshot that has arrived is verified as M(kubeops.maintenance.etcd_snapshot) verifies it when it is taken, and
    compared with its sidecar. Only then it gets its name. A transfer that was broken off goes on with the next run.
  - Files are made with mode 0600 and directories with mode 0700.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  src:
    description:
      - The directory of the controller.
    type: path
    required: true
  dir:
    description:
      - The directory of the node. It is made where it is missing, and refused where everybody may write to it.
    type: path
    default: /var/backups/kubeops/etcd
  names:
    description:
      - File names of the snapshots. By default all of the cluster that the newest one is of.
    type: list
    elements: str
    default: []
  tools:
    description:
      - Also bring the programs of etcd that are kept with the snapshots, where the node keeps none of their release.
        Without them, whoever restores there has to find them elsewhere.
      - They are compared with the sidecars of the snapshots. What they are kept in is C(tools/etcd-VERSION).
    type: bool
    default: false
  lock_timeout:
    description:
      - Seconds to wait for maintenance of the node's member to end, before what has arrived gets its name.
    type: int
    default: 120
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: full
notes:
  - The snapshots hold all Secrets of the cluster. They are in no result of a task and in no log.
seealso:
  - module: kubeops.maintenance.etcd_snapshot_fetch
"""

EXAMPLES = r"""
- name: Have the snapshots of another control plane, too
  kubeops.maintenance.etcd_snapshot_send:
    src: /srv/backups/etcd/production
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
