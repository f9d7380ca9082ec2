# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A kubelet that runs one static pod, a real etcd, as long as its manifest is there."""

from __future__ import annotations

import concurrent.futures
import contextlib
import pathlib
import subprocess
import threading
import typing as t

from ansible_collections.kubeops.maintenance.plugins.module_utils import _static_pod
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import act, back, service
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.report import Request
from ansible_collections.kubeops.maintenance.tests.api.program import MORTAL
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Etcd, Pki, Release, agreed

# Seconds between two looks at the manifests.
_PERIOD = 0.02
_BACKOFF = 0.2


class Kubelet:
    """``lost``: it neither starts nor ends anything, as on a host that is away."""

    def __init__(self, etcd: Etcd) -> None:
        self._etcd = etcd
        self._leave = threading.Event()
        self._thread = threading.Thread(target=self._work)
        self._turn = threading.Lock()
        self.lost = False
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Kubelet:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._leave.set()
        self._thread.join()
        self._end()

    def lose(self) -> None:
        """From now on it does nothing."""
        with self._turn:
            self.lost = True

    def _work(self) -> None:
        with self._etcd.log.open("wb") as log:
            while not self._leave.wait(_PERIOD):
                with self._turn:
                    if not self.lost:
                        self._look(log)

    def _look(self, log: t.IO[bytes]) -> None:
        pod = _static_pod.read("etcd", str(self._etcd.root))
        ended = self.process is not None and self.process.poll() is not None
        if pod is None or ended:
            self._end()
        if ended and self._leave.wait(_BACKOFF):
            return
        if pod is not None and self.process is None:
            words = [*MORTAL, str(self._etcd.release.directory / "etcd"), *pod.command[1:], *self._etcd.flags]
            self.process = subprocess.Popen(words, stdout=log, stderr=log)

    def _end(self) -> None:
        """As it does: SIGTERM, and SIGKILL after a while."""
        if self.process:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(30)
            self.process.kill()
            self.process.wait()
        self.process = None


class Hosts:
    """Members of a cluster, each on a host with a directory of manifests and a kubelet."""

    def __init__(self, release: Release, root: pathlib.Path, names: t.Sequence[str]) -> None:
        pki = Pki(root)
        for name in names:
            (root / name).mkdir()
        # What is put aside lies beside the manifests.
        self.members = [Etcd(release, root / name / "manifests", name, pki) for name in names]
        self.kubelets = [Kubelet(one) for one in self.members]

    @contextlib.contextmanager
    def running(self) -> t.Iterator[Hosts]:
        for one in self.members:
            one.describe([other for other in self.members if other is not one])
        with contextlib.ExitStack() as stack:
            for kubelet in self.kubelets:
                stack.enter_context(kubelet)
            self.wait()
            yield self

    def wait(self) -> None:
        for one in self.members:
            one.wait()
        agreed(self.members)

    def bring(self, state: str, identity: str, *members: Etcd, **options: t.Any) -> list[dict[str, t.Any]]:
        """One step on all of them at once, or on those that are named."""
        wanted = members or self.members
        with concurrent.futures.ThreadPoolExecutor(len(wanted)) as pool:
            return list(pool.map(lambda one: bring(one, state, identity, **options), wanted))


def bring(etcd: Etcd, state: str, identity: str, **options: t.Any) -> dict[str, t.Any]:
    def active(_words: t.Sequence[str]) -> tuple[int, str, str]:
        return 0, "active\n", ""

    def starter(here: service.Here) -> service.Service:
        return service.of(here, active)

    # Other tests on this machine may have an apiserver.
    wanted = act.Wanted(state, identity, starter, lambda: ())
    return act.run(_request(etcd, **options), wanted)


def clean(etcd: Etcd, **options: t.Any) -> dict[str, t.Any]:
    return back.clean(_request(etcd), **options)


def _request(etcd: Etcd, **options: t.Any) -> Request:
    return Request(**{"manifests": str(etcd.root), "lock_path": str(etcd.root / "lock"), "timeout": 300, **options})
