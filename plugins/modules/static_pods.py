#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: static_pods
short_description: The static pods of a control plane stopped, and started again
version_added: 0.1.0
description:
  - Stops C(kube-apiserver), C(kube-controller-manager) and C(kube-scheduler) of the node that it runs on, as a restore
    of etcd needs it, and starts them again.
  - A manifest is moved out of the directory of the kubelet into C(kubeops-stopped) beside it
    (C(/etc/kubernetes/kubeops-stopped)), with its mode and its owner. It is never copied, changed or deleted. A node
    that is booted meanwhile does not start what is stopped.
  - V(stopped) waits until the processes have ended, and until the port of C(kube-apiserver) is free. V(started) puts
    back what was parked and waits until the processes are there, until C(/readyz) of this node's own C(kube-apiserver)
    says C(ok), and until the others answer at their ports.
  - Nothing is moved while the kubelet is not active, for without it no static pod stops or starts.
author:
  - kubeops.maintenance contributors (@kubeops)
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.action_group
attributes:
  check_mode:
    support: full
    details: Says what would be moved.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - What is to be.
    type: str
    choices: [stopped, started]
    required: true
  names:
    description:
      - Which of them. One that this node does not have is passed over. They start in the order of the default, and each
        waits for the one before it.
    type: list
    elements: str
    choices: [kube-apiserver, kube-controller-manager, kube-scheduler]
    default: [kube-apiserver, kube-controller-manager, kube-scheduler]
  manifest_dir:
    description:
      - The kubelet's directory of static pod manifests.
    type: path
    default: /etc/kubernetes/manifests
  timeout:
    description:
      - Seconds until all of it has to be done. What was moved then stays where it is, and a further run waits on.
    type: int
    default: 300
notes:
  - Runs on the node, as root. V(started) needs C(kubectl).
seealso:
  - module: kubeops.maintenance.kubeadm_upgrade
"""

EXAMPLES = r"""
- name: Stop the control plane of this node, and leave etcd alone
  kubeops.maintenance.static_pods:
    state: stopped
  become: true

- name: Start its kube-apiserver again
  kubeops.maintenance.static_pods:
    state: started
    names: [kube-apiserver]
  become: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, in its order.
  returned: always
  type: list
  elements: str
  sample: [move /etc/kubernetes/manifests/kube-scheduler.yaml to /etc/kubernetes/kubeops-stopped]
before:
  description: What each of O(names) was, C(started), C(stopped), or null for one that this node does not have.
  returned: always
  type: dict
  sample: {"kube-apiserver": "started", "kube-controller-manager": "started", "kube-scheduler": "started"}
after:
  description: The same when the module went.
  returned: always
  type: dict
  sample: {"kube-apiserver": "stopped", "kube-controller-manager": "stopped", "kube-scheduler": "stopped"}
durations:
  description: Seconds by piece of work (C(stop), C(start)), and in C(total). C(earlier run) is the time waited for the
    module of a run that was killed and whose work goes on.
  returned: always
  type: dict
  sample: {"stop": 4.1, "total": 4.2}
checks:
  description: The proof that was asked for, each with C(name), C(status), C(object), C(evidence) and C(fix). Empty
    in check mode.
  returned: always
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._kubeadm import lock
from ..module_utils._kubeadm.commands import Commands
from ..module_utils._kubeadm.paths import Paths
from ..module_utils._kubeadm.report import Report
from ..module_utils._kubeadm.static_pods import NAMES, STARTED, STOPPED, StaticPods
from ..module_utils._wait import Deadline

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": [STOPPED, STARTED], "required": True},
    "names": {"type": "list", "elements": "str", "choices": list(NAMES), "default": list(NAMES)},
    "manifest_dir": {"type": "path", "default": "/etc/kubernetes/manifests"},
    "timeout": {"type": "int", "default": 300},
}


def work(module: AnsibleModule) -> dict[str, t.Any]:
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
    commands, paths = Commands(module), Paths(manifest_dir=options["manifest_dir"])
    deadline = Deadline(options["timeout"])
    pods = StaticPods(commands, paths, options["names"], deadline, report, module.check_mode)
    if module.check_mode:
        pods.bring(options["state"])
        return
    with lock.held(options["timeout"]) as waited:
        # A module whose controller was killed goes on: what it did is not ours to report, but its time is.
        if waited > 1:
            report.durations["earlier run"] = round(waited, 1)
        pods.bring(options["state"])


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: work(module))


if __name__ == "__main__":
    main()
