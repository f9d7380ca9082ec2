#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_node_info
short_description: What a node of a kubeadm cluster runs
version_added: 0.1.0
description:
  - Observes the node that it runs on, without asking the API - packages and holds, the kubelet that runs (not only
    the one that is installed), static pods, the etcd member and its health, disk space, and what an unfinished
    upgrade left.
  - Its result is the input of M(kubeops.maintenance.kubeadm_upgrade_info).
author:
  - kubeops.maintenance contributors (@kubeops)
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.info
  - kubeops.maintenance._attributes.action_group
options:
  version:
    description:
      - Version of Kubernetes that is asked for in O(package_repository).
      - Without it no repository is asked.
    type: str
  package_repository:
    description:
      - URL under which the package repositories of all minors are, in the layout of V(https://pkgs.k8s.io).
      - User and password in it (C(https://user:password@host)) appear neither in messages nor in the result.
    type: str
    default: https://pkgs.k8s.io
  backup_dir:
    description:
      - Directory on the node that snapshots will go to. Its free space is measured; it need not exist yet.
    type: path
  settle_timeout:
    description:
      - Seconds to wait for an upgrade that a killed run left running on this node, before the node is observed.
      - The module fails when it still runs then. V(0) does not wait, and says in RV(node.unfinished) what runs.
    type: int
    default: 0
  manifest_dir:
    description:
      - Directory of the static pod manifests.
    type: path
    default: /etc/kubernetes/manifests
notes:
  - Runs on the node, as root.
seealso:
  - module: kubeops.maintenance.kubeadm_upgrade_info
  - module: kubeops.maintenance.kubeadm_upgrade
"""

EXAMPLES = r"""
- name: Learn what the node runs, and whether 1.37.1 is in its package repository
  kubeops.maintenance.kubeadm_node_info:
    version: 1.37.1
    backup_dir: /var/backups/kubeops/etcd
    settle_timeout: 900
  become: true
  register: observed
"""

RETURN = r"""
node:
  description: What the node runs.
  returned: success
  type: dict
  contains:
    node_name:
      description: Name of the node in the cluster, from the certificate that its kubelet shows.
      type: str
      sample: cp1
    cluster_ca:
      description: SHA-256 of the certificates in C(/etc/kubernetes/pki/ca.crt), by which the cluster is known. Null
        where the file is absent.
      type: list
      elements: str
    control_plane:
      description: Whether the node has a manifest of C(kube-apiserver), or an unfinished run has one to give back.
      type: bool
    package_manager:
      description: V(apt) or V(dnf).
      type: str
    packages:
      description: Of C(kubeadm), C(kubelet) and C(kubectl) each C(version), C(package) and C(held), or null where it
        is not installed as a package.
      type: dict
      sample: {"kubeadm": {"version": "1.36.4", "package": "1.36.4-1.1", "held": true}}
    available:
      description: Of C(kubeadm), C(kubelet) and C(kubectl) each the newest package of O(version), or null where the
        repository has none. Null when O(version) is not given.
      type: dict
      sample: {"kubeadm": "1.37.1-1.1", "kubelet": "1.37.1-1.1", "kubectl": "1.37.1-1.1"}
    kubelet:
      description: The kubelet's process - C(running) is the version of the program that runs, C(active) the state of
        its unit, C(started) when it started, C(program) the path of the program.
      type: dict
      sample: {"running": "1.36.4", "active": true, "started": "2026-11-20T10:00:00Z", "program": "/usr/bin/kubelet"}
    static_pods:
      description: C(image) and C(version) of C(etcd), C(kube-apiserver), C(kube-controller-manager) and
        C(kube-scheduler), as far as the node has their manifests.
      type: dict
      sample: {"kube-apiserver": {"image": "registry.k8s.io/kube-apiserver:v1.36.4", "version": "1.36.4"}}
    apiserver:
      description: C(advertise_address), C(port) and C(url) of the node's own C(kube-apiserver), null on a worker.
      type: dict
      sample: {"advertise_address": "192.0.2.11", "port": 6443, "url": "https://192.0.2.11:6443"}
    etcd:
      description: The node's etcd member, null where it has none - C(name), C(endpoint), C(data_dir), C(data_bytes)
        of the whole directory, C(db_bytes) of the database, C(healthy) and the C(evidence) for it.
      type: dict
    disk:
      description: By directory C(free_bytes), and C(device), which is the same for directories of one filesystem.
      type: dict
      sample: {"/var/lib/etcd": {"free_bytes": 21474836480, "device": 65024}}
    cgroup:
      description: Version of the control groups.
      type: int
    kubeadm_images:
      description: Version of the installed C(kubeadm), and the tags of C(etcd), C(coredns) and C(pause) that it
        brings along. Null on a worker.
      type: dict
      sample: {"kubeadm": "1.36.4", "etcd": "3.6.8-0", "coredns": "v1.14.2", "pause": "3.10.2"}
    unfinished:
      description: What an upgrade left that did not end - its C(unit) and whether it is C(running), the
        C(upgraded_manifests) directories of kubeadm, and components whose manifest it had just C(moved_away).
      type: dict
      sample: {"unit": null, "running": false, "upgraded_manifests": [], "moved_away": []}
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._kubeadm import node_facts, packages, unit, versions
from ..module_utils._kubeadm.commands import Commands
from ..module_utils._kubeadm.paths import Paths
from ..module_utils._wait import Deadline


def observe(module: AnsibleModule) -> dict[str, t.Any]:
    options = module.params
    repository = options["package_repository"]
    # Ansible's own result repeats the options: what is named here is masked in all of it.
    module.no_log_values.update(packages.credentials(repository))
    if not repository.startswith(("https://", "http://")):
        raise MaintenanceError(
            f'package_repository: "{packages.without_credentials(repository)}" is no URL. '
            "Write https://HOST, the default is a sample"
        )
    version = versions.parse(options["version"]) if options["version"] else None
    commands = Commands(module)
    if options["settle_timeout"]:
        unit.settle(commands, Deadline(options["settle_timeout"]))
    paths = Paths(manifest_dir=options["manifest_dir"])
    facts = node_facts.gather(commands, paths, version, repository, options["backup_dir"] or "")
    return {"changed": False, "node": facts}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str"},
            "package_repository": {"type": "str", "default": "https://pkgs.k8s.io"},
            "backup_dir": {"type": "path"},
            "settle_timeout": {"type": "int", "default": 0},
            "manifest_dir": {"type": "path", "default": "/etc/kubernetes/manifests"},
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: observe(module))


if __name__ == "__main__":
    main()
