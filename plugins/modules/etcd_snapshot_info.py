#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_info
short_description: List the snapshots in a directory, and verify them
version_added: 0.1.0
description:
  - Reads the sidecars of the snapshots that M(kubeops.maintenance.etcd_snapshot) has taken, newest first.
  - Works on any machine, without etcd and without a cluster.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  dir:
    description:
      - The directory that keeps the snapshots.
    type: path
    default: /var/backups/kubeops/etcd
  names:
    description:
      - File names of the snapshots to look at, without their directory. By default all.
    type: list
    elements: str
    default: []
  verify:
    description:
      - Read each file whole, and compare it with its checksum, with the structure of a database and with its sidecar.
    type: bool
    default: false
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.INFO
  - kubeops.maintenance._attributes.ACTION_GROUP
notes:
  - A damaged snapshot is no failure of the task, see RV(ok).
seealso:
  - module: kubeops.maintenance.etcd_snapshot
"""

EXAMPLES = r"""
- name: Verify all snapshots
  kubeops.maintenance.etcd_snapshot_info:
    verify: true
  become: true
  register: found

- name: Stop where one is damaged
  ansible.builtin.assert:
    that: found.ok
    fail_msg: "{{ found.snapshots | selectattr('trouble') | map(attribute='trouble') | join('; ') }}"
"""

RETURN = r"""
ok:
  description: Whether nothing is wrong with any of them, as far as was looked.
  returned: success
  type: bool
summary:
  description: One line for each, as a table to print.
  returned: success
  type: list
  elements: str
snapshots:
  description: The snapshots, newest first, with what their sidecars say.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: File name.
      type: str
      returned: always
    path:
      description: The file.
      type: str
      returned: always
    verified:
      description: Whether the file was read just now and is what its sidecar describes. V(null) without O(verify).
      type: bool
      returned: always
    trouble:
      description: What is wrong with it, empty where nothing is.
      type: str
      returned: always
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import inventory


def look(module: AnsibleModule) -> dict[str, t.Any]:
    found = inventory.read(module.params["dir"], module.params["names"], module.params["verify"])
    return {
        "changed": False,
        "ok": not any(one["trouble"] for one in found),
        "snapshots": found,
        "summary": inventory.table(found),
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "dir": {"type": "path", "default": "/var/backups/kubeops/etcd"},
            "names": {"type": "list", "elements": "str", "default": []},
            "verify": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: look(module))


if __name__ == "__main__":
    main()
