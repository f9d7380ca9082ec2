#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubeadm_upgrade
short_description: One node of a kubeadm cluster brought to a version
version_added: 0.1.0
description:
  - Brings one part of the node that it runs on to a version of Kubernetes. Each step is done only if the live state
    asks for it, so it can be run again after any interruption.
  - Part V(control_plane) runs C(kubeadm upgrade apply) where C(kubeadm-config) is not at the version yet, C(kubeadm
    upgrade node) where it is, and finishes cluster objects that an interrupted run left behind. The kubelet stays as
    it is.
  - C(kubeadm-config) is written last, after the control plane has proven itself, so that it never says more than is
    true.
  - Part V(kubelet) writes the kubelet's configuration and restarts the kubelet. It refuses a kubelet that would be
    newer than a C(kube-apiserver).
  - C(kubeadm) runs as a transient systemd unit C(kubeops-kubeadm-upgrade-VERSION), so a dropped connection does not
    kill it. A further run waits for that unit and reads its result.
  - Success is judged by the live state and not by an exit code. What was asked is in RV(checks).
author:
  - kubeops.maintenance contributors (@kubeops)
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.action_group
attributes:
  check_mode:
    support: full
    details: Says which commands a run without failures would need. The packages need not be there yet.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  version:
    description:
      - Version of Kubernetes to bring the part to, C(X.Y.Z).
      - The packages of this very version are installed before - C(kubeadm) for part V(control_plane), C(kubeadm) and
        C(kubelet) for part V(kubelet).
    type: str
    required: true
  part:
    description:
      - V(control_plane) is the static pods of this node, and the cluster's objects.
      - V(kubelet) is the kubelet and its configuration, on control planes as on workers.
    type: str
    choices: [control_plane, kubelet]
    required: true
  ignore_preflight_errors:
    description:
      - Names of checks of C(kubeadm) whose errors become warnings, for example V(SystemVerification).
    type: list
    elements: str
    default: []
  timeout:
    description:
      - Seconds after which the module stops waiting and fails. C(kubeadm) is not stopped - a further run waits on.
    type: int
    default: 1800
  manifest_dir:
    description:
      - Directory of the static pod manifests.
    type: path
    default: /etc/kubernetes/manifests
notes:
  - Runs on the node, as root. It needs systemd, and C(kubectl).
seealso:
  - module: kubeops.maintenance.kubeadm_node_info
  - module: kubeops.maintenance.kubeadm_upgrade_info
"""

EXAMPLES = r"""
- name: Bring the static pods to the version
  kubeops.maintenance.kubeadm_upgrade:
    version: 1.37.1
    part: control_plane
  become: true

- name: Bring the kubelet to the version, once all control planes are there
  kubeops.maintenance.kubeadm_upgrade:
    version: 1.37.1
    part: kubelet
    timeout: 300
  become: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in its order.
  returned: always
  type: list
  elements: str
  sample:
    - kubeadm upgrade apply v1.37.1 --yes --skip-phases=kubelet-config,upload-config/kubeadm
    - kubeadm upgrade apply phase upload-config kubeadm v1.37.1
before:
  description: Versions when the module came, of the components and objects of O(part).
  returned: always
  type: dict
  sample: {"etcd": "3.6.16-0", "kube-apiserver": "1.36.4", "kubeadm-config": "1.36.4"}
after:
  description: The same when the module went. After a failure it is what was known before, or empty.
  returned: always
  type: dict
  sample: {"etcd": "3.7.0-0", "kube-apiserver": "1.37.1", "kubeadm-config": "1.37.1"}
durations:
  description: Seconds by piece of work, and in C(total). C(earlier run) is the time waited for the module of a run
    that was killed and whose work goes on.
  returned: always
  type: dict
  sample: {"upgrade apply": 140.2, "gate": 4.1, "total": 150.3}
checks:
  description: The proof that was asked for, each with C(name), C(status), C(object), C(evidence) and C(fix). Empty
    in check mode.
  returned: always
  type: list
  elements: dict
"""

import re
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._kubeadm import lock, versions
from ..module_utils._kubeadm.commands import Commands
from ..module_utils._kubeadm.control_plane import ControlPlane
from ..module_utils._kubeadm.kubelet import KubeletPart
from ..module_utils._kubeadm.part import Part
from ..module_utils._kubeadm.paths import Paths
from ..module_utils._kubeadm.report import Report
from ..module_utils._wait import Deadline

PARTS: dict[str, type[Part]] = {"control_plane": ControlPlane, "kubelet": KubeletPart}


def upgrade(module: AnsibleModule) -> dict[str, t.Any]:
    report = Report()
    try:
        with report.timed("total"):
            bring(module, report)
    except MaintenanceError as error:
        error.data = {**report.as_dict(), **error.data}
        raise
    return report.as_dict()


def bring(module: AnsibleModule, report: Report) -> None:
    options = module.params
    target, ignore = versions.parse(options["version"]), options["ignore_preflight_errors"]
    for name in ignore:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            raise MaintenanceError(f'ignore_preflight_errors: "{name}" is no check of kubeadm, like SystemVerification')
    commands, paths = Commands(module), Paths(manifest_dir=options["manifest_dir"])
    deadline = Deadline(options["timeout"])

    def work() -> None:
        PARTS[options["part"]](commands, paths, target, deadline, report, module.check_mode, ignore).bring()

    if module.check_mode:
        work()
        return
    with lock.held(options["timeout"]) as waited:
        # A module whose controller was killed goes on: what it did is not ours to report, but its time is.
        if waited > 1:
            report.durations["earlier run"] = round(waited, 1)
        work()


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "version": {"type": "str", "required": True},
            "part": {"type": "str", "choices": list(PARTS), "required": True},
            "ignore_preflight_errors": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 1800},
            "manifest_dir": {"type": "path", "default": "/etc/kubernetes/manifests"},
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: upgrade(module))


if __name__ == "__main__":
    main()
