# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one file's command line.

Whatever it says goes to the journal, so it says sentences and no JSON, and the last of them tells what came of the run.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import argparse
import datetime
import signal
import socket
import sys
import typing as t

from .._errors import MaintenanceError, as_failure
from .._etcd.snapshots import inventory
from . import commands, configuration, notice, status, systemd, turn


def main(version: str, words: t.Optional[t.Sequence[str]] = None) -> int:
    """The exit status: 0 well, 1 failed, 2 as argparse."""
    arguments = _parser(version).parse_args(words)
    # What systemd ends takes away what it has half done, as after any failure.
    signal.signal(signal.SIGTERM, _end)
    try:
        arguments.work(configuration.read(arguments.config, arguments.private), arguments)
    except Exception as error:  # noqa: BLE001 (this is the one place)
        failure = as_failure(error)
        trace = failure.data.get("exception")
        _say("\n".join(filter(None, (trace, f"FAILED: {failure.msg}"))), sys.stderr)
        return 1
    return 0


def _end(_signal: int, _frame: t.Any) -> t.NoReturn:
    raise SystemExit(128 + signal.SIGTERM)


def _parser(version: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="etcd-backup.pyz", description="Verified snapshots of this node's etcd member, by the clock."
    )
    parser.add_argument("--version", action="version", version=version)
    parser.add_argument("--config", default=configuration.PATH, help="default: %(default)s")
    parts = parser.add_subparsers(required=True, metavar="COMMAND")
    _add(parts, "backup", "take a snapshot where it is this member's turn, then prune", _backup)
    _add(parts, "drill", "restore the newest snapshot beside the member, where it is its turn, and compare", _drill)
    _add(parts, "status", "show timers, their last runs, and the snapshots of this node", _status)
    check = _add(parts, "check", "say whether runs with this configuration could end well, and do nothing", _check)
    check.set_defaults(private=False)
    failed = _add(parts, "failed", "tell of a unit that failed, as the configuration says", _failed)
    failed.add_argument("unit")
    return parser


def _add(parts: t.Any, name: str, does: str, work: t.Callable[..., None]) -> argparse.ArgumentParser:
    part: argparse.ArgumentParser = parts.add_parser(name, help=does, description=does)
    part.set_defaults(work=work, private=True)
    return part


def _say(text: str, to: t.Optional[t.TextIO] = None) -> None:
    out = to or sys.stdout
    out.write(f"{text}\n")
    out.flush()


def _backup(settings: configuration.Configuration, _arguments: argparse.Namespace) -> None:
    turn.take_snapshot(settings, _say)


def _drill(settings: configuration.Configuration, _arguments: argparse.Namespace) -> None:
    turn.hold_drill(settings, _say)


def _check(settings: configuration.Configuration, _arguments: argparse.Namespace) -> None:
    turn.check(settings)


def _failed(settings: configuration.Configuration, arguments: argparse.Namespace) -> None:
    told = notice.describe(arguments.unit)
    done = notice.tell(settings.on_failure, told)
    _say(f"{arguments.unit} failed ({told['result']}); {', '.join(done) or 'the configuration names nobody to tell'}")


def _status(settings: configuration.Configuration, _arguments: argparse.Namespace) -> None:
    """Of this node alone: how old the newest snapshot of all members is, only all of them together know."""
    entries = systemd.read(commands.run)
    now = datetime.datetime.now(datetime.timezone.utc)
    for line in status.lines({socket.gethostname(): entries}, None, now):
        _say(line)
    for line in inventory.table(inventory.read(settings.dir, (), inventory.Look())):
        _say(line)
    failed = [entry["name"] for entry in entries if entry["failed"]]
    if failed:
        raise MaintenanceError(f"the last {' and the last '.join(failed)} failed")
