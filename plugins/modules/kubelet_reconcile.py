#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kubelet_reconcile
short_description: A node brought back in line with an API whose data was restored
version_added: 0.1.0
description:
  - A restore of etcd takes the cluster back in time, and nobody tells the kubelets. This restarts the kubelet of the
    node that it runs on, unless that was done since, and waits until the node is Ready and agrees with the API.
  - The kubelet is asked for its health, and the API for a heartbeat and a renewed lease of the node from after its
    start, on a control plane also for its static pods.
  - Then it waits until every pod that runs on the node is one that the API knows. Pods that were made after the
    snapshot go on running at first, with their volumes and addresses; the kubelet ends them. Which pods run, the
    processes of the node tell, so no program of a container runtime is needed.
author:
  - kubeops.maintenance contributors (@kubeops)
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.action_group
attributes:
  check_mode:
    support: full
    details: Says whether the kubelet would be restarted. Nothing is waited for.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  since:
    description:
      - When the data changed, as C(2026-11-21T18:30:00Z). A kubelet that was started later is not restarted again.
      - The clock of the node counts. One that is ahead of the other's by more than what has passed since the kubelet's
        last start leads to no harm but a kubelet that is not restarted.
    type: str
    required: true
  timeout:
    description:
      - Seconds within which the node has to be Ready and to agree with the API.
    type: int
    default: 300
  manifest_dir:
    description:
      - Directory of the static pod manifests.
    type: path
    default: /etc/kubernetes/manifests
notes:
  - Runs on the node, as root. It needs systemd, and C(kubectl). The API is asked as the kubelet asks it.
seealso:
  - module: kubeops.maintenance.k8s_health_info
"""

EXAMPLES = r"""
- name: Have the node know what was restored
  kubeops.maintenance.kubelet_reconcile:
    since: "2026-11-21T18:30:00Z"
  become: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode.
  returned: always
  type: list
  elements: str
  sample: ["restart the kubelet of w1 (it knows the data from before)"]
node:
  description: Name of the node.
  returned: always
  type: str
  sample: w1
phantoms:
  description: Pods that run here and that the API did not know when it was last asked.
  returned: always
  type: list
  elements: str
  sample: [shop/db-0]
before:
  description: The kubelet when the module came.
  returned: always
  type: dict
  sample: {"active": true, "started": "2026-11-20T06:00:00Z"}
after:
  description: The kubelet when the module went.
  returned: always
  type: dict
  sample: {"active": true, "started": "2026-11-21T18:31:00Z"}
durations:
  description: Seconds by piece of work, and in C(total).
  returned: always
  type: dict
  sample: {"restart": 0.3, "proof": 12.1, "phantoms": 31.0, "total": 43.6}
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
from ..module_utils._kubeadm.commands import Commands
from ..module_utils._kubeadm.paths import Paths
from ..module_utils._kubeadm.reconcile import Reconcile, moment
from ..module_utils._kubeadm.report import Report
from ..module_utils._wait import Deadline


def reconcile(module: AnsibleModule) -> dict[str, t.Any]:
    options, report = module.params, Report()
    paths = Paths(manifest_dir=options["manifest_dir"])
    deadline = Deadline(options["timeout"])
    work = Reconcile(Commands(module), paths, moment(options["since"]), deadline, report)
    try:
        with report.timed("total"):
            work.bring(module.check_mode)
    except MaintenanceError as error:
        error.data = {**report.as_dict(), "node": work.node, "phantoms": work.phantoms, **error.data}
        raise
    return {**report.as_dict(), "node": work.node, "phantoms": work.phantoms}


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "since": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 300},
            "manifest_dir": {"type": "path", "default": "/etc/kubernetes/manifests"},
        },
        supports_check_mode=True,
    )
    run_module(module, lambda: reconcile(module))


if __name__ == "__main__":
    main()
