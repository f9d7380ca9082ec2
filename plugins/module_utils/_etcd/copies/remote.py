# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of the snapshots in a directory to a remote, each read back before it counts.

A snapshot's sidecar is uploaded last: where it is, the whole snapshot is. What was missed is made good by the next run.
Nothing is ever deleted there, and nothing is overwritten but an upload that ended early, which has no sidecar and is
shorter than what it should be. Keeping and deleting is the remote's own business (a lifecycle rule): a snapshot that
was there once and is gone is not uploaded again by itself.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import time
import typing as t

from ..._check import FAIL, Check, failures
from ..._errors import MaintenanceError
from ..._wait import Deadline
from ..member import lock
from ..snapshots import store
from ..snapshots.report import reported
from . import copies, rclone
from .copies import CopyReport, File

# Not the member's: an upload may take hours, and a snapshot must not wait for it.
LOCK = "/run/kubeops-etcd-copies.lock"
PRESENT, GONE, DIFFERENT, UPLOAD = "present", "gone", "different", "upload"
NAME = "remote copy"


@dataclasses.dataclass(frozen=True)
class Request:
    """``names``: file names of snapshots. Without, all of the cluster that the newest one is of.

    ``remote``: ``name:path``; ``config``: path of rclone's configuration, which only root may read.
    """

    directory: str
    remote: str
    config: str
    names: t.Sequence[str] = ()
    timeout: float = 3600
    lock_timeout: float = 120
    lock_path: str = LOCK
    member_lock_path: t.Optional[str] = None
    program: str = "rclone"
    dry_run: bool = False


def run(request: Request) -> dict[str, t.Any]:
    report = CopyReport(request.dry_run)
    return reported(report, request.directory, lambda: _Upload(request, report).run())


def judge(wanted: t.Sequence[File], described: bool, there: t.Mapping[str, int], noted: bool) -> str:
    """What is to be done for one snapshot. ``described``: its sidecar is there. ``noted``: it was there once, and
    nobody has asked for it by name now.
    """
    if described:
        return PRESENT if all(there.get(one.name) == one.size for one in wanted) else DIFFERENT
    return GONE if noted else UPLOAD


class _Upload:
    def __init__(self, request: Request, report: CopyReport) -> None:
        self.request, self.report = request, report
        self.deadline = Deadline(request.timeout)

    def run(self) -> None:
        request, report = self.request, self.report
        store.check_directory(request.directory)
        self.remote = rclone.remote(request.remote, request.config, request.program)
        report.to = request.remote
        wanted = copies.chosen(request.directory, request.names)
        purpose = f"copies to {request.remote}"
        with lock.member_lock(purpose, request.lock_timeout, request.lock_path, request.dry_run) as waited:
            report.durations["lock"] = waited
            try:
                there = self.remote.files(self.deadline)
                for path, sidecar in wanted:
                    self._one(path, sidecar, there)
            except rclone.RcloneError as error:
                raise MaintenanceError(f"{error.msg}. {self._so_far(len(wanted))}") from None
        failed = failures(report.checks)
        if failed:
            raise MaintenanceError(f"{'; '.join(one.sentence() for one in failed)}. {self._so_far(len(wanted))}")

    def _one(self, path: str, sidecar: dict[str, t.Any], there: t.Mapping[str, int]) -> None:
        name = os.path.basename(path)
        try:
            wanted = copies.files(path, sidecar)
        except MaintenanceError as error:
            self._fail(name, error.msg, "it was not uploaded: look at its sidecar")
            return
        noted = copies.had(sidecar, self.request.remote)
        described = f"{name}.json" in there and (noted or self._describes(name, sidecar))
        verdict = judge(wanted, described, there, noted and not self.request.names)
        if verdict == GONE:
            self.report.gone.append(name)
        elif verdict == DIFFERENT:
            self._fail(
                name, "there is another file of its name, or not all of it", f"look at it: {self.remote.by_hand}"
            )
        elif verdict == PRESENT:
            self.report.present.append(name)
            if not noted:
                self.report.act(f"note that {self.request.remote} has {name}", lambda: self._note(path))
        else:
            self._upload(path, sidecar, wanted, there)

    def _describes(self, name: str, sidecar: t.Mapping[str, t.Any]) -> bool:
        """Whether the sidecar there is whole. Of another snapshot it cannot be: then it is not this one's file."""
        with self._timed("read_back"):
            content = self.remote.head(f"{name}.json", self.deadline)
        try:
            return bool(json.loads(content)["sha256"] == sidecar["sha256"])
        except (ValueError, KeyError, TypeError):
            return False

    def _upload(
        self, path: str, sidecar: t.Mapping[str, t.Any], wanted: t.Sequence[File], there: t.Mapping[str, int]
    ) -> None:
        name = os.path.basename(path)
        try:
            with self._timed("verify"):
                copies.check(path, sidecar)
        except (MaintenanceError, OSError) as error:
            if os.path.lexists(path):  # or it was pruned just now
                self._fail(name, getattr(error, "msg", str(error)), "it was not uploaded: verify the others")
            return

        def bring() -> None:
            for one in [*wanted, copies.sidecar_file(path)]:
                self._bring(one, there)
            self._note(path)

        size = sum(one.size for one in wanted)
        try:
            self.report.act(f"upload {name} to {self.request.remote} and read it back: {size} bytes", bring)
        except _Differs as error:
            self._fail(name, error.msg, f"look at it, and delete it there: {self.remote.by_hand}")
        else:
            self.report.copied.append(name)

    def _bring(self, one: File, there: t.Mapping[str, int]) -> None:
        size = there.get(one.name)
        if size is None or size < one.size:
            with self._timed("transfer"):
                self.remote.put(one.path, self.deadline, again=size is not None)
        with self._timed("read_back"):
            found = self.remote.read(one.name, self.deadline)
        if found != (one.size, one.sha256):
            raise _Differs(
                f"{one.name}: {found[0]} bytes with sha256 {found[1]} came back, it has {one.size} bytes with"
                f" {one.sha256}"
            )

    def _note(self, path: str) -> None:
        request = self.request
        with lock.member_lock(f"note of {request.remote}", request.lock_timeout, request.member_lock_path):
            copies.note(path, request.remote)

    def _fail(self, name: str, evidence: str, fix: str) -> None:
        self.report.checks.append(Check(NAME, FAIL, f"{self.request.remote}/{name}", evidence, fix))

    def _so_far(self, number: int) -> str:
        done = len(self.report.copied) + len(self.report.present)
        return (
            f"The remote has {done} of {number} snapshots. All of them are in {self.request.directory}, untouched, and"
            " the next run goes on from here"
        )

    @contextlib.contextmanager
    def _timed(self, name: str) -> t.Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.report.durations[name] += time.monotonic() - start


class _Differs(MaintenanceError):
    """What came back is not what was sent."""
