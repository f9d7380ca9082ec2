# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a member of etcd: meets a restore in one of its phases, however short that is, and stops who works on it.

    python3 phase.py FOLDER PHASE KNOWN

FOLDER has the restores, KNOWN is the id of the last one before. It prints a line when it has met the next one, waits
for a word, `kill` or `go on`, and does that to the process that it has stopped.
"""

from __future__ import annotations

import glob
import json
import os
import signal
import sys
import time

LOCK = "/run/kubeops-etcd.lock"
SECONDS = 900


def is_there(folder: str, phase: str, known: str) -> bool:
    newest = max(glob.glob(f"{folder}/*/plan.json"), default="")
    if os.path.basename(os.path.dirname(newest)) <= known:
        return False
    with open(newest) as file:
        return bool(json.load(file)["phase"] == phase)


def at_work() -> list[int]:
    """Who has the member's lock: the module of this step, where it still runs."""
    found = []
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            if os.readlink(link) == LOCK:
                found.append(int(link.split("/")[2]))
        except OSError:
            continue
    return found


def main() -> None:
    folder, phase, known = sys.argv[1:]
    deadline = time.monotonic() + SECONDS
    while not is_there(folder, phase, known):
        if time.monotonic() > deadline:
            raise SystemExit(f"no restore was {phase} within {SECONDS} s")
        time.sleep(0.002)
    stopped = at_work()
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    print(f"{phase}: stopped {len(stopped)}", flush=True)
    word = sys.stdin.readline().strip()
    for process in stopped:
        os.kill(process, signal.SIGKILL if word == "kill" else signal.SIGCONT)


main()
