# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import pytest

# What Ansible makes: a controller, a worker that leads a session of its own, a shell, and the module.
CONTROLLER = textwrap.dedent("""
    import os, sys, time
    if os.fork() == 0:
        os.setsid()
        os.system(sys.argv[1])
        os._exit(0)
    time.sleep(600)
""")
MODULE = textwrap.dedent("""
    import os, time
    from ansible_collections.kubeops.maintenance.plugins.module_utils._drain import parents
    abandoned = parents.watch()
    print("watching", os.getpid(), os.getpgrp(), abandoned(), flush=True)
    end = time.monotonic() + 300
    while not abandoned() and time.monotonic() < end:
        time.sleep(0.02)
    print("abandoned" if abandoned() else "still watched", flush=True)
""")


@pytest.fixture
def module(tmp_path):
    """The controller's process, with the module's output, once the module watches."""
    script = tmp_path / "module.py"
    script.write_text(MODULE)
    command = f"{sys.executable} {script}; true"
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, command],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    word, process, leader, abandoned = controller.stdout.readline().split()
    assert (word, abandoned) == ("watching", "False")
    assert process != leader
    yield controller
    controller.kill()
    controller.wait()
    controller.stdout.close()


def test_a_killed_controller_is_noticed_below_its_worker(module):
    module.send_signal(signal.SIGKILL)
    assert module.stdout.readline() == "abandoned\n"
