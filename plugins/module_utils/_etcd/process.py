# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs as children that never outlive who started them, and never run longer than they may: etcd's own above all.

AnsibleModule.run_command has no deadline, and its children go on when the module is killed.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import signal
import subprocess
import typing as t

from .._errors import MaintenanceError
from .._wait import Deadline

# Nothing of the caller's: ETCDCTL_* would change what is asked, and a proxy who is.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C"}
_PR_SET_PDEATHSIG = 1
_SHOWN = 500


# What a program says where the system fails it. Go prints these in lower case.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SYSTEM = (
    *FULL,
    errno.ENOMEM,
    errno.EIO,
    errno.EAGAIN,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
)


class ProcessError(MaintenanceError):
    """It could not be started, was not done in time, or failed. The message ends with what it complains of.

    ``status`` is None where it did not end by itself.
    """

    status: t.Optional[int] = None
    printed = ""

    def complains(self, codes: t.Sequence[int]) -> t.Optional[int]:
        """The first of the system's errors that the program names."""
        return next((code for code in codes if os.strerror(code).lower() in self.printed.lower()), None)


@contextlib.contextmanager
def started(
    command: t.Sequence[str],
    niceness: int = 0,
    environment: t.Optional[t.Mapping[str, str]] = None,
    text: bool = True,
    **options: t.Any,
) -> t.Iterator[subprocess.Popen[t.Any]]:
    """A child in a process group of its own, whose files are for their owner alone. It is dead afterwards.

    ``niceness``: more is less, of the processor and, on most disks, of those too.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before that
            os._exit(1)
        os.nice(niceness)

    try:
        # Also without Ansible, and run_command does neither what the deadline wants nor what the pipes do.
        child = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command,
            env=ENVIRONMENT if environment is None else environment,
            cwd=options.pop("cwd", "/"),
            start_new_session=True,
            umask=0o077,
            preexec_fn=prepare,
            text=text,
            errors="replace" if text else None,
            **{"stdin": subprocess.DEVNULL, **options},
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ProcessError(f"{command[0]}: cannot be started: {error}") from error
    try:
        yield child
    finally:
        if child.returncode is None:  # not reaped yet, so the id is still its own
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        for stream in filter(None, (child.stdin, child.stdout, child.stderr)):
            stream.close()


def run(command: t.Sequence[str], deadline: Deadline, niceness: int = 0) -> str:
    """What it prints. ``deadline``: it is killed then."""
    with started(command, niceness, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        try:
            out, problem = child.communicate(timeout=deadline.left)
        except subprocess.TimeoutExpired:
            raise ProcessError(f"{command[0]}: not done in {deadline.seconds:g} s, and killed") from None
    if child.returncode:
        raise failure(command[0], child.returncode, problem or out)
    return str(out)


def failure(program: str, status: int, printed: str) -> ProcessError:
    error = ProcessError(f"{program}: failed with status {status}: {complaint(printed)}")
    error.status = status if status > 0 else None  # less: killed by a signal
    error.printed = printed
    return error


def complaint(printed: str) -> str:
    """Of all that one of etcd's programs prints, the line that says why it ended."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith(("Error: ", "panic: ", "fatal error: ")):
            return line[:_SHOWN]
        with contextlib.suppress(ValueError, AttributeError):
            said = json.loads(line)
            if said.get("level") in ("error", "panic", "fatal"):
                return ": ".join(str(said[name]) for name in ("msg", "error") if said.get(name))[:_SHOWN]
    return lines[-1][:_SHOWN] if lines else "it said nothing"
