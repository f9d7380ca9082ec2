#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_info
short_description: Tell what the members of etcd are and whether they are well
version_added: 0.1.0
description:
  - Asks every member of the cluster by itself, through etcd's JSON gateway, so neither C(etcdctl) nor any Python
    package is needed on the node.
  - Where etcd is, the node itself tells. The static pod manifest of its member comes first, then C(etcd.service) of
    systemd with its environment files, then the flags of the node's kube-apiserver, whose members are elsewhere.
  - Members that look healthy may still hold different data, as after a restore from different files. So all of them
    hash their data at one revision, and the hashes are compared.
author:
  - kubeops.maintenance contributors (@kubeops)
options:
  compare_data:
    description:
      - Have the members hash their data, and compare. Each of them reads all of it for that.
    type: bool
    default: true
extends_documentation_fragment:
  - kubeops.maintenance._etcd.MANIFESTS
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.INFO
  - kubeops.maintenance._attributes.ACTION_GROUP
notes:
  - An ill member is no failure of the task, see RV(ok). A cluster of which no member answers is one.
  - Settings that etcd reads from a configuration file (C(--config-file)) are not read, and refused.
seealso:
  - module: kubeops.maintenance.etcd_snapshot
"""

EXAMPLES = r"""
- name: Look at etcd
  kubeops.maintenance.etcd_info:
  become: true
  register: etcd

- name: Stop where a member is ill
  ansible.builtin.assert:
    that: etcd.ok
    fail_msg: "{{ etcd.summary | join('\n') }}"
"""

RETURN = r"""
ok:
  description: Whether no check fails.
  returned: success
  type: bool
checks:
  description: The checks, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - name: etcd data equal
      status: pass
      object: etcd
      evidence: the same on 3 members at revision 10432
      fix: ""
summary:
  description: The checks that do not pass, or that all do, as lines to print.
  returned: success
  type: list
  elements: str
source:
  description: The manifest, unit or flags that told where etcd is.
  returned: success
  type: str
  sample: /etc/kubernetes/manifests/etcd.yaml
apiserver:
  description: Whether the node is a control plane, with the static pod of a kube-apiserver.
  returned: success
  type: bool
member:
  description: Name of the member on this node, empty where it has none.
  returned: success
  type: str
  sample: cp1
data_dir:
  description: Data directory of the member on this node, empty where it has none.
  returned: success
  type: str
  sample: /var/lib/etcd
cluster_id:
  description: Id of the cluster, as C(etcdctl) shows it. Empty where no member answers what it is.
  returned: success
  type: str
  sample: 8cc9da78b36d1115
leader:
  description: Name of the member that leads, empty where the members do not agree on one.
  returned: success
  type: str
  sample: cp1
alarms:
  description: Alarms that members have raised.
  returned: success
  type: list
  elements: dict
  sample: [{member: cp1, kind: NOSPACE}]
snapshot_members:
  description:
    - Names of the members that may take a snapshot, the one whose turn it is first. Followers go round by the hour and
      the day, the leader comes last. All members tell the same within an hour.
    - Left out are members that do not answer, do not vote, know no leader, have raised an alarm or are too far behind.
      The checks C(etcd snapshot member) say who and why.
  returned: success
  type: list
  elements: str
  sample: [cp2, cp3, cp1]
