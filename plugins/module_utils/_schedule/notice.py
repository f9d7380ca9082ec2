# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells of a unit that failed, by a command and by an address.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import ssl
import subprocess
import typing as t
import urllib.error
import urllib.parse
import urllib.request

from .._errors import MaintenanceError
from . import commands
from .configuration import Notice
from .systemd import parse

LINES = 20
_SHOWN = ("Id", "Result", "ExecMainStatus", "InvocationID")


def describe(unit: str, run: commands.Run = commands.run) -> dict[str, t.Any]:
    """What is told: host, unit, result, the last lines of the journal, and all of it in one sentence."""
    _code, said, _error = run(["systemctl", "show", unit, f"--property={','.join(_SHOWN)}"])
    shown = parse(said).get(unit, {})
    run(["journalctl", "--sync"])  # the last lines may be on their way
    of_run = shown.get("InvocationID")
    # What the run has said, and what systemd has said of it.
    wanted = [f"_SYSTEMD_INVOCATION_ID={of_run}", "+", f"INVOCATION_ID={of_run}"] if of_run else [f"--unit={unit}"]
    _code, said, _error = run(["journalctl", "--quiet", "--no-pager", "--output=cat", f"--lines={LINES}", *wanted])
    host, result = socket.gethostname(), shown.get("Result") or "unknown"
    return {
        "host": host,
        "unit": unit,
        "result": result,
        "exit_status": shown.get("ExecMainStatus", ""),
        "invocation": shown.get("InvocationID", ""),
        "lines": said.splitlines(),
        "text": f"{unit} failed on {host} ({result}). Look at it with: systemctl status {unit}, journalctl -u {unit}",
    }


def tell(notice: Notice, told: t.Mapping[str, t.Any]) -> list[str]:
    """Who was told. Raise MaintenanceError that says who could not be; one that fails does not keep the other."""
    done, troubles = [], []
    ways: list[t.Callable[[], str]] = []
    ways += [lambda: _run(notice, told)] if notice.command else []
    ways += [lambda: _post(notice, told)] if notice.url else []
    for way in ways:
        try:
            done.append(way())
        except MaintenanceError as error:
            troubles.append(error.msg)
    if troubles:
        raise MaintenanceError(f"nobody may know that {told['unit']} failed: {'; '.join(troubles)}")
    return done


def _run(notice: Notice, told: t.Mapping[str, t.Any]) -> str:
    """Named by its program alone: its other words may be secret."""
    program = notice.command[0]
    variables = {f"KUBEOPS_{key.upper()}": str(told[key]) for key in ("host", "unit", "result", "text")}
    try:
        # It is the user's own: unlike those of `process` it writes with the umask of the unit, and into the journal.
        # Nothing of Ansible is where this runs.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            notice.command,
            input=json.dumps(told).encode(),
            env={**os.environ, **variables},
            timeout=notice.timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise MaintenanceError(f"{program}: not done within {notice.timeout} s") from None
    except OSError as error:
        raise MaintenanceError(f"{program}: {error.strerror}") from None
    if done.returncode:
        raise MaintenanceError(f"{program}: exit status {done.returncode}")
    return f"{program} was run"


def _post(notice: Notice, told: t.Mapping[str, t.Any]) -> str:
    """Named by its host alone: the path of a webhook is its password."""
    host = urllib.parse.urlsplit(notice.url).hostname
    headers = {"Content-Type": "application/json", **notice.headers}
    request = urllib.request.Request(notice.url, json.dumps(told).encode(), headers, method="POST")
    try:
        context = ssl.create_default_context(cafile=notice.ca_path or None)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as for etcd's certificates: authorities made by hand
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), _Stay)
        with opener.open(request, timeout=notice.timeout) as response:
            return f"{host} was told ({response.status})"
    except urllib.error.HTTPError as error:
        raise MaintenanceError(f"{host} answered {error.code}") from None
    except urllib.error.URLError as error:
        raise MaintenanceError(f"{host} was not reached: {error.reason}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:  # its text may have the address in it
        raise MaintenanceError(f"{host} was not reached: {type(error).__name__}") from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """What is told goes to nobody else."""

    def redirect_request(self, *_words: t.Any) -> None:
        return None
