# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pods that do not run or do not stay up: what is ill, what is only told, what is well."""

from __future__ import annotations

from ansible_collections.kubeops.maintenance.plugins.module_utils._check import FAIL, WARN
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.health.objects import (
    ago,
    make_container,
    make_pod,
    unplaced,
)

BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}
STATIC = {
    "ownerReferences": [{"kind": "Node", "name": "cp1", "controller": True}],
    "annotations": {"kubernetes.io/config.mirror": "x"},
}

WELL = [
    ("pending", {"pending": [make_pod(age=59, node=""), make_pod(age=59)]}, "no pod waits"),
    ("pending", {"pending": [unplaced(reason="SchedulingGated")]}, "no pod waits"),
    ("pending", {"pending": [unplaced(deletionTimestamp=ago(1))]}, "no pod waits"),
    ("restarts", {"running": [make_pod(containers=[make_container(restarts=9, ended=601)])]}, "no pod restarted"),
    ("restarts", {"running": [make_pod(containers=[make_container(restarts=0, ready=False)])]}, "no pod restarted"),
    (
        "restarts",
        {"running": [make_pod(deletionTimestamp=ago(1), containers=[make_container(restarts=9, ended=1)])]},
        "no pod",
    ),
]

ILL = [
    (
        "pending",
        {"pending": [unplaced("web-abc-1"), unplaced("web-abc-2")]},
        FAIL,
        "shop/deployment/web",
        "2 pods Pending: 0/3 nodes are available: 3 Insufficient cpu",
        "scheduler misses",
        2,
    ),
    (
        "pending",
        {"pending": [unplaced("x", ownerReferences=[])]},
        FAIL,
        "shop/pod/x",
        "1 pod Pending: 0/3",
        "scheduler misses",
        1,
    ),
    (
        "pending",
        {"pending": [make_pod(node="", age=61)]},
        FAIL,
        "shop/deployment/web",
        "for 61 s no scheduler has looked at it",
        "schedulerName",
        1,
    ),
    (
        "pending",
        {
            "pending": [
                make_pod(
                    age=61, containers=[make_container(waiting={"reason": "ImagePullBackOff", "message": "not found"})]
                )
            ]
        },
        FAIL,
        "shop/deployment/web",
        "on w1 for 61 s: container app ImagePullBackOff: not found",
        "kubectl -n shop describe pod web-abc-1",
        1,
    ),
    (
        "pending",
        {"pending": [make_pod(age=61)]},
        FAIL,
        "shop/deployment/web",
        "on w1 for 61 s: no reason given",
        "describe",
        1,
    ),
    (
        "restarts",
        {"running": [make_pod(containers=[make_container(5, 9999, False, BACK_OFF), make_container(5, 9, False)])]},
        FAIL,
        "shop/deployment/web",
        "1 pod not staying up: web-abc-1 container app restarted 5 times, last ended",
        "kubectl logs --previous -n shop web-abc-1 -c app",
        1,
    ),
    (
        "restarts",
        {"running": [make_pod(n, containers=[make_container(1, 9, False)]) for n in "ab"]},
        FAIL,
        "shop/deployment/web",
        "2 pods not staying up: a container app restarted 1 time, last",
        "kubectl logs",
        2,
    ),
    (
        "restarts",
        {"running": [make_pod(containers=[make_container(1, 600)])]},
        WARN,
        "shop/deployment/web",
        "1 pod restarted: web-abc-1 container app restarted 1 time",
        "",
        0,
    ),
    (
        "restarts",
        {"running": [make_pod("etcd-cp1", containers=[make_container(1, 9)], **STATIC)]},
        WARN,
        "shop/pod/etcd-cp1",
        "1 pod restarted",
        "",
        0,
    ),
]
