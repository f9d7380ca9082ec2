# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads what a static pod manifest says, with the standard library only.

Managed nodes have no YAML parser that could be counted on. kubeadm writes its manifests with one serializer
(block style, one flag a line), so its lines are enough; a line that says nothing about image or command is passed over.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import os.path
import pathlib
import re
import typing as t

from ._errors import MaintenanceError

MANIFESTS = "/etc/kubernetes/manifests"
_PARKED = "kubeops-stopped"

_IMAGE = re.compile(r"^\s*(?:- )?image:\s*(\S+)\s*$")
_ITEM = re.compile(r"^\s*-\s+(.*?)\s*$")
_COMMAND = re.compile(r"^(\s*)(?:- )?(?:command|args):\s*$")


@dataclasses.dataclass(frozen=True)
class StaticPod:
    """One container's image and command line. ``flags`` maps a flag's name without dashes to its last value."""

    path: str
    image: str
    command: tuple[str, ...]
    flags: t.Mapping[str, str]

    @property
    def tag(self) -> str:
        """The image's tag, empty where it has none: ``v1.36.4``, ``3.6.16-0``."""
        name = self.image.split("@", 1)[0].rsplit("/", 1)[-1]
        return name.partition(":")[2]


def parked(directory: str = MANIFESTS) -> str:
    """Where manifests are put whose pods have to stop: beside the kubelet's directory, so on the same filesystem, and
    not in it, for the kubelet starts whatever file it finds there.
    """
    return os.path.join(os.path.dirname(os.path.realpath(directory)), _PARKED)


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def parse(text: str, path: str = "") -> StaticPod:
    """Raise MaintenanceError where the text names no image: that is no static pod manifest."""
    image = ""
    command: list[str] = []
    indent: int | None = None
    for line in text.splitlines():
        found = _IMAGE.match(line)
        if found and not image:
            image = _unquote(found.group(1))
        heading = _COMMAND.match(line)
        if heading:
            indent = len(heading.group(1))
            continue
        item = _ITEM.match(line)
        if indent is not None and item and len(line) - len(line.lstrip()) >= indent:
            command.append(_unquote(item.group(1)))
        else:
            indent = None
    if not image:
        raise MaintenanceError(f"{path or 'manifest'}: no container image found in it, so it is no static pod manifest")
    flags = {}
    for word in command:
        if word.startswith("--"):
            name, _equals, value = word[2:].partition("=")
            flags[name] = value
    return StaticPod(path, image, tuple(command), flags)


def read(component: str, directory: str = MANIFESTS) -> StaticPod | None:
    """The manifest of a component (``etcd``, ``kube-apiserver``, ...), None where this node has none."""
    path = pathlib.Path(directory) / f"{component}.yaml"
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        return None
