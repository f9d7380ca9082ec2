#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_extract
short_description: Write one object from a snapshot of etcd to a file
version_added: 0.1.0
description:
  - A restore brings a whole cluster back to where it was. This module brings back one object that was deleted or
    spoiled, and leaves the cluster alone.
  - The snapshot is verified first. The object is written as it is stored, which is how kube-apiserver takes it back.
    Custom resources are JSON. Built-in objects are protobuf, in the envelope that the API has for it. What is encrypted
    stays encrypted, see RV(note).
  - Works on any machine, without etcd and without a cluster.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  snapshot:
    description:
      - The snapshot, by its file name in O(dir) or by an absolute path.
      - V(newest) is the newest in O(dir) that has the object. Where that was deleted, it is the last from before its
        deletion.
    type: str
    required: true
  key:
    description:
      - The object's key in etcd, for example V(/registry/secrets/shop/tls). Instead of O(resource) and O(name).
    type: str
  resource:
    description:
      - The object's resource in plural, for example V(secrets) or V(widgets.example.com).
      - The group is needed for custom resources, and may be given for others (V(deployments.apps)).
    type: str
  namespace:
    description:
      - The object's namespace. None for what is in none.
    type: str
    default: ""
  name:
    description:
      - The object's name.
    type: str
  revision:
    description:
      - The object as it was at this revision of etcd, as far as the snapshot still has that, which is some minutes back
        in a cluster of Kubernetes. By default as it was when the snapshot was taken.
    type: int
  dest:
    description:
      - The file to write, in a directory that is there. It is for its owner alone, with mode 0600.
    type: path
    required: true
  force:
    description:
      - Whether a file with another content may be replaced.
    type: bool
    default: false
extends_documentation_fragment:
  - kubeops.maintenance._etcd.DIRECTORY
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.ACTION_GROUP
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: What objects contain is never part of a result.
  idempotent:
    support: full
seealso:
  - module: kubeops.maintenance.etcd_snapshot_info
"""

EXAMPLES = r"""
- name: Take a Secret that was deleted, from the last snapshot that has it
  kubeops.maintenance.etcd_snapshot_extract:
    snapshot: newest
    resource: secrets
    namespace: shop
    name: tls
    dest: /root/secret-shop-tls
  become: true

# kubectl proxy --port=8001 &
# curl --data-binary @/root/secret-shop-tls -H "Content-Type: application/vnd.kubernetes.protobuf"
#   http://127.0.0.1:8001/api/v1/namespaces/shop/secrets

- name: Take a custom resource from a copy on this machine
  kubeops.maintenance.etcd_snapshot_extract:
    snapshot: /srv/copies/etcd-cp1-20261120T101112.345Z-daily-rev10432.db
    resource: certificates.cert-manager.io
    namespace: shop
    name: tls
    dest: "{{ playbook_dir }}/certificate.json"
  delegate_to: localhost
"""

RETURN = r"""
snapshot:
  description: The snapshot that it was taken from.
  returned: success
  type: str
key:
  description: The object's key in etcd.
  returned: success
  type: str
resource:
  description: Its resource.
  returned: success
  type: str
namespace:
  description: Its namespace, empty where it is in none.
  returned: success
  type: str
name:
  description: Its name.
  returned: success
  type: str
revision:
  description: The revision at which it was written.
  returned: success
  type: int
revisions:
  description: The revisions at which it was written as far as the snapshot still has them, at most the last 20.
  returned: success
  type: list
  elements: int
format:
  description: V(json), V(protobuf), V(cbor), V(encrypted) or V(other).
  returned: success
  type: str
api_version:
  description: The version of the API in which it is stored, empty where that cannot be told.
  returned: success
  type: str
  sample: apps/v1
kind:
  description: Its kind, empty where that cannot be told.
  returned: success
  type: str
encryption:
  description: The C(provider) and the C(key) that encrypt it. V(null) where it is not encrypted.
  returned: success
  type: dict
size:
  description: Size of the file.
  returned: success
  type: int
note:
  description: What can be done with the file.
  returned: success
  type: str
dest:
  description: The file.
  returned: success
  type: str
actions:
  description: What was done; in check mode what would be done.
  returned: always
  type: list
  elements: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.database import layout
from ..module_utils._etcd.snapshots import inventory, store
from ..module_utils._etcd.snapshots.extract import Request, extract, newest


def run(module: AnsibleModule) -> dict[str, t.Any]:
    params = module.params
    try:
        request = Request(
            keys=keys(params),
            dest=params["dest"],
            revision=params["revision"],
            force=params["force"],
            dry_run=module.check_mode,
        )
        if params["snapshot"] == store.NEWEST:
            return newest(params["dir"], request)
        return extract(inventory.locate(params["dir"], params["snapshot"]), request)
    except MaintenanceError as error:
        error.data = {"changed": False, "actions": [], **error.data}
        raise


def keys(params: dict[str, t.Any]) -> list[bytes]:
    if params["key"]:
        return [params["key"].encode()]
    return layout.keys(params["resource"], params["namespace"], params["name"])


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "snapshot": {"type": "str", "required": True},
            **arguments.DIRECTORY,
            "key": {"type": "str", "no_log": False},
            "resource": {"type": "str"},
            "namespace": {"type": "str", "default": ""},
            "name": {"type": "str"},
            "revision": {"type": "int"},
            "dest": {"type": "path", "required": True},
            "force": {"type": "bool", "default": False},
        },
        required_one_of=[("key", "resource")],
        mutually_exclusive=[("key", "resource"), ("key", "name")],
        required_together=[("resource", "name")],
        supports_check_mode=True,
    )
    run_module(module, lambda: run(module))


if __name__ == "__main__":
    main()
