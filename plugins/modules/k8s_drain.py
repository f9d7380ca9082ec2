#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: k8s_drain
short_description: Cordon, drain or uncordon nodes
version_added: 0.1.0
author: The kubeops.maintenance contributors (@kubeops)
description:
  - Takes a node out of work, as C(kubectl drain) does, and gives it back.
  - Takes the options of M(kubernetes.core.k8s_drain) with the same meaning. The notes say where it is safer on purpose.
  - Everything that can forbid a drain is found out before the first change. When one pod may not go, or a
    PodDisruptionBudget can never allow it, nothing is cordoned and nothing evicted.
  - It waits until every pod that has to go is gone, recognised by its UID. Pods that do not go in time are a failure
    that names each of them and what keeps it.
  - An eviction that is refused for now is asked for again, when the budget allows it, until the time is over.
  - A drain that was interrupted goes on when the task runs again. Pods that terminate already are only waited for.
  - While it runs it tells what changes, which budget or pod holds it, and every ten seconds how far it is. Such lines
    have names and numbers in them, and nothing that the API or a webhook said in words.
  - When the process that runs the task dies (C(ansible-playbook) was killed), no further pod is evicted.
    A task with C(async) goes on.
  - The node carries the annotation C(kubeops.maintenance/work), which says who holds it, why, since when, and whether
    it was unschedulable before. Only what this module did is undone.
extends_documentation_fragment:
  - kubeops.maintenance._kubernetes
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.live
  - kubeops.maintenance._attributes.action_group_api
attributes:
  check_mode:
    support: full
    details: The whole forecast, with the verdict of each budget, what finds no room elsewhere, and how long it takes.
      Fails where the drain would be refused.
  diff_mode:
    support: full
    details: The cordon and the annotation, before and after.
  idempotent:
    support: full
    details: On a drained node it reads the node and its pods, and changes nothing.
