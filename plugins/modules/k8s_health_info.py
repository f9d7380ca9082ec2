#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_health_info
short_description: Named checks of a cluster's health
version_added: 0.1.0
author: The kubeops.maintenance contributors (@kubeops)
description:
  - Says whether a cluster is well, or, with O(baseline), whether it is at least as well as it was before.
  - Findings do not make it fail. They are in RV(checks), and RV(ok) says whether one of them is a failure.
  - An API that does not answer within O(wait_timeout) does make it fail.
extends_documentation_fragment:
  - kubeops.maintenance._kubernetes
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.info
  - kubeops.maintenance._attributes.live
  - kubeops.maintenance._attributes.action_group_api
options:
  checks:
    description:
      - Which checks to make, all of them by default.
      - V(nodes) are Ready. Pressure on one is a warning.
      - V(leases) of all nodes, of the controller-manager and of the scheduler are renewed in time. The kubelet of a
        node that still is Ready may have died already. Ages are told by the server's clock.
      - V(apiservices) are available, those of extensions (such as the metrics server) among them.
      - V(workloads), which are Deployments, StatefulSets and DaemonSets, have as many available pods as they want.
      - V(budgets), which are PodDisruptionBudgets, allow as much as they do at best.
      - V(pending) are pods that cannot be scheduled, or did not start within a minute.
      - V(restarts) are pods that do not stay up. One that restarted within ten minutes and is up is a warning.
        In a very large cluster this is the costly one, because it reads all pods that run.
      - V(cordons) by O(ignore:owner) of M(kubeops.maintenance.k8s_drain) are not older than O(stale_after). Those of
        somebody else are warnings.
    type: list
    elements: str
    choices: [nodes, leases, apiservices, workloads, budgets, pending, restarts, cordons]
    default: [nodes, leases, apiservices, workloads, budgets, pending, restarts, cordons]
  exclude_namespaces:
    description: Namespaces whose workloads, budgets and pods are left out.
    type: list
    elements: str
    default: []
  baseline:
    description:
      - RV(baseline) of an earlier call. What was ill then, and is no worse now, becomes a warning.
      - A check that could not be made then is compared with nothing.
    type: dict
    default: {}
  wait_timeout:
    description:
      - Seconds to look again, until no check fails. The result is that of the last look.
      - Who waits is told which checks fail, every ten seconds at most.
      - V(0) looks once.
    type: int
    default: 0
  wait_sleep:
    description: Seconds between two looks.
    type: int
    default: 5
  stale_after:
    description: Seconds that a node may be in work of M(kubeops.maintenance.k8s_drain) before that is a failure.
    type: int
    default: 86400
  hosts:
    description:
      - RV(kubeops.maintenance.kubeadm_node_info#module:node) of hosts, by their name in the inventory.
      - Where it is given, the check C(same cluster) is made, too. It fails for a host that is of another cluster than
        the one that answers.
      - It needs C(list) on the configmap C(kube-root-ca.crt) in the namespace C(kube-system).
    type: dict
    default: {}
notes:
  - It needs C(list) on nodes, pods, deployments, statefulsets, daemonsets, poddisruptionbudgets and apiservices in the
    cluster, and on leases in the namespaces C(kube-node-lease) and C(kube-system). What may not be listed is skipped,
    and the skipped check names it. A check that is in O(baseline) and can no longer be made at all fails.
seealso:
  - module: kubeops.maintenance.k8s_drain
"""

EXAMPLES = r"""
- name: See how the cluster is before the maintenance
  kubeops.maintenance.k8s_health_info:
  register: before

- name: Wait up to five minutes until it is as well as it was
  kubeops.maintenance.k8s_health_info:
    baseline: "{{ before.baseline }}"
    wait_timeout: 300
  register: after

- name: Stop when it is not
  ansible.builtin.assert:
    that: after.ok
    fail_msg: "{{ after.refusal }}"

- name: Look for nodes that somebody forgot
  kubeops.maintenance.k8s_health_info:
    checks: [cordons]
    stale_after: 14400
"""

RETURN = r"""
checks:
  description: What was found. A check that found nothing is one V(pass), otherwise there is one for each finding.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: One of O(checks).
      type: str
      returned: always
    status:
      description: V(pass), V(warn), V(fail), or V(skip) where something may not be read.
      type: str
      returned: always
    object:
      description: What it is about, V(cluster) on a pass.
      type: str
      returned: always
    evidence:
      description: What was found, with its numbers.
      type: str
      returned: always
    fix:
      description: What to do next, empty where there is nothing to do.
      type: str
      returned: always
  sample:
    - name: workloads
      status: fail
      object: shop/deployment/web
      evidence: 1 of 2 pods available; it was well before
      fix: "look at its pods: kubectl -n shop get pods -o wide -l 'app=web'"
ok:
  description: Whether no check failed.
  returned: always
  type: bool
refusal:
  description: One sentence for each check that failed, empty if none did.
  returned: always
  type: str
summary:
  description: The checks as lines to be read.
  returned: always
  type: list
  elements: str
baseline:
  description: What is ill now, by check and object, for O(baseline) of a later call.
  returned: always
  type: dict
  sample: {nodes: {}, workloads: {shop/deployment/web: 1}}
durations:
  description: Seconds that were spent.
  returned: always
  type: dict
  contains:
    look:
      description: The last look.
      type: float
      returned: always
    total:
      description: All of it.
      type: float
      returned: always
"""

import typing as t

from ..module_utils._channel import open_channel
from ..module_utils._drain import parents
from ..module_utils._drain.clock import Clock
from ..module_utils._errors import run_module
from ..module_utils._health import baseline
from ..module_utils._health.checks import CHECKS
from ..module_utils._health.examine import Job, examine
from ..module_utils._kube import api_module, connect
from ..module_utils._tell import Tell

ARGUMENT_SPEC: dict[str, t.Any] = {
    "checks": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": list(CHECKS)},
    "exclude_namespaces": {"type": "list", "elements": "str", "default": []},
    "baseline": {"type": "dict", "default": {}},
    "wait_timeout": {"type": "int", "default": 0},
    "wait_sleep": {"type": "int", "default": 5},
    "stale_after": {"type": "int", "default": 86400},
    "hosts": {"type": "dict", "default": {}},
}


def work(options: t.Mapping[str, t.Any], tell: Tell, abandoned: t.Callable[[], bool]) -> dict[str, t.Any]:
    job = Job(
        checks=[name for name in CHECKS if name in options["checks"]],
        exclude_namespaces=frozenset(options["exclude_namespaces"]),
        baseline=baseline.validated(options["baseline"]),
        stale_after=options["stale_after"],
        wait_timeout=options["wait_timeout"],
        # Never a loop without a pause.
        wait_sleep=max(1, options["wait_sleep"]),
        hosts=options["hosts"],
    )
    return examine(connect(options), job, Clock(), tell, abandoned)


def main() -> None:
    abandoned = parents.watch()
    module = api_module(ARGUMENT_SPEC, supports_check_mode=True)
    run_module(module, lambda: work(module.params, open_channel(module), abandoned))


if __name__ == "__main__":
    main()
