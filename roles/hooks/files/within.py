# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""within.py SECONDS PROGRAM WORD...: what `timeout` of coreutils does on the nodes, for controllers that have none.

A task's own timeout would leave the program running.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys

TIME_IS_OVER = 124

try:
    program = subprocess.Popen(sys.argv[2:], start_new_session=True)
except OSError as error:
    sys.exit(f"{sys.argv[2]}: {error.strerror}")
try:
    sys.exit(program.wait(timeout=float(sys.argv[1])))
except subprocess.TimeoutExpired:
    os.killpg(program.pid, signal.SIGKILL)
    program.wait()
    sys.exit(TIME_IS_OVER)
