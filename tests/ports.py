# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ports of the loopback for programs that a test starts.

Below those that the kernel gives to outgoing connections: a program that is ended and started again finds its port
still free. Handed out in turn to all tests on the machine, for "nobody listens there at this moment" is true for two
tests that ask at the same time.
"""

from __future__ import annotations

import fcntl
import os
import pathlib
import socket
import tempfile

FIRST, LAST = 20000, 29999
TURN = pathlib.Path(tempfile.gettempdir()) / f"kubeops-test-ports-{os.getuid()}"


def free_ports(number: int, turn: pathlib.Path = TURN) -> list[int]:
    """``number`` ports that nobody listens on, and that nobody else is given until all others were; OSError: too few.

    ``turn`` holds the port that was given last.
    """
    with open(os.open(turn, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600), "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = int(file.read() or LAST)
        found: list[int] = []
        for step in range(1, LAST - FIRST + 2):
            port = FIRST + (last - FIRST + step) % (LAST - FIRST + 1)
            if _unused(port):
                found.append(port)
            if len(found) == number:
                file.seek(0)
                file.write(str(port))
                return found
    raise OSError(f"fewer than {number} free ports from {FIRST} to {LAST}")


def _unused(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
