# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts a member, told to leave it stopped, also across a boot, and to start it again.

A member that were started while its data is being exchanged would make a new cluster of its own, and empty.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import abc
import contextlib
import os
import typing as t

from ... import _pods, _static_pods
from ..._errors import MaintenanceError
from .. import disk
from ..member import unit
from .plan import SYSTEMD, Here

RunCommand = t.Callable[..., tuple[int, str, str]]
ETCD = "etcd"
DROP_INS = "/etc/systemd/system"
_DROP_IN = "kubeops-restore.conf"
_CONTENT = """\
# A restore exchanges the data of this member, and an etcd that is started meanwhile would make a cluster of its own.
# The module kubeops.maintenance.etcd_restore removes this file when it starts the member.
[Unit]
ConditionPathExists=!{path}
"""


class Service(abc.ABC):
    """``stop`` and ``start`` ask for it, and can be asked again; whether it came to that is seen at the processes."""

    #: What is done, in words.
    stops: str
    starts: str

    @abc.abstractmethod
    def check(self) -> None:
        """Raise MaintenanceError where asking would be of no use. Nothing has been changed then."""

    @abc.abstractmethod
    def is_stopped(self) -> bool:
        """Whether it was asked to stop, and was not asked to start since."""

    @abc.abstractmethod
    def stop(self) -> None: ...

    @abc.abstractmethod
    def start(self) -> None: ...

    def remains(self) -> list[str]:
        """What may start it again, though it was asked to stop, in words."""
        return []


class StaticPod(Service):
    def __init__(self, manifest: str, run_command: RunCommand, root: str = "/") -> None:
        self._root = root
        self._manifests = _static_pods.Manifests(os.path.dirname(manifest))
        self._run_command = run_command
        self.stops = f"move {self._manifests.path(ETCD)} to {self._manifests.parked}"
        self.starts = f"move {self._manifests.parked_path(ETCD)} to {self._manifests.live}"

    def check(self) -> None:
        self._manifests.check(ETCD)
        _code, said, _error = self._run_command(["systemctl", "is-active", _static_pods.KUBELET])
        _static_pods.need_kubelet(said)

    def is_stopped(self) -> bool:
        return self._manifests.is_parked(ETCD) and not self._manifests.is_live(ETCD)

    def stop(self) -> None:
        if self._manifests.is_live(ETCD):
            self._manifests.park(ETCD)

    def start(self) -> None:
        if self._manifests.is_parked(ETCD):
            self._manifests.put_back(ETCD)

    def remains(self) -> list[str]:
        """Between two crashes it has no process, and until the kubelet has seen that its manifest is gone, another may
        come. When it has, it ends the pod.
        """
        return [f"the kubelet has not ended the pod {pod} yet" for pod in _pods.static(ETCD, self._root)]


class Unit(Service):
    """A drop-in of the unit says that it must not start: to disable or to mask it is not ours to undo afterwards."""

    def __init__(self, run_command: RunCommand, drop_ins: str = DROP_INS) -> None:
        self._run_command = run_command
        self._folder = os.path.join(drop_ins, f"{unit.NAME}.d")
        self._drop_in = os.path.join(self._folder, _DROP_IN)
        self.stops = f"stop {unit.NAME}, and keep it from being started ({self._drop_in})"
        self.starts = f"remove {self._drop_in} and start {unit.NAME}"

    def check(self) -> None:
        state = self._need("show", unit.NAME, "--property=LoadState", "--value")
        if state != "loaded":
            raise MaintenanceError(f"{unit.NAME}: systemd says that it is {state or 'not known'}. Nothing was changed")

    def is_stopped(self) -> bool:
        _code, said, _error = self._run_command(["systemctl", "is-active", unit.NAME])
        return os.path.exists(self._drop_in) and said.strip() in ("inactive", "failed")

    def stop(self) -> None:
        if not os.path.exists(self._drop_in):
            os.makedirs(self._folder, mode=0o755, exist_ok=True)
            disk.rewrite(self._drop_in, _CONTENT.format(path=self._drop_in).encode())
            os.chmod(self._drop_in, 0o644)  # systemd complains of settings that are secret
        self._need("daemon-reload")
        self._need("stop", unit.NAME)

    def start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._drop_in)
            disk.sync(self._folder)
        with contextlib.suppress(OSError):  # it was there before, or it has others in it
            os.rmdir(self._folder)
        self._need("daemon-reload")
        self._run_command(["systemctl", "reset-failed", unit.NAME])  # one that failed too often would not be started
        # A unit of Type=notify has started when the member serves, which takes the other members.
        self._need("start", "--no-block", unit.NAME)

    def _need(self, *words: str) -> str:
        code, said, error = self._run_command(["systemctl", *words])
        if code:
            raise MaintenanceError(
                f"systemctl {' '.join(words)} failed: {(error or said).strip() or code}. Look at it: journalctl -u etcd"
            )
        return said.strip()


def of(here: Here, run_command: RunCommand) -> Service:
    return Unit(run_command) if here.managed_by == SYSTEMD else StaticPod(here.source, run_command)
