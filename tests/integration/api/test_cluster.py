# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cluster that is only an API leaves nothing behind, however its end comes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.kubeops.maintenance.tests.api import cluster
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

OWN_CLUSTER = """\
import pathlib, sys
import pytest
from ansible_collections.kubeops.maintenance.tests.api import cluster
from ansible_collections.kubeops.maintenance.tests.lab.process import LabError
with cluster.running(pathlib.Path(sys.argv[1])) as api:
    print(*(program.pid for program in api.programs), flush=True)
    sys.stdin.read()
"""


def alive(pid: int) -> bool:
    """Neither ended nor waiting for somebody to ask how it ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_its_programs_end_and_its_ports_are_free(tmp_path: Path) -> None:
    with cluster.running(tmp_path / "cluster") as api:
        assert api.kube().raw("/readyz") == "ok"
        pids = [program.pid for program in api.programs]
        assert len(pids) == 5
        for secret in [api.kubeconfig(), *api.pki.folder.glob("*.key")]:
            assert secret.stat().st_mode & 0o077 == 0
    assert not any(alive(pid) for pid in pids)
    for port in (api.port, api.etcd_port, api.peer_port):
        socket.create_server(("127.0.0.1", port)).close()


def test_a_kubeconfig_is_whole_whenever_it_is_read_and_a_program_that_ended_is_told(tmp_path: Path) -> None:
    with cluster.running(tmp_path / "cluster") as api:
        before = api.kubeconfig().stat().st_ino
        assert api.kubeconfig().stat().st_ino != before
        scheduler = next(program for program in api.programs if program.name == "kube-scheduler")
        os.kill(scheduler.pid, signal.SIGKILL)
        # All of its threads: a program whose first thread has ended looks like one that has.
        how = os.WEXITED | os.WNOWAIT | os.WNOHANG
        until("the end of the scheduler", lambda: os.waitid(os.P_PID, scheduler.pid, how), seconds=300, every=0.05)
        with pytest.raises(LabError, match="kube-scheduler ended with exit status -9"):
            api.kube()


def test_its_programs_die_with_who_started_them(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWN_CLUSTER, str(tmp_path / "cluster")]
    environment = {**os.environ, "PYTHONPATH": ".collections"}
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        command, cwd=root, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout
        pids = [int(word) for word in owner.stdout.readline().split()]
        assert len(pids) == 5
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    until("the end of all programs", lambda: not any(alive(pid) for pid in pids), seconds=300, every=0.05)