options:
  state:
    description:
      - V(cordon) marks the node unschedulable, V(drain) does that and evicts its pods.
      - V(uncordon) undoes the cordon of O(owner). A node that was unschedulable before stays so.
    type: str
    choices: [cordon, drain, uncordon]
    default: drain
  name:
    description: Name of the node. Exactly one of O(name), O(names) and O(node_selector) says which nodes are meant.
    type: str
  names:
    description:
      - Names of several nodes.
      - One that the cluster does not know is a failure before the first change. With O(state=uncordon) the others are
        given back all the same.
    type: list
    elements: str
  node_selector:
    description:
      - Label selector of nodes, as C(kubectl get nodes -l) takes it. All that match are meant.
      - A selector that matches no node is a failure.
    type: str
  parallel:
    description:
      - With O(state=drain) and several nodes, how many are emptied at once. V(0) means all of them, V(1) one after the
        other.
      - All nodes are read and judged before the first change. When one of them may not be drained, none is touched.
        Then all are cordoned, so that no pod moves to a node that is next, and then they are emptied.
      - Nodes that are emptied at once share the budgets, their pods take turns. One that fails does not hinder the
        others. When one has failed, those whose turn comes later are not emptied.
    type: int
    default: 0
  max_cordoned:
    description:
      - How many nodes of the whole cluster may be cordoned or not Ready at once, those of the call among them, whoever
        cordoned them. When it would be more, the call is refused before the first change. V(0) is no limit.
      - Nodes have to be listed for that. Where that is not allowed, the call is refused.
      - Two calls that begin at the same time do not see each other.
      - Only for O(state=cordon) and O(state=drain).
    type: int
    default: 0
  pod_selectors:
    description:
      - Label selectors. Only pods that match all of them are drained, the others are not looked at.
      - Only for O(state=drain).
    type: list
    elements: str
    aliases: [label_selectors]
  delete_options:
    description: How pods are sent away, and which. Only for O(state=drain). No option implies another.
    type: dict
    default: {}
    suboptions:
      terminate_grace_period:
        description:
          - Seconds that pods get to stop, instead of their own. V(0) kills them at once.
          - A negative number means the pod's own, too.
        type: int
      force:
        description: Drain pods for good that no controller recreates, or whose DaemonSet no longer exists.
        type: bool
        default: false
      unmanaged:
        description:
          - What to do about pods that no controller recreates.
          - V(by_force) leaves it to O(delete_options.force).
          - V(fail) refuses the drain, V(delete) drains them for good. Neither is about pods whose DaemonSet no longer
            exists.
          - V(skip) leaves them where they are. The node is not empty then, which a warning says.
          - V(wait) waits until they finish by themselves, within O(delete_options.wait_timeout). That they have local
            storage does not matter then.
        type: str
        choices: [by_force, fail, delete, skip, wait]
        default: by_force
      ignore_daemonsets:
        description: Leave pods of DaemonSets where they are. Otherwise they forbid the drain.
        type: bool
        default: false
      delete_emptydir_data:
        description: Drain pods with emptyDir volumes. Their data is lost.
        type: bool
        default: false
      disable_eviction:
        description: Delete pods, past all PodDisruptionBudgets.
        type: bool
        default: false
      wait_timeout:
        description:
          - Seconds for the evictions and the wait for the pods to be gone, of one node or of those that are emptied at
            once.
          - V(0) means a day; nothing waits for ever.
        type: int
        default: 600
      wait_sleep:
        description:
          - The longest pause between two looks at the node, in seconds.
          - Shortly after a change it looks more often, up to twice a second.
        type: int
        default: 5
      skip_wait_for_delete_timeout:
        description:
          - Leave out pods that should have been gone for more than these seconds, as on a node whose kubelet is dead.
          - V(0) leaves out none.
        type: int
        default: 0
      wait_volume_detach:
        description:
          - When its pods are gone, wait so many seconds until the volumes of the node are detached, which is when their
            VolumeAttachment objects are gone. A machine that is switched off before that holds them for minutes.
          - Volumes of pods that stay on the node are not waited for, they are in RV(volumes).
          - V(0) does not wait.
        type: int
        default: 0
      stuck_after:
        description:
          - Seconds after the end of its own grace period at which a pod that is still there counts as stuck.
          - When nothing but such pods and refused ones is left, the drain fails then and says what keeps each, instead
            of waiting for O(delete_options.wait_timeout).
          - V(0) means that it waits.
        type: int
        default: 120
      force_delete_stuck:
        description:
          - Delete a pod that is stuck, see O(delete_options.stuck_after), once without a grace period. A warning names
            it. No finalizer is removed.
          - On a node whose kubelet is silent its containers may still run, next to the pod that replaces it.
        type: bool
        default: false
      unreachable:
        description:
          - What to do about pods of a node that is not Ready, which were asked to go and are past their grace period.
            Nothing stops them as long as the kubelet is silent, and nobody can tell whether they still run.
          - V(wait) waits for them like for all others.
          - V(leave) does not. They are among RV(kept), and a warning says what makes the API give them up. They are
            not deleted by force, and no finalizer is removed.
        type: str
        choices: [wait, leave]
        default: wait
      multiple_pdb:
        description:
          - What to do about pods under several PodDisruptionBudgets, which the API never evicts.
          - V(fail) refuses the drain.
          - V(delete_if_all_allow) deletes each at a moment when every budget that covers it allows an eviction, by
            a count of the healthy pods just before, since the controller does not keep such budgets up to date. One
            that can never allow any refuses the drain, as for other pods.
        type: str
        choices: [fail, delete_if_all_allow]
        default: fail
      unhealthy_pods:
        description:
          - What to do about pods that are not Ready and that a budget holds for no other reason than its
            C(unhealthyPodEvictionPolicy), as when all pods of a workload crash.
          - V(respect) waits for the budget.
          - V(delete) deletes those that are not Ready for O(delete_options.unhealthy_after) seconds, past the budget.
            A pod that is Ready is never deleted so.
        type: str
        choices: [respect, delete]
        default: respect
      unhealthy_after:
        description: For O(delete_options.unhealthy_pods=delete), since how many seconds a pod has to be not Ready.
        type: int
        default: 300
      order:
        description:
          - Groups of pods that leave a node one after the other. A pod belongs to the first group that it matches.
          - Pods that match none belong to the group with O(delete_options.order[].rest), or where there is none, leave
            before all groups.
          - Several nodes that are emptied at once do not wait for each other.
        type: list
        elements: dict
        default: []
        suboptions:
          selector:
            description: Label selector of the pods, as C(kubectl get pods -l) takes it.
            type: str
          min_priority:
            description: Pods of this priority or a higher one, by C(spec.priority).
            type: int
          max_priority:
            description: Pods of this priority or a lower one.
            type: int
          rest:
            description: All pods that match no group.
            type: bool
            default: false
          hold:
            description:
              - When nothing of the group moved for these seconds, the next group begins all the same, with a warning.
                What is left of it is still tried.
              - A pod within its grace period counts as moving.
            type: int
            default: 120
  owner:
    description:
      - Who works on the node. A node in work of another owner is refused, and not given back either.
      - A work of the same owner is taken over, under the new O(run).
    type: str
    default: kubeops.maintenance
  run:
    description: Name of the run that works on the node. On a drained node a new name alone is no change.
    type: str
    default: ""
  target:
    description: What the node is to be brought to, for example a version.
    type: str
    default: ""
  reason:
    description: A sentence for the person who finds the node cordoned.
    type: str
    default: ""
  baseline:
    description:
      - RV(kubeops.maintenance.k8s_health_info#module:baseline) from before the work, kept with it on the node.
      - A work that is taken over keeps its own, which is in RV(after.work).
      - One that was given back with O(keep_work) is taken over for the same O(target) and O(reason) only. For another
        it begins anew, with this baseline.
      - One of more than 64 KiB as text is not kept, with a warning. The run that goes on takes a new one then.
    type: dict
    default: {}
  on_failure:
    description:
      - V(keep) leaves the node cordoned when the drain fails, so that the next run goes on.
      - V(restore) gives it back, as O(state=uncordon) would.
      - Either is meant for all nodes of the call, also for those that are empty by then and those whose turn had not
        come. After a failure with V(restore) the call holds none of them.
    type: str
    choices: [keep, restore]
    default: keep
  force_uncordon:
    description: With O(state=uncordon), undo the cordon of anybody.
    type: bool
    default: false
  keep_work:
    description:
      - With O(state=uncordon), the node takes pods again and keeps the annotation, with O(baseline), until it is given
        back once more without this option.
      - For a gate that has to pass before the work counts as done. The run that goes on after it failed finds it there.
    type: bool
    default: false
notes:
  - >-
    Safer than M(kubernetes.core.k8s_drain): it always waits, never for ever, and pods that are still there in the end
    are a failure and no warning; O(delete_options.terminate_grace_period=0) is not overlooked; a bare pod with emptyDir
    volumes takes O(delete_options.force) and O(delete_options.delete_emptydir_data); only a controller counts as the
    owner who recreates a pod; a pod of a DaemonSet that no longer exists is not kept, but takes
    O(delete_options.force); O(state=uncordon) leaves the cordon of somebody else alone unless O(force_uncordon);
    certificates are always verified.
  - To find room for pods, nodes, their pods, claims and volumes are read. Where that is not allowed, a warning says so.
  - Pods of the node and budgets that it waits for are watched. Where that is not allowed, they are listed now and then.
seealso:
  - module: kubernetes.core.k8s_drain
"""

EXAMPLES = r"""
- name: Say what a drain of w1 would do, and whether it can end well
  kubeops.maintenance.k8s_drain:
    name: w1
    delete_options:
      ignore_daemonsets: true
  check_mode: true

- name: Drain w1 for a new disk
  kubeops.maintenance.k8s_drain:
    name: w1
    reason: new disk
    delete_options:
      ignore_daemonsets: true
      delete_emptydir_data: true
      wait_timeout: 900

- name: Drain a rack, three nodes at a time
  kubeops.maintenance.k8s_drain:
    node_selector: topology.example.com/rack=r7
    parallel: 3
    max_cordoned: 6
    reason: new switch
    delete_options:
      ignore_daemonsets: true

- name: Drain a node whose storage has to leave after those that use it
  kubeops.maintenance.k8s_drain:
    name: w1
    delete_options:
      ignore_daemonsets: true
      order:
        - rest: true
        - selector: app in (longhorn-instance-manager)
          hold: 300

- name: Give w1 back
  kubeops.maintenance.k8s_drain:
    name: w1
    state: uncordon

- name: Drain w1 in the name of an upgrade, and give it back when that fails
  kubeops.maintenance.k8s_drain:
    name: w1
    owner: upgrade
    run: 2026-11-20T10:00:00Z
    target: 1.37.1
    on_failure: restore
    delete_options:
      ignore_daemonsets: true
"""

RETURN = r"""
result:
  description: What was done, in sentences made from the other results.
  returned: always
  type: str
  sample: node w1 marked unschedulable. 2 Pod(s) evicted from node, 3 stay.
evicted:
  description: Pods that left the node, or would leave it.
  returned: always
  type: list
  elements: dict
  contains: &pod
    node:
      description: Name of its node.
      type: str
      returned: always
    namespace:
      description: Namespace of the pod.
      type: str
      returned: always
    name:
      description: Name of the pod.
      type: str
      returned: always
    reason:
      description: Why, in a sentence.
      type: str
      returned: always
  sample: [{node: w1, namespace: shop, name: web-7d9f8b5c4-x2x7p, reason: "evicted, gone after 5.1 s"}]
kept:
  description: Pods that stay on the node.
  returned: always
  type: list
  elements: dict
  contains: *pod
  sample: [{node: w1, namespace: kube-system, name: kube-proxy-8x5wz, reason: static pod of the kubelet}]
blocked:
  description: Pods that may not go, or were not allowed to go in time.
  returned: always
  type: list
  elements: dict
  contains: *pod
remaining:
  description: Pods that had to go and are still on the node, with what keeps each.
  returned: always
  type: list
  elements: dict
  contains: *pod
lost_data:
  description: Pods that nothing brings back as they were, and what is lost with them. Where nothing was evicted, what
    would be.
  returned: always
  type: list
  elements: dict
  contains: *pod
  sample: [{node: w1, namespace: shop, name: cache-0, reason: "the data of its emptyDir volumes is lost: cache"}]
no_room:
  description:
    - Pods that find no room on any other node, with what each node lacks. What replaces them is Pending until there is
      some, which refuses no drain.
    - Counted as the scheduler does are requests against what is free, taints, node selectors and required node
      affinity, host ports, volumes that are bound to nodes, and required anti-affinity by host name. Other affinity
      between pods, topology spread, and pods that give way to others of higher priority are not.
    - An estimate, made before the first eviction. Pods of the drain are not promised the same room twice. At most 200
      nodes are looked at.
  returned: always
  type: list
  elements: dict
  contains: *pod
  sample:
    - node: w1
      namespace: shop
      name: db-0
      reason: "0 of 3 other nodes: 2 have too little memory (largest free 1.2Gi of 2Gi asked), 1 is cordoned"
predicted_seconds:
  description:
    - How long the drain takes at most, by the grace periods of its pods and the turns that they take under budgets,
      if what replaces them is ready at once.
    - Null where a budget allows no eviction now.
  returned: always
  type: int
newcomers:
  description: Pods that came to the node after the drain began and are not of a DaemonSet. They are not drained.
  returned: always
  type: list
  elements: dict
  contains: *pod
volumes:
  description: Volumes that are still attached, if O(delete_options.wait_volume_detach) asks for them.
  returned: always
  type: list
  elements: dict
  contains:
    node:
      description: Name of the node.
      type: str
      returned: always
    name:
      description: Name of the PersistentVolume.
      type: str
      returned: always
    claim:
      description: Namespace and name of its claim, empty where it has none.
      type: str
      returned: always
    reason:
      description: What holds it.
      type: str
      returned: always
budgets:
  description: PodDisruptionBudgets that cover pods of the drain.
  returned: always
  type: list
  elements: dict
  contains:
    namespace:
      description: Namespace of the budget.
      type: str
      returned: always
    name:
      description: Name of the budget.
      type: str
      returned: always
    verdict:
      description:
        - V(free) lets all pods go at once, V(slow) some at a time, V(blocked) none now.
        - V(deadlocked) can never let one go, which refuses the drain.
      type: str
      returned: always
    pods:
      description: Pods of the drain that need its leave.
      type: int
      returned: always
    current:
      description: Healthy pods.
      type: int
      returned: always
    desired:
      description: Healthy pods that it wants.
      type: int
      returned: always
    expected:
      description: Pods that it counts.
      type: int
      returned: always
    allowed:
      description: Pods that it lets go now.
      type: int
      returned: always
    workload:
      description: What it protects.
      type: str
      returned: always
    reason:
      description: The verdict as a sentence. Where it is V(blocked), up to three unready pods and what each waits for.
      type: str
      returned: always
    fix:
      description: The change that would open it, empty where none is needed.
      type: str
      returned: always
cordoned_by_us:
  description: Whether the node is unschedulable because of O(owner)'s work. Of several nodes, whether all are.
  returned: always
  type: bool
unschedulable_before:
  description: Whether it was unschedulable before that work began. Of several nodes, whether all were.
  returned: always
  type: bool
durations:
  description: Seconds that were spent, on all nodes together.
  returned: always
  type: dict
  contains:
    cordon:
      description: Changing the nodes.
      type: float
      returned: always
    evict:
      description: Until the last eviction was accepted.
      type: float
      returned: always
    wait:
      description: From then until the pods were gone.
      type: float
      returned: always
    detach:
      description: Until the volumes were detached.
      type: float
      returned: always
    total:
      description: All of it.
      type: float
      returned: always
actions:
  description: What was done, or would be done, in order.
  returned: always
  type: list
  elements: str
  sample: [cordon node w1, evict shop/web-7d9f8b5c4-x2x7p]
before:
  description: The node before. Of several nodes, what is true of all.
  returned: always
  type: dict
  contains: &state
    unschedulable:
      description: Whether it is cordoned.
      type: bool
      returned: always
    work:
      description: What the annotation says, null where there is none, or where several nodes have different ones.
      type: dict
      returned: always
after:
  description: The node after, or as it would be. Of several nodes, what is true of all.
  returned: always
  type: dict
  contains: *state
nodes:
  description: What became of each node. Its pods are in the other lists, under its name.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: Name of the node.
      type: str
      returned: always
    result:
      description: What was done to it, in sentences.
      type: str
      returned: always
    failure:
      description: What failed on it, empty where nothing did.
      type: str
      returned: always
    cordoned_by_us:
      description: As RV(cordoned_by_us).
      type: bool
      returned: always
    unschedulable_before:
      description: As RV(unschedulable_before).
      type: bool
      returned: always
    before:
      description: As RV(before).
      type: dict
      returned: always
    after:
      description: As RV(after).
      type: dict
      returned: always
    durations:
      description: As RV(durations), without the time that other nodes took.
      type: dict
      returned: always
"""

import typing as t

from ..module_utils._channel import open_channel
from ..module_utils._drain import order, parents
from ..module_utils._drain.clock import Clock, server_utc
from ..module_utils._drain.filters import Guards
from ..module_utils._drain.job import Job, Means
from ..module_utils._drain.news import News
from ..module_utils._drain.ownership import Work
from ..module_utils._drain.procedure import Procedure
from ..module_utils._drain.report import Report
from ..module_utils._errors import MaintenanceError, as_failure, run_module
from ..module_utils._kube import api_module, connect

A_DAY = 24 * 60 * 60
NODES = ("name", "names", "node_selector")
SECONDS = (
    "wait_timeout",
    "wait_sleep",
    "skip_wait_for_delete_timeout",
    "wait_volume_detach",
    "stuck_after",
    "unhealthy_after",
)

ARGUMENT_SPEC: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["cordon", "drain", "uncordon"], "default": "drain"},
    "name": {"type": "str"},
    "names": {"type": "list", "elements": "str"},
    "node_selector": {"type": "str"},
    "parallel": {"type": "int", "default": 0},
    "max_cordoned": {"type": "int", "default": 0},
    "pod_selectors": {"type": "list", "elements": "str", "aliases": ["label_selectors"]},
    "delete_options": {
        "type": "dict",
        "default": {},
        "options": {
            "terminate_grace_period": {"type": "int"},
            "force": {"type": "bool", "default": False},
            "unmanaged": {
                "type": "str",
                "choices": ["by_force", "fail", "delete", "skip", "wait"],
                "default": "by_force",
            },
            "ignore_daemonsets": {"type": "bool", "default": False},
            "delete_emptydir_data": {"type": "bool", "default": False},
            "disable_eviction": {"type": "bool", "default": False},
            "wait_timeout": {"type": "int", "default": 600},
            "wait_sleep": {"type": "int", "default": 5},
            "skip_wait_for_delete_timeout": {"type": "int", "default": 0},
            "wait_volume_detach": {"type": "int", "default": 0},
            "stuck_after": {"type": "int", "default": 120},
            "force_delete_stuck": {"type": "bool", "default": False},
            "unreachable": {"type": "str", "choices": ["wait", "leave"], "default": "wait"},
            "multiple_pdb": {"type": "str", "choices": ["fail", "delete_if_all_allow"], "default": "fail"},
            "unhealthy_pods": {"type": "str", "choices": ["respect", "delete"], "default": "respect"},
            "unhealthy_after": {"type": "int", "default": 300},
            "order": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "selector": {"type": "str"},
                    "min_priority": {"type": "int"},
                    "max_priority": {"type": "int"},
                    "rest": {"type": "bool", "default": False},
                    "hold": {"type": "int", "default": 120},
                },
            },
        },
    },
    "owner": {"type": "str", "default": "kubeops.maintenance"},
    "run": {"type": "str", "default": ""},
    "target": {"type": "str", "default": ""},
    "reason": {"type": "str", "default": ""},
    "baseline": {"type": "dict", "default": {}},
    "on_failure": {"type": "str", "choices": ["keep", "restore"], "default": "keep"},
    "force_uncordon": {"type": "bool", "default": False},
    "keep_work": {"type": "bool", "default": False},
}


def check(params: dict[str, t.Any]) -> None:
    """Refuse what the types allow and nobody can mean."""
    numbers = [(name, params[name]) for name in ("parallel", "max_cordoned")]
    numbers += [(name, params["delete_options"][name]) for name in SECONDS]
    numbers += [("hold", group["hold"]) for group in params["delete_options"]["order"]]
    for name, number in numbers:
        if number is not None and number < 0:
            raise MaintenanceError(f"{name}={number} is negative; it is 0 or more")
    if not params["owner"].strip():
        raise MaintenanceError("owner is empty; without a name nobody knows whose work on the node it is")


def job_of(params: dict[str, t.Any], check_mode: bool, since: str) -> Job:
    options = params["delete_options"]
    check(params)
    grace = options["terminate_grace_period"]
    me = Work(params["owner"], params["run"], params["target"], params["reason"], since, baseline=params["baseline"])
    return Job(
        nodes=tuple(params["names"] or [params["name"]] * (params["name"] is not None)),
        node_selector=(params["node_selector"] or "").strip(),
        parallel=params["parallel"],
        max_cordoned=params["max_cordoned"],
        me=me,
        guards=Guards(
            force=options["force"],
            unmanaged=None if options["unmanaged"] == "by_force" else options["unmanaged"],
            ignore_daemonsets=options["ignore_daemonsets"],
            delete_emptydir_data=options["delete_emptydir_data"],
            skip_wait_for_delete_timeout=options["skip_wait_for_delete_timeout"],
        ),
        means=Means(
            disable_eviction=options["disable_eviction"],
            grace_period=None if grace is None or grace < 0 else grace,
            timeout=options["wait_timeout"] or A_DAY,
            slowest_look=options["wait_sleep"],
            order=order.groups(options["order"]),
            detach_timeout=options["wait_volume_detach"],
            stuck_after=options["stuck_after"],
            force_delete_stuck=options["force_delete_stuck"],
            leave_unreachable=options["unreachable"] == "leave",
            delete_if_all_allow=options["multiple_pdb"] == "delete_if_all_allow",
            delete_unhealthy_after=options["unhealthy_after"] if options["unhealthy_pods"] == "delete" else None,
        ),
        selector=",".join(params["pod_selectors"] or []),
        restore_on_failure=params["on_failure"] == "restore",
        force_uncordon=params["force_uncordon"],
        keep_work=params["keep_work"],
        check_mode=check_mode,
    )


def main() -> None:
    abandoned = parents.watch()
    module = api_module(ARGUMENT_SPEC, mutually_exclusive=[NODES], required_one_of=[NODES], supports_check_mode=True)

    def work() -> dict[str, t.Any]:
        try:
            kube = connect(module.params)
            clock = Clock(utc=server_utc(kube))
            job = job_of(module.params, module.check_mode, clock.timestamp())
        except Exception as error:
            failure = as_failure(error)
            raise MaintenanceError(failure.msg, **{**Report().as_dict(), **failure.data}) from error
        procedure = Procedure(kube, job, clock, abandoned, lambda: News(kube), open_channel(module))
        try:
            result = procedure.run(module.params["state"])
        finally:
            for warning in procedure.report.warnings:
                module.warn(warning)
        if module._diff:
            result["diff"] = {
                side: {node["name"]: node[side] for node in result["nodes"]}
                if len(result["nodes"]) > 1
                else result[side]
                for side in ("before", "after")
            }
        return result

    run_module(module, work)


if __name__ == "__main__":
    main()
