# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools that are compared: each drains one node as a process of its own.

Modules run as Ansible runs them on the host, without the start of Ansible itself, which takes the same time for both.
Several nodes: kubectl and our module are told all of them at once, kubernetes.core's drains one after the other.
"""

from __future__ import annotations

import functools
import json
import sys
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.api import cluster
from ansible_collections.kubeops.maintenance.tests.bench.measured import Measured, attempt
from ansible_collections.kubeops.maintenance.tests.lab.process import output
from ansible_collections.kubeops.maintenance.tests.lab.progress import stage

ROOT = Path(__file__).parents[2]
KUBECTL, THEIRS, OURS = "kubectl", "kubernetes.core.k8s_drain", "kubeops.maintenance.k8s_drain"
TIMEOUT = 600
# One call after the other, without a start for each; it ends with the first that fails.
RUN_A_MODULE = """\
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
for options in json.load(sys.stdin):
    with patch_module_args(options):
        try:
            importlib.import_module(sys.argv[1]).main()
        except SystemExit as end:
            if end.code:
                raise
"""


@functools.cache
def theirs() -> str:
    """Where kubernetes.core is. It runs with the client library that our module has, too."""
    with stage("kubernetes.core"):
        return output(ROOT / "scripts" / "kubernetes-core")


def drain(tool: str, nodes: t.Sequence[str], kubeconfig: Path, scratch: Path) -> Measured:
    if tool == KUBECTL:
        command = [str(cluster.supply().kubectl), "drain", *nodes, "--ignore-daemonsets", f"--timeout={TIMEOUT}s"]
        return attempt(command, {"KUBECONFIG": str(kubeconfig), "HOME": str(scratch)})
    options = {
        "state": "drain",
        "kubeconfig": str(kubeconfig),
        "delete_options": {"ignore_daemonsets": True, "wait_timeout": TIMEOUT},
    }
    calls = [{**options, "names": nodes}] if tool == OURS else [{**options, "name": node} for node in nodes]
    return run_module(tool, calls, scratch)


def run_module(tool: str, calls: t.Sequence[t.Mapping[str, t.Any]], scratch: Path) -> Measured:
    """``calls``: the options of each, one after the other."""
    collection, _dot, module = tool.rpartition(".")
    command = [sys.executable, "-c", RUN_A_MODULE, f"ansible_collections.{collection}.plugins.modules.{module}"]
    collections = str(ROOT / ".collections") if tool == OURS else theirs()
    return attempt(command, {"PYTHONPATH": collections, "HOME": str(scratch)}, json.dumps(calls))
