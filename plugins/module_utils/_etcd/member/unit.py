# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The etcd that systemd starts: what its unit and its environment files set.

systemd itself is asked, so drop-ins count as they do for it. etcd takes flags before the variables ``ETCD_*``.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import posixpath
import re
import shlex
import typing as t

from ..._errors import MaintenanceError
from . import environment_file
from .local_member import Settings

NAME = "etcd.service"
_PROPERTIES = "LoadState,ExecStart,Environment,EnvironmentFiles,FragmentPath,DropInPaths"
_COMMAND = re.compile(r"argv\[\]=(.*?) ; ")
_FILE = re.compile(r"(.*) \(ignore_errors=(yes|no)\)")
_ALONE, _BRACED, _PLAIN = re.compile(r"\$(\w+)"), re.compile(r"\$\$|\$\{(\w+)\}"), re.compile(r"\$\{?(\w+)\}?")
_SHELLS = ("bash", "dash", "sh")


def show(run_command: t.Callable[..., tuple[int, str, str]]) -> str:
    """What systemd says of the unit, empty on a node without systemd. ``run_command`` as AnsibleModule has it."""
    code, said, _error = run_command(["systemctl", "show", NAME, f"--property={_PROPERTIES}"])
    return said if code == 0 else ""


def parse(shown: str, read: t.Optional[t.Callable[[str], str]] = None) -> t.Optional[Settings]:
    """What the member is started with, None where there is no such unit. ``read`` a file, for those with variables."""
    said = [line.partition("=")[::2] for line in shown.splitlines()]
    if ("LoadState", "loaded") not in said:
        return None
    variables: dict[str, str] = {}
    for name, value in said:
        if name == "Environment":
            variables.update(_assignments(shlex.split(value)))
    for name, value in said:
        if name == "EnvironmentFiles":
            variables.update(_file(value, read or _read))
    flags = {
        name[len("ETCD_") :].lower().replace("_", "-"): value
        for name, value in variables.items()
        if name.startswith("ETCD_")
    }
    for name, value in said:
        if name == "ExecStart":
            flags.update(_flags(value, variables))
    if flags.get("config-file"):
        raise MaintenanceError(
            f"{NAME}: etcd reads its settings from {flags['config-file']}, which this collection does not. Give them as"
            " flags or as ETCD_* variables of the unit"
        )
    # Where people keep a certificate for etcdctl, it is this one.
    client = (variables.get("ETCDCTL_CERT", ""), variables.get("ETCDCTL_KEY", ""))
    return Settings(NAME, {"name": "default", **flags}, client=client)


def sources(shown: str) -> dict[str, bool]:
    """The files that the unit is made of, and whether they may be missing; none where there is no such unit."""
    said = [line.partition("=")[::2] for line in shown.splitlines()]
    paths = [path for name, value in said if name in ("FragmentPath", "DropInPaths") for path in value.split()]
    files = [_environment_file(value) for name, value in said if name == "EnvironmentFiles"]
    return {**dict.fromkeys(paths, False), **dict(files)}


def _environment_file(named: str) -> tuple[str, bool]:
    """Its path, and whether it may be missing."""
    found = _FILE.fullmatch(named)
    return (found[1], found[2] == "yes") if found else (named, False)


def _file(named: str, read: t.Callable[[str], str]) -> dict[str, str]:
    path, may_be_missing = _environment_file(named)
    try:
        text = read(path)
    except OSError as error:
        if may_be_missing and isinstance(error, FileNotFoundError):
            return {}
        raise MaintenanceError(f"{NAME}: {path}: cannot be read: {error}. Run the task as root") from error
    return environment_file.parse(text)


def _assignments(words: t.Iterable[str]) -> dict[str, str]:
    pairs = (word.partition("=") for word in words)
    return {name: value for name, equals, value in pairs if equals}


def _flags(command: str, variables: t.Mapping[str, str]) -> dict[str, str]:
    """Of a command line like ``{ path=... ; argv[]=/usr/bin/etcd --name cp1 ; ... }``, where quotes are gone."""
    found = _COMMAND.search(command)
    words = _words(found[1], variables) if found else []
    flags = {}
    for word, following in zip(words, [*words[1:], ""]):
        if word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            flags[name] = value if equals else "" if following.startswith("-") else following
    return flags


def _words(command: str, variables: t.Mapping[str, str]) -> list[str]:
    """As systemd expands them: ``${NAME}`` anywhere; ``$NAME`` as a word of its own, which may become several or none.
    A shell that starts etcd has its quotes still and expands the rest.
    """
    words = []
    for word in command.split():
        alone = _ALONE.fullmatch(word)
        words += _split(variables.get(alone[1], "")) if alone else [_BRACED.sub(_expand(variables), word)]
    if words and posixpath.basename(words[0]) in _SHELLS:
        return _split(_PLAIN.sub(_expand(variables), " ".join(words)))
    return words


def _expand(variables: t.Mapping[str, str]) -> t.Callable[[re.Match[str]], str]:
    return lambda found: "$" if found[0] == "$$" else variables.get(found[1], "")


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote that nothing closes
        return text.split()


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()
