#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_restore_info
short_description: Tell what a host knows that a restore of its etcd cluster depends on
version_added: 0.1.0
description:
  - Looks at this host's member of etcd, at its database where it does not answer, at the snapshots in a directory, and
    at the restores of this member, also while the member is stopped for one of them.
  - What it says on all hosts is what the filter P(kubeops.maintenance.restore_plan#filter) makes a plan of.
  - With O(id), it also tells what a restore has taken away and brought back.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  name:
    description:
      - File name of the snapshot that is to be restored, or V(newest). That is the newest of this host's cluster, else
        the newest of all, and none that a drill could not restore.
    type: str
    default: newest
  id:
    description:
      - A restore to report on. The data of before is compared with the snapshot; both are read whole.
    type: str
  before:
    description:
      - A committed restore of which RV(previous) is wanted.
    type: str
  most_names:
    description:
      - So many names are listed at most of the nodes, pods and volumes in RV(report).
    type: int
    default: 20
extends_documentation_fragment:
  - kubeops.maintenance._etcd.DIRECTORY
  - kubeops.maintenance._etcd.MANIFESTS
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.INFO
  - kubeops.maintenance._attributes.ACTION_GROUP
notes:
  - A host without a member of etcd, and a member that does not answer, are no failure of the task.
seealso:
  - module: kubeops.maintenance.etcd_restore
  - plugin: kubeops.maintenance.restore_plan
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Look at every member
  kubeops.maintenance.etcd_restore_info:
    name: etcd-cp1-20261120T101112.345Z-manual-rev10432.db
  become: true
  register: found

- name: What did the snapshot not know?
  kubeops.maintenance.etcd_restore_info:
    id: 20261121T183000Z-4f2a90
  become: true
  register: restored

- name: Show it
  ansible.builtin.debug:
    msg: "{{ restored.report.lines }}"
  when: restored.report is not none
"""

RETURN = r"""
member:
  description: The member of this host. V(null) where it has none.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    peer_urls:
      description: Where the other members reach it.
      type: list
      elements: str
    data_dir:
      description: Its data directory.
      type: str
    version:
      description: The release that it runs, or that would be started. Empty where that is not known.
      type: str
    endpoint:
      description: Where it is asked.
      type: str
    managed_by:
      description: C(static pod) or C(systemd).
      type: str
  sample:
    name: cp1
    peer_urls: ["https://192.0.2.11:2380"]
    data_dir: /var/lib/etcd
    version: 3.6.16
    endpoint: https://127.0.0.1:2379
    managed_by: static pod
live:
  description: What the member holds now, as it says itself, or else as its database does. V(null) where neither tells.
  returned: success
  type: dict
  contains:
    answers:
      description: Whether the member itself has said it.
      type: bool
    cluster_id:
      description: Id of the etcd cluster. Empty where the member does not answer.
      type: str
    revision:
      description: Revision that it has reached.
      type: int
    kube_system_uid:
      description: UID of the namespace C(kube-system). Empty where there is none, or none that can be read.
      type: str
    members:
      description: The members that it knows, and with C(trouble) why one does not answer from here.
      type: list
      elements: dict
    apiservers:
      description: Addresses of the API servers that run, as they have told this member. None where it does not answer.
      type: list
      elements: str
  sample:
    answers: true
    apiservers: [192.0.2.11]
    cluster_id: 8cc9da78b36d1115
    revision: 11840
    kube_system_uid: 5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50
    members: [{id: ac7c97ef0ec193b0, name: cp1, peer_urls: ["https://192.0.2.11:2380"], is_learner: false, trouble: ""}]
trouble:
  description: Why the member, or its database, does not say more. Empty where it answers.
  returned: success
  type: str
snapshot:
  description: The snapshot, with what its sidecar says. V(null) where this host has none such.
  returned: success
  type: dict
  sample:
    name: etcd-cp1-20261120T101112.345Z-manual-rev10432.db
    path: /var/backups/kubeops/etcd/etcd-cp1-20261120T101112.345Z-manual-rev10432.db
    sha256: b87116f76834a729fe577926dd76d9ab0a60cfca2a0549ca8af0f1639e460ac4
    revision: 10432
    live_keys: 312
    kube_system_uid: 5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50
    etcd_version: 3.6.16
encryption:
  description: C(file) and C(keys) (provider and name) of the API server's EncryptionConfiguration. V(null) where there
    is no API server, C(keys) V(null) where the file could not be read.
  returned: success
  type: dict
  sample: {file: /etc/kubernetes/encryption-config.yaml, keys: [[secretbox, key1]]}
clusters:
  description: Of which clusters the other snapshots here are, by the UID of C(kube-system) or else etcd's id, and the
    highest revision of each.
  returned: success
  type: dict
  sample: {5b9cf6c8-7a52-4e0b-9c3c-0f0f3a2b8a50: 11790}
unfinished:
  description: The plan of a restore of this member that is not finished, as
    RV(kubeops.maintenance.etcd_restore#module:plan). Of several it is the one that is under way, else one that was only
    prepared, else the last that was committed. V(null) where there is none.
  returned: success
  type: dict
restores:
  description: The plans of those that are committed, finished or superseded, or were taken back, the oldest first,
    until they are cleaned. RV(unfinished) is not among them.
  returned: success
  type: list
  elements: dict
previous:
  description: Of the restore O(before), which C(revision) the database that it has set aside is at. V(null) where there
    is none, or none any more.
  returned: success
  type: dict
  sample: {id: 20261121T183000Z-4f2a90, revision: 11840}
report:
  description: What the restore O(id) has taken away and brought back. V(null) where it is not known here.
  returned: success
  type: dict
  contains:
    id:
      description: The restore.
      type: str
    from:
      description: The data of before, by C(revision), C(keys) and C(kube_system_uid).
      type: dict
    to:
      description: The snapshot, likewise.
      type: dict
    lost:
      description: Number of objects that were there and are not in the snapshot.
      type: int
    back:
      description: Number of objects in the snapshot that had been deleted.
      type: int
    changed:
      description: Number of objects that are again as they were then.
      type: int
    resources:
      description: The same for each C(resource).
      type: list
      elements: dict
    names:
      description: Of C(nodes), C(pods) and C(persistentvolumes) the names of those that are C(lost) and C(back), with
        their namespaces.
      type: dict
    lines:
      description: All of it as lines to print.
      type: list
      elements: str
  sample:
    id: 20261121T183000Z-4f2a90
    lost: 2
    back: 1
    changed: 14
    names:
      nodes: {lost: [w3], back: []}
      pods: {lost: [shop/web-5d9], back: [shop/web-1c2]}
      persistentvolumes: {lost: [], back: []}
report_trouble:
  description: Why there is no RV(report), empty where there is one.
  returned: success
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.member import unit
from ..module_utils._etcd.restore import facts
from ..module_utils._etcd.snapshots import store


def look(module: AnsibleModule) -> dict[str, t.Any]:
    options = module.params
    asked = facts.Look(
        directory=options["dir"],
        name=options["name"],
        report_on=options["id"] or "",
        before=options["before"] or "",
        most_names=options["most_names"],
        manifests=options["manifest_dir"],
        unit=unit.show(module.run_command),
    )
    return {"changed": False, **facts.read(asked)}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "default": store.NEWEST},
            **arguments.DIRECTORY,
            "id": {"type": "str"},
            "before": {"type": "str"},
            "most_names": {"type": "int", "default": 20},
            **arguments.MANIFESTS,
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: look(module))


if __name__ == "__main__":
    main()
