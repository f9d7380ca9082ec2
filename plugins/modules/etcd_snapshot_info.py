#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_info
short_description: List snapshots of etcd, verify them, and tell what they hold
version_added: 0.1.0
description:
  - Reads the sidecars of the snapshots that M(kubeops.maintenance.etcd_snapshot) has taken, newest first.
  - Reads the files themselves on demand. It verifies them, counts the objects in them, or compares two of them.
  - Works on any machine, without etcd and without a cluster, and takes some 25 MB of memory and 16 bytes for each row
    of the database.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  names:
    description:
      - File names of the snapshots to look at, without their directory. By default all.
    type: list
    elements: str
    default: []
  path:
    description:
      - One snapshot anywhere to look at instead, for example a copy. Where it has no sidecar beside it, it is read
        whole as with O(verify).
    type: path
  verify:
    description:
      - Read each file whole, and compare it with its checksum, with the structure of a database and with its sidecar.
    type: bool
    default: false
  inspect:
    description:
      - Read each file whole as with O(verify), and count the objects of each resource and namespace in it, see
        RV(snapshots[].contents).
    type: bool
    default: false
  diff:
    description:
      - Compare two snapshots instead, see RV(difference). Both are read whole.
      - An object has changed where etcd has written it again in between, with whatever content.
    type: dict
    suboptions:
      from:
        description: The earlier one, by its file name in O(dir) or by an absolute path.
        type: str
        required: true
      to:
        description: The later one.
        type: str
        required: true
      most_names:
        description: So many names of objects are listed at most of each resource and namespace.
        type: int
        default: 20
extends_documentation_fragment:
  - kubeops.maintenance._etcd.DIRECTORY
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.INFO
  - kubeops.maintenance._attributes.ACTION_GROUP
notes:
  - A damaged snapshot is no failure of the task, see RV(ok). Only O(diff) needs two whole ones.
  - What objects contain is never part of the result.
seealso:
  - module: kubeops.maintenance.etcd_snapshot
  - module: kubeops.maintenance.etcd_snapshot_extract
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

- name: What does the copy on this machine hold?
  kubeops.maintenance.etcd_snapshot_info:
    path: /srv/copies/etcd-cp1-20261120T101112.345Z-daily-rev10432.db
    inspect: true
  delegate_to: localhost

- name: What has been deleted since yesterday?
  kubeops.maintenance.etcd_snapshot_info:
    diff:
      from: etcd-cp1-20261119T101112.345Z-daily-rev8211.db
      to: etcd-cp1-20261120T101112.345Z-daily-rev10432.db
  become: true
"""

RETURN = r"""
ok:
  description: Whether nothing is wrong with any of them, as far as was looked.
  returned: success
  type: bool
summary:
  description: One line for each, as a table to print. With O(inspect) a table for each, with O(diff) sentences and one
    table.
  returned: success
  type: list
  elements: str
snapshots:
  description: The snapshots, newest first, with what their sidecars say. With O(diff) those two.
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
      description: Whether the file was read just now and is what its sidecar describes. V(null) where it was not read.
      type: bool
      returned: always
    trouble:
      description: What is wrong with it, empty where nothing is.
      type: str
      returned: always
    contents:
      description: What the snapshot holds. V(null) where it is damaged.
      type: dict
      returned: with O(inspect)
      contains:
        revision:
          description: Revision of the last change in it.
          type: int
        live_keys:
          description: Number of keys.
          type: int
        rows:
          description: Number of rows, old revisions of keys included.
          type: int
        size:
          description: Size of the file in bytes.
          type: int
        sha256:
          description: Checksum of the file.
          type: str
        kube_system_uid:
          description: UID of the namespace C(kube-system), which tells Kubernetes clusters apart.
          type: str
        members:
          description: Members of the cluster.
          type: list
          elements: dict
        storage_version:
          description: Version of the database's layout. Empty before etcd 3.6.
          type: str
        cluster_version:
          description: Version that all members of the cluster keep to.
          type: str
        objects:
          description: Number of objects.
          type: int
        resources:
          description: The objects by resource, C(pods) for example, or C(widgets.example.com) for a custom one. What is
            not Kubernetes' is told by the first segment of its key.
          type: list
          elements: dict
          contains:
            resource:
              description: Name of the resource.
              type: str
            objects:
              description: Number of objects.
              type: int
            bytes:
              description: Size of them as they are stored, with their keys.
              type: int
            namespaces:
              description: Number of objects in each namespace. Empty for a resource that is in none.
              type: dict
            encryption:
              description: With what so many of the objects are encrypted. The provider C(identity) encrypts nothing.
              type: list
              elements: dict
        encryption:
          description: The keys that kube-apiserver needs to read the objects.
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
difference:
  description: What came, went and changed between the two.
  returned: with O(diff)
  type: dict
  contains:
    from:
      description: The earlier one, by C(path), C(revision), C(keys) and C(kube_system_uid).
      type: dict
    to:
      description: The later one.
      type: dict
    same_cluster:
      description: Whether both are of the same Kubernetes cluster. V(null) where they do not say.
      type: bool
    added:
      description: Number of objects that only the later one has.
      type: int
    removed:
      description: Number of objects that only the earlier one has.
      type: int
    changed:
      description: Number of objects that were written again in between.
      type: int
    resources:
      description: The same by C(resource) and C(namespace), with the first names of each kind as C(added_names),
        C(removed_names) and C(changed_names).
      type: list
      elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.snapshots import comparison, inspection, inventory


def look(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    if params["diff"]:
        return difference(params["dir"], params["diff"])
    how = inventory.Look(params["verify"], params["inspect"])
    if params["path"]:
        found = [inventory.read_one(params["path"], how)]
    else:
        found = inventory.read(params["dir"], params["names"], how)
    summary = inventory.table(found)
    for one in found:
        if one.get("contents"):
            summary += ["", *inspection.lines(one["name"], one["contents"])]
    return result(found, summary)


def difference(directory: str, wanted: dict[str, t.Any]) -> dict[str, t.Any]:
    before, after = (inventory.locate(directory, wanted[name]) for name in ("from", "to"))
    compared = comparison.compare(before, after, wanted["most_names"])
    found = [inventory.read_one(path, inventory.Look()) for path in (before, after)]
    return {**result(found, comparison.sentences(compared)), "difference": compared}


def result(found: list[dict[str, t.Any]], summary: list[str]) -> dict[str, t.Any]:
    return {
        "changed": False,
        "ok": not any(one["trouble"] for one in found),
        "snapshots": found,
        "summary": summary,
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            **arguments.DIRECTORY,
            "names": {"type": "list", "elements": "str", "default": []},
            "path": {"type": "path"},
            "verify": {"type": "bool", "default": False},
            "inspect": {"type": "bool", "default": False},
            "diff": {
                "type": "dict",
                "options": {
                    "from": {"type": "str", "required": True},
                    "to": {"type": "str", "required": True},
                    "most_names": {"type": "int", "default": 20},
                },
            },
        },
        mutually_exclusive=[("diff", "path"), ("diff", "inspect"), ("diff", "verify")],
        supports_check_mode=True,
    )
    run_module(module, lambda: look(module))


if __name__ == "__main__":
    main()
