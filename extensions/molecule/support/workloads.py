# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workloads of a file, there and ready while their context lasts."""

from __future__ import annotations

import contextlib
import functools
import json
import typing as t

import yaml
from ansible_collections.kubeops.maintenance.tests.lab import traffic
from ansible_collections.kubeops.maintenance.tests.lab.process import in_parallel
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

from . import cluster

if t.TYPE_CHECKING:
    from pathlib import Path

    from ansible_collections.kubeops.maintenance.tests.lab.lab import Lab

Object = dict[str, t.Any]

READY = {
    "Deployment": ("rollout", "status", "--timeout=300s"),
    "StatefulSet": ("rollout", "status", "--timeout=300s"),
    "DaemonSet": ("rollout", "status", "--timeout=300s"),
    "Job": ("wait", "--for=jsonpath={.status.ready}=1", "--timeout=300s"),
    "Pod": ("wait", "--for=condition=Ready", "--timeout=300s"),
}


@contextlib.contextmanager
def present(lab: Lab, file: Path) -> t.Iterator[None]:
    things = yaml.safe_load(file.read_text())["items"]
    budgets = [thing for thing in things if thing["kind"] == "PodDisruptionBudget"]
    workloads = [thing for thing in things if thing["kind"] != "PodDisruptionBudget"]
    try:
        change(lab, workloads, "apply")
        in_parallel(functools.partial(until_ready, lab), [thing for thing in workloads if thing["kind"] in READY])
        change(lab, budgets, "apply")  # now, so that the first that they say is how it is
        for budget in budgets:
            until(f"a word of budget {name(budget)}", functools.partial(said, lab, budget))
        yield
    finally:
        change(lab, things, "delete", "--cascade=foreground", "--ignore-not-found", "--timeout=300s")


def change(lab: Lab, things: list[Object], verb: str, *words: str) -> None:
    if things:
        listed = {"apiVersion": "v1", "kind": "List", "items": things}
        traffic.kubectl(lab, verb, "--filename=-", *words, stdin=json.dumps(listed))


def until_ready(lab: Lab, thing: Object) -> None:
    traffic.kubectl(lab, *READY[thing["kind"]], f"{thing['kind'].lower()}/{name(thing)}")


def said(lab: Lab, budget: Object) -> bool:
    return "observedGeneration" in cluster.objects(lab, "get", "poddisruptionbudget", name(budget))[0].get("status", {})


def name(thing: Object) -> str:
    return str(thing["metadata"]["name"])
