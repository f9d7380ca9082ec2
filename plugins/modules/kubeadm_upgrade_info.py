#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_upgrade_info
short_description: Checks and plan of a kubeadm cluster's upgrade
version_added: 0.1.0
description:
  - Compares what runs in the cluster with a version of Kubernetes, and says what would be done, in which order, and
    what stands in its way.
  - Reads the API, and takes from O(nodes) what only the nodes know.
  - An API of another cluster than the hosts is found out by the certificate authority, and forbids everything.
  - Findings do not make it fail - they are in RV(checks), and RV(ok) says whether one of them forbids the upgrade.
author:
  - kubeops.maintenance contributors (@kubeops)
extends_documentation_fragment:
  - kubeops.maintenance._kubernetes
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.info
  - kubeops.maintenance._attributes.action_group_api
options:
  version:
    description:
      - Version of Kubernetes to go to, C(X.Y.Z).
    type: str
    required: true
  nodes:
    description:
      - By inventory host what M(kubeops.maintenance.kubeadm_node_info) returned as C(node).
    type: dict
    required: true
  control_plane:
    description:
      - Inventory hosts of the control planes.
    type: list
    elements: str
    required: true
  backup_dir:
    description:
      - Directory on the control planes that a snapshot of etcd will go to. The room that it needs is checked, if
        M(kubeops.maintenance.kubeadm_node_info) measured it.
    type: path
seealso:
  - module: kubeops.maintenance.kubeadm_node_info
  - module: kubeops.maintenance.kubeadm_upgrade
"""

EXAMPLES = r"""
- name: Plan the upgrade
  kubeops.maintenance.kubeadm_upgrade_info:
    kubeconfig: /etc/kubernetes/admin.conf
    version: 1.37.1
    nodes: "{{ dict(groups['all'] | zip(groups['all'] | map('extract', hostvars, ['observed', 'node']))) }}"
    control_plane: "{{ groups['kube_control_plane'] }}"
  delegate_to: localhost
  run_once: true
  register: upgrade

- name: Show the plan
  ansible.builtin.debug:
    msg: "{{ upgrade.summary }}"

- name: Refuse what cannot end well
  ansible.builtin.assert:
    that: upgrade.ok
    fail_msg: "{{ upgrade.refusal }}"
"""

RETURN = r"""
plan:
  description: What has to be done to bring the cluster to O(version).
  returned: success
  type: dict
  contains:
    version:
      description: The target.
      type: str
      sample: 1.37.1
    from:
      description: Version of the oldest component of the control plane, null where none was found.
      type: str
      sample: 1.36.4
    hops:
      description: One entry for each minor on the way. More than one is refused by a check.
      type: list
      elements: str
      sample: ["1.37.1"]
    nodes:
      description: By inventory host C(node_name), C(from) (its running kubelet), C(to), C(control_plane), C(steps)
        in their order with C(component), C(from) and C(to), C(drain) (whether it is to be drained for its kubelet),
        C(in_work) (whether an upgrade that did not end has it in work), and C(parts) (whether the parts
        C(control_plane) and C(kubelet) of M(kubeops.maintenance.kubeadm_upgrade) have work to do).
      type: dict
    objects:
      description: Cluster objects that are behind, with C(component), C(from) and C(to) - C(kubelet-config),
        C(kubeadm-config), C(coredns), C(kube-proxy).
      type: list
      elements: dict
    empty:
      description: Whether there is nothing to do.
      type: bool
    begun:
      description: Whether there is something to do and changes towards the version have been made before - a static
        pod of the control plane or a kubelet is at it, an upgrade that did not end has a node in work, or has left
        something on a host.
      type: bool
checks:
  description: The findings, each with C(name), C(status) (V(pass), V(warn), V(fail) or V(skip)), C(object),
    C(evidence) and C(fix).
  returned: success
  type: list
  elements: dict
  sample:
    - name: no downgrade
      status: pass
      object: cluster
      evidence: nothing is newer than 1.37.1
      fix: ""
ok:
  description: Whether no check failed.
  returned: success
  type: bool
refusal:
  description: One sentence for each check that failed, empty if none did.
  returned: success
  type: str
summary:
  description: Plan and findings as lines to be read.
  returned: success
  type: list
  elements: str
"""

import typing as t

from ..module_utils._check import FAIL, failures
from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._kube import KubeError, api_module, connect
from ..module_utils._kubeadm import checks, cluster, plan, summary, versions


def observe(options: t.Mapping[str, t.Any]) -> tuple[cluster.Cluster, str]:
    """The cluster, and the address of the API that told about it."""
    try:
        api = connect(options)
        return cluster.read(api), api.server
    except KubeError as error:
        raise MaintenanceError(f"{error.msg}. {advice(options)}. Nothing was changed") from error


def advice(options: t.Mapping[str, t.Any]) -> str:
    """What to do about an API that does not answer."""
    for host, node in options["nodes"].items():
        moved = (node.get("unfinished") or {}).get("moved_away")
        if moved:
            return (
                f"On {host} an upgrade was killed while it moved the manifest of {', '.join(moved)}. "
                f"To put it back and go on there, run ansible {host} -b -m kubeops.maintenance.kubeadm_upgrade "
                f"-a 'version={options['version']} part=control_plane', then this again"
            )
    return (
        "An upgrade needs an API that answers: look at the control planes (crictl ps -a, journalctl -u kubelet), "
        "or at kubeconfig and servers"
    )


def make(options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    target = versions.parse(options["version"])
    (seen, server), facts = observe(options), options["nodes"]
    wanted = plan.wanted(target, seen, facts.values())
    made = plan.make(seen, target, facts)
    found = checks.preflight(seen, made, wanted, facts, options["control_plane"], options["backup_dir"], server)
    failed = failures(found)
    return {
        "changed": False,
        "plan": made.as_dict(),
        "checks": [check.as_dict() for check in found],
        "ok": not failed,
        "refusal": " ".join(f"{check.sentence().removeprefix(FAIL.upper()).strip()}." for check in failed),
        "summary": summary.lines(made, found),
    }


def main() -> None:
    module = api_module(
        argument_spec={
            "version": {"type": "str", "required": True},
            "nodes": {"type": "dict", "required": True},
            "control_plane": {"type": "list", "elements": "str", "required": True},
            "backup_dir": {"type": "path"},
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: make(module.params))


if __name__ == "__main__":
    main()
