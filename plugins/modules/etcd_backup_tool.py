#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_backup_tool
short_description: Install the program that takes snapshots of etcd by the clock
version_added: 0.1.0
description:
  - Makes one file of the collection's own sources, the same as M(kubeops.maintenance.etcd_snapshot) runs, and copies it
    to the node as M(ansible.builtin.copy) does.
  - It needs Python 3.9 or later and nothing else, neither Ansible nor a controller. Its configuration is
    C(/etc/kubeops/etcd-backup.json).
  - The same sources make the same bytes, so the task is changed only where the program is another one.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  dest:
    description:
      - Where to put it. The directory has to be there.
    type: path
    required: true
  python:
    description:
      - The node's Python, which runs it.
    type: path
    required: true
attributes:
  action:
    description: Has a part that runs on the controller.
    support: full
    details: It makes the program there. Copying it is the work of M(ansible.builtin.copy).
  check_mode:
    support: full
  diff_mode:
    support: full
    details: Shows the version, and none of its bytes.
  idempotent:
    support: full
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
seealso:
  - module: kubeops.maintenance.etcd_backup_schedule_info
"""

EXAMPLES = r"""
- name: Install the program
  kubeops.maintenance.etcd_backup_tool:
    dest: /usr/local/lib/kubeops/etcd-backup.pyz
    python: /usr/bin/python3
  become: true
"""

RETURN = r"""
version:
  description: What the program answers to C(--version), with the beginning of its sources' checksum.
  returned: success
  type: str
  sample: kubeops.maintenance 0.1.0 (9dedc7a3ee38)
"""
