# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs on a node: meets whoever writes an unfinished snapshot to a folder, and does something about it.

    python3 meet.py FOLDER kill|kill-starter|fill

The writer is stopped while it is met, so that what happens to it happens in its middle, however fast it is.
"""

from __future__ import annotations

import glob
import json
import os
import signal
import sys
import time

SECONDS = 900


def writer(folder: str) -> tuple[int, str] | None:
    """A process that has an unfinished file open, and the file."""
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            file = os.readlink(link)
            if os.path.dirname(file) == folder and ".db.part" in file and os.path.getsize(file):
                return int(link.split("/")[2]), file
        except OSError:
            continue
    return None


def unfinished(folder: str) -> bool:
    return any(".db.part" in name for name in os.listdir(folder)) if os.path.isdir(folder) else False


def meet(folder: str) -> tuple[int, str]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = unfinished(folder) and writer(folder)
        if found:
            os.kill(found[0], signal.SIGSTOP)
            return found
        time.sleep(0.001)
    raise SystemExit(f"nobody wrote to {folder} within {SECONDS} s")


def starter(process: int) -> int:
    with open(f"/proc/{process}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


def fill(folder: str) -> None:
    with open(f"{folder}/filler", "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            return


def main() -> None:
    folder, deed = sys.argv[1:]
    process, file = meet(folder)
    with open(f"/proc/{process}/comm") as name:
        met = {"process": process, "name": name.read().strip(), "file": file, "size": os.path.getsize(file)}
    if deed == "kill":
        os.kill(process, signal.SIGKILL)
    elif deed == "kill-starter":
        os.kill(starter(process), signal.SIGKILL)
    else:
        fill(folder)
        os.kill(process, signal.SIGCONT)
    print(json.dumps(met))


main()
