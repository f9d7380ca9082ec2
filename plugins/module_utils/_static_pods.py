# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Static pods that are stopped and started again: their manifests are moved, and their processes are watched.

The kubelet runs what its directory of manifests holds, every file in it that does not begin with a dot, and looks anew
at each change and every 20 s. So a manifest is parked beside that directory and not in it. The folder is on the same
filesystem: a manifest is at one place or the other, and never half there.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import socket
import typing as t

from . import _static_pod
from ._errors import MaintenanceError
from ._etcd import disk

KUBELET = "kubelet.service"
_PROC = "/proc"


class Manifests:
    """``live`` is the kubelet's directory, ``parked`` the folder beside it. ``name`` is a component's, like etcd."""

    def __init__(self, directory: str = _static_pod.MANIFESTS) -> None:
        self.live = os.path.realpath(directory)
        self.parked = _static_pod.parked(directory)

    def path(self, name: str) -> str:
        return posixpath.join(self.live, f"{name}.yaml")

    def parked_path(self, name: str) -> str:
        return posixpath.join(self.parked, f"{name}.yaml")

    def is_live(self, name: str) -> bool:
        return os.path.lexists(self.path(name))

    def is_parked(self, name: str) -> bool:
        return os.path.lexists(self.parked_path(name))

    def read(self, name: str) -> t.Optional[_static_pod.StaticPod]:
        """The manifest, wherever it is."""
        return _static_pod.read(name, self.live) or _static_pod.read(name, self.parked)

    def check(self, name: str) -> None:
        """Raise MaintenanceError where moving this one manifest would not be all that there is to do."""
        live, parked = self.path(name), self.parked_path(name)
        if self.is_live(name) and self.is_parked(name) and not _equal(live, parked):
            raise MaintenanceError(
                f"{live} and {parked} are both there and differ: one of them is from before {name} was stopped. Keep"
                " the right one and move the other elsewhere"
            )
        doubles = self._doubles(name)
        if doubles:
            raise MaintenanceError(
                f"the kubelet also runs {name} from {', '.join(doubles)}: it reads every file in {self.live} that does"
                " not begin with a dot. Move what is no manifest of its own out of that directory"
            )

    def park(self, name: str) -> None:
        if not os.path.isdir(self.parked):
            disk.prepare(self.parked)
        self._move(self.path(name), self.parked_path(name))

    def put_back(self, name: str) -> None:
        self._move(self.parked_path(name), self.path(name))

    def _move(self, source: str, target: str) -> None:
        try:
            os.rename(source, target)  # what is replaced is equal: `check` has looked
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            raise MaintenanceError(
                f"{source}: cannot be moved to {target}: {self.live} is a filesystem of its own, so the manifest would"
                " have to be copied. Nothing was moved. Mount the directory above it instead"
            ) from None
        for place in (target, source):
            disk.sync(posixpath.dirname(place))

    def _doubles(self, name: str) -> list[str]:
        """Other files that make the kubelet run the same program."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for entry in sorted(os.listdir(self.live)):
                path = posixpath.join(self.live, entry)
                if entry.startswith(".") or path == self.path(name) or not os.path.isfile(path):
                    continue
                with contextlib.suppress(MaintenanceError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
                    if posixpath.basename("".join(_static_pod.parse(file.read(), path).command[:1])) == name:
                        found.append(path)
        return found


def _equal(one: str, other: str) -> bool:
    with open(one, "rb") as first, open(other, "rb") as second:
        return first.read() == second.read()


def need_kubelet(state: str) -> None:
    """``state``: what ``systemctl is-active`` says of it. Raise MaintenanceError where manifests would move in vain."""
    if state.strip() != "active":
        raise MaintenanceError(
            f"{KUBELET} is {state.strip() or 'not there'} and not active, and without it no static pod stops or starts."
            " Nothing was moved. Look at it (systemctl status kubelet, journalctl -u kubelet) and start it"
        )


def processes(program: str, proc: str = _PROC) -> list[int]:
    """The processes of a program in this node's own network, where static pods of a control plane run.

    Pods that host other clusters' control planes have a network of their own.
    """
    own = os.readlink(f"{proc}/self/ns/net")
    found = []
    for entry in sorted(filter(str.isdigit, os.listdir(proc)), key=int):
        with contextlib.suppress(OSError):  # it may end at any moment, and one that has ended has no program
            path = os.readlink(f"{proc}/{entry}/exe").removesuffix(" (deleted)")
            if posixpath.basename(path) == program and os.readlink(f"{proc}/{entry}/ns/net") == own:
                found.append(int(entry))
    return found


def is_free(host: str, port: int) -> bool:
    """Whether somebody could listen there; also where the address is no address of this node."""
    for family, kind, protocol, _name, address in _addresses(host, port):
        with socket.socket(family, kind, protocol) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is closed and lingers is no listener
            try:
                one.bind(address)
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return False
    return True


def answers(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def _addresses(host: str, port: int) -> list[t.Any]:
    try:
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return []
