# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the schedule is to do, read from a file that only root may read: it names a command that root runs.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import typing as t
import urllib.parse

from .. import _static_pod
from .._errors import MaintenanceError
from .._etcd.archive import archive
from .._etcd.snapshots.retention import Policy
from .._etcd.snapshots.store import TIERS

PATH = "/etc/kubeops/etcd-backup.json"
_LONGEST = 1 << 20
Table = t.Mapping[str, t.Callable[[t.Any], t.Any]]


@dataclasses.dataclass(frozen=True)
class Notice:
    """Who is told of a failure: a command, an address, both or nobody. ``timeout`` in seconds, for each."""

    command: tuple[str, ...] = ()
    url: str = ""
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    ca_path: str = ""
    timeout: int = 60


@dataclasses.dataclass(frozen=True)
class Configuration:
    """Nothing of the cluster stands here: where the member and its certificates are is looked up at each run.

    ``remote``: ``name:path``, a section of rclone's configuration ``remote_config``; empty, no copy is made.
    """

    dir: str
    tier: str = "hourly"
    keep: Policy = dataclasses.field(default_factory=Policy)
    timeout: int = 600
    lock_timeout: int = 600
    manifest_dir: str = _static_pod.MANIFESTS
    files: str = archive.ENCRYPTED
    recipients: tuple[str, ...] = ()
    remote: str = ""
    remote_config: str = ""
    on_failure: Notice = dataclasses.field(default_factory=Notice)


def read(path: str = PATH, private: bool = True) -> Configuration:
    """Raise MaintenanceError that names the key, and never a value: one of them may be secret.

    ``private``: refuse a file that others may read or write.
    """
    try:
        with open(path, "rb") as file:
            if private:
                _refuse_others(os.fstat(file.fileno()))
            content = json.loads(file.read(_LONGEST))
        return _parsed("", content, _CONFIGURATION, Configuration)
    except OSError as error:
        raise MaintenanceError(f"{path}: cannot be read: {error.strerror}") from error
    except json.JSONDecodeError as error:
        raise MaintenanceError(f"{path}: is no JSON: {error.msg} in line {error.lineno}") from None
    except (ValueError, RecursionError) as error:
        raise MaintenanceError(f"{path}: {error}") from None


def _refuse_others(found: os.stat_result) -> None:
    if found.st_uid not in (0, os.geteuid()) or stat.S_IMODE(found.st_mode) & 0o077:
        raise ValueError("others may read or write it. Make it root's alone: chown root, chmod 0600")


T = t.TypeVar("T")


def _parsed(where: str, content: t.Any, table: Table, make: t.Callable[..., T]) -> T:
    if not isinstance(content, dict):
        raise ValueError(f"{where or 'it'} has to be a mapping")
    prefix = f"{where}." if where else ""
    unknown = sorted(prefix + str(key) for key in content if key not in table)
    if unknown:
        raise ValueError(f"unknown key {', '.join(unknown)}; there are {', '.join(prefix + key for key in table)}")
    values = {}
    for key, parse in table.items():
        if key in content:
            try:
                values[key] = parse(content[key])
            except TypeError as error:
                raise ValueError(f"{prefix}{key} {error}") from None
    try:
        return make(**values)
    except TypeError:
        raise ValueError(f"{prefix}dir is missing") from None


def _number(least: int) -> t.Callable[[t.Any], int]:
    def parse(value: t.Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise TypeError(f"has to be a whole number, {least} or more")
        return value

    return parse


def _path(value: t.Any) -> str:
    if not isinstance(value, str) or not os.path.isabs(value):
        raise TypeError("has to be an absolute path")
    return value


def _text(value: t.Any) -> str:
    if not isinstance(value, str):
        raise TypeError("has to be a text")
    return value


def _one_of(words: t.Sequence[str]) -> t.Callable[[t.Any], str]:
    def parse(value: t.Any) -> str:
        if value not in words:
            raise TypeError(f"has to be one of {', '.join(words)}")
        return str(value)

    return parse


def _texts(value: t.Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise TypeError("has to be a list of texts")
    return tuple(value)


def _words(value: t.Any) -> tuple[str, ...]:
    try:
        return _texts(value)
    except TypeError:
        raise TypeError("has to be a list of words; no shell reads it") from None


def _headers(value: t.Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(word, str) for word in value.values()):
        raise TypeError("has to be a mapping of names to texts")
    return value


def _address(value: t.Any) -> str:
    try:
        # As it is sent: http.client refuses anything else, and only when a failure is to be told.
        sendable = value.isascii() and value.isprintable() and " " not in value
        if sendable and value.startswith(("https://", "http://")) and urllib.parse.urlsplit(value).hostname:
            return str(value)
    except (AttributeError, ValueError):
        pass
    raise TypeError("has to be an address that begins with https:// or http://, and has neither blanks nor umlauts")


def _optional(parse: t.Callable[[t.Any], t.Any]) -> t.Callable[[t.Any], t.Any]:
    return lambda value: value if value == "" else parse(value)


_NOTICE: Table = {
    "command": _words,
    "url": _optional(_address),
    "headers": _headers,
    "ca_path": _optional(_path),
    "timeout": _number(1),
}
_KEEP: Table = {field.name: _number(0) for field in dataclasses.fields(Policy)}
_CONFIGURATION: Table = {
    "dir": _path,
    "tier": _one_of(TIERS),
    "keep": lambda value: _parsed("keep", value, _KEEP, Policy),
    "timeout": _number(1),
    "lock_timeout": _number(1),
    "manifest_dir": _path,
    "files": _one_of(archive.FILES),
    "recipients": _texts,
    "remote": _text,
    "remote_config": _optional(_path),
    "on_failure": lambda value: _parsed("on_failure", value, _NOTICE, Notice),
}
