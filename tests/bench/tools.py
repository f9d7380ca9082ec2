# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tools that are compared: each drains one node as a process of its own.

Modules run as Ansible runs them on the host, without the start of Ansible itself, which takes the same time for both.
"""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.tests.api import cluster
from ansible_collections.kubeops.maintenance.tests.lab.process import run
from ansible_collections.kubeops.maintenance.tests.lab.progress import stage

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / "build" / "bench" / "venv"
# Where kubernetes.core is taken from; the same client library for both modules.
PACKAGES = ("ansible==14.*", "kubernetes==37.0.2")
KUBECTL, THEIRS, OURS = "kubectl", "kubernetes.core.k8s_drain", "kubeops.maintenance.k8s_drain"
TIMEOUT = 600
RUN_A_MODULE = """\
import importlib, json, sys
from ansible.module_utils.testing import patch_module_args
with patch_module_args(json.load(sys.stdin)):
    importlib.import_module(sys.argv[1]).main()
"""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """``started`` in seconds of the epoch."""

    started: float
    seconds: float
    peak_rss_mb: float
    failure: str
    said: str


def prepare() -> None:
    """An environment of the benchmark's own: `ansible` is large and has no place among the tools of the project."""
    stamp = ENVIRONMENT / ".made-from"
    wanted = f"{sys.version} {PACKAGES}"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    with stage(f"environment with {PACKAGES[0]}"):
        run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)
        run(ENVIRONMENT / "bin" / "pip", "install", "--quiet", *PACKAGES)
    stamp.write_text(wanted)


def drain(tool: str, node: str, kubeconfig: Path, scratch: Path) -> Outcome:
    if tool == KUBECTL:
        command = [str(cluster.supply().kubectl), "drain", node, "--ignore-daemonsets", f"--timeout={TIMEOUT}s"]
        return _measure(command, {"KUBECONFIG": str(kubeconfig), "HOME": str(scratch)}, "")
    options = {
        "name": node,
        "state": "drain",
        "kubeconfig": str(kubeconfig),
        "delete_options": {"ignore_daemonsets": True, "wait_timeout": TIMEOUT},
    }
    return run_module(tool, options, scratch)


def run_module(tool: str, options: t.Mapping[str, t.Any], scratch: Path) -> Outcome:
    collection, _dot, module = tool.rpartition(".")
    command = [str(ENVIRONMENT / "bin" / "python"), "-c", RUN_A_MODULE]
    command += [f"ansible_collections.{collection}.plugins.modules.{module}"]
    found_in = {"PYTHONPATH": str(ROOT / ".collections")} if tool == OURS else {}
    return _measure(command, {**found_in, "HOME": str(scratch)}, json.dumps(options))


def _measure(command: list[str], environment: t.Mapping[str, str], stdin: str) -> Outcome:
    with tempfile.TemporaryFile("w+") as given, tempfile.TemporaryFile("w+") as said:
        given.write(stdin)
        given.seek(0)
        started, start = time.time(), time.monotonic()
        # A group of its own: our module stops when the process that leads its group loses its parent.
        with subprocess.Popen(
            command,
            env={**os.environ, **environment},
            stdin=given,
            stdout=said,
            stderr=subprocess.STDOUT,
            process_group=0,
        ) as process:
            try:
                peak = _follow(process)
            finally:
                process.kill()
            seconds = time.monotonic() - start
        said.seek(0)
        text = said.read()
    return Outcome(started, seconds, peak / 1024, _message(text) if process.returncode else "", text)


def _follow(process: subprocess.Popen[bytes]) -> int:
    """The largest resident set in KiB. What the system says of a process that ended counts its parent's, too."""
    peak = 0
    while True:
        try:
            process.wait(timeout=0.05)
            return peak
        except subprocess.TimeoutExpired:
            found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
            peak = int(found[1]) if found else peak


def _message(said: str) -> str:
    """The last line, or what a module's result says."""
    last = said.strip().splitlines()[-1] if said.strip() else "no output"
    try:
        return str(json.loads(last).get("msg", last))
    except ValueError:
        return last