members:
  description: The members. What was not answered is V(null).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Its name, empty before it has started for the first time.
      type: str
      returned: always
    id:
      description: Its id.
      type: str
      returned: always
    peer_urls:
      description: Where the other members reach it.
      type: list
      elements: str
      returned: always
    client_urls:
      description: Where clients reach it.
      type: list
      elements: str
      returned: always
    is_learner:
      description: Whether it only follows and does not vote.
      type: bool
      returned: always
    endpoint:
      description: Where it was asked.
      type: str
      returned: always
    trouble:
      description: Why it did not answer, empty where it did.
      type: str
      returned: always
    version:
      description: Its version.
      type: str
      returned: always
    storage_version:
      description: Version of its data, from etcd 3.6 on.
      type: str
      returned: always
    revision:
      description: Revision that it has reached.
      type: int
      returned: always
    raft_index:
      description: Last entry of its log.
      type: int
      returned: always
    raft_applied_index:
      description: Last entry that it has applied.
      type: int
      returned: always
    db_size:
      description: Bytes of its database file.
      type: int
      returned: always
    db_size_in_use:
      description: Bytes of it that are in use.
      type: int
      returned: always
    quota:
      description: Bytes that the file may have. V(null) where neither the member nor this node tells.
      type: int
      returned: always
    hash:
      description: Hash of its data, as C(etcdctl endpoint hashkv) has it.
      type: dict
      returned: always
      sample: {revision: 10432, compact_revision: 9876, hash: 991494263}
"""

import dataclasses
import datetime
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._check import PASS, SKIP, failures
from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.archive import control_plane
from ..module_utils._etcd.database import live
from ..module_utils._etcd.member import choose, cluster_health, topology, unit
from ..module_utils._etcd.member.cluster import Cluster, Seen, survey
from ..module_utils._etcd.member.local_member import Access, LocalMember

STATUS = ("version", "storage_version", "revision", "raft_index", "raft_applied_index", "db_size", "db_size_in_use")


def ways(manifests: str, shown: str) -> tuple[list[Access], str]:
    """Whom to ask, and what told it."""
    local = topology.find(manifests, shown)
    if local:
        return [local], local.source
    elsewhere = topology.of_apiserver(manifests)
    if not elsewhere:
        raise MaintenanceError(
            f"this node knows no etcd: there is neither etcd.yaml nor kube-apiserver.yaml in {manifests}, and systemd"
            f" has no {unit.NAME}. Run the task on a control plane, or where a member of etcd runs"
        )
    return elsewhere, "the flags of kube-apiserver"


def describe(seen: Seen, found: Cluster) -> dict[str, t.Any]:
    hashed = found.hashes.get(seen.member.id)
    return {
        **seen.member.as_dict(),
        "endpoint": seen.endpoint,
        "trouble": seen.trouble,
        **{name: getattr(seen.status, name) if seen.status else None for name in STATUS},
        "quota": seen.quota or None,
        "hash": dataclasses.asdict(hashed) if hashed else None,
    }


def look(module: AnsibleModule) -> dict[str, t.Any]:
    asked, source = ways(module.params["manifest_dir"], unit.show(module.run_command))
    local = asked[0] if isinstance(asked[0], LocalMember) else None
    found = survey(asked, module.params["compare_data"])
    choice = choose.members(found, choose.turn(datetime.datetime.now(datetime.timezone.utc)))
    checks = cluster_health.checks(found, live.members(local.data_dir) if local else None) + choice.checks()
    names = {seen.member.id: seen.name for seen in found.members}
    said = [seen.status for seen in found.answering if seen.status]
    leaders = {status.leader for status in said}
    return {
        "changed": False,
        "ok": not failures(checks),
        "checks": [check.as_dict() for check in checks],
        "summary": [check.sentence() for check in checks if check.status not in (PASS, SKIP)]
        or [f"etcd is well: {len(found.members)} members, {len(checks)} checks"],
        "source": source,
        "apiserver": control_plane.has_apiserver(module.params["manifest_dir"]),
        "member": local.name if local else "",
        "data_dir": local.data_dir if local else "",
        "cluster_id": said[0].cluster_id if said else "",
        "leader": names.get(leaders.pop(), "") if len(leaders) == 1 else "",
        "alarms": [{"member": names.get(one.member_id, one.member_id), "kind": one.kind} for one in found.alarms or ()],
        "snapshot_members": list(choice.members),
        "members": [describe(seen, found) for seen in found.members],
    }


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "compare_data": {"type": "bool", "default": True},
            **arguments.MANIFESTS,
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: look(module))


if __name__ == "__main__":
    main()
