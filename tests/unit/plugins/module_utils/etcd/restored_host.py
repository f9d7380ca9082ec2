# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A host with a member that is no process: it has its data open where its manifest lies in the kubelet's directory."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import programs
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import (
    act,
    back,
    gates,
    order,
    place,
    plan,
    service,
)
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore.report import Request
from ansible_collections.kubeops.maintenance.tests.ports import free_ports

from . import restores

OLD, NEW = "what etcd used before", "what was restored"
PID = 4242


def fill(member: str, text: str) -> None:
    target = pathlib.Path(member)
    for name in ("snap/db", "wal/0.wal"):
        (target / name).parent.mkdir(parents=True)
        (target / name).write_text(f"{text}: {name}")


def whole(member: str) -> str:
    """Which of the two trees that is, all of it; empty where there is none."""
    if not os.path.lexists(member):
        return ""
    texts = {(pathlib.Path(member) / name).read_text() for name in ("snap/db", "wal/0.wal")}
    (one,) = [text for text in (OLD, NEW) if texts == {f"{text}: snap/db", f"{text}: wal/0.wal"}]
    return one


def everything(found: plan.Plan) -> list[str]:
    """All trees that are anywhere. There must never be fewer."""
    places = [found.live, found.prepared, found.previous, found.rejected]
    return sorted(filter(None, map(whole, places)))


@dataclasses.dataclass
class Host:
    root: pathlib.Path
    kubelet: str = "active"
    apiservers: tuple[int, ...] = ()
    #: It does not end, or does not come.
    stubborn: bool = False
    lost: bool = False

    def __post_init__(self) -> None:
        self.manifests = self.root / "kubernetes" / "manifests"
        self.manifests.mkdir(parents=True)
        self.data = self.root / "data"
        self.url, self.peer_url = (f"http://127.0.0.1:{port}" for port in free_ports(2))
        flags = {
            "name": "cp1",
            "data-dir": self.data,
            "listen-client-urls": self.url,
            "listen-peer-urls": self.peer_url,
            "initial-advertise-peer-urls": "https://cp1:2380",
        }
        lines = "".join(f"- --{flag}={value}\n" for flag, value in flags.items())
        self.manifest = self.manifests / "etcd.yaml"
        self.manifest.write_text(f"command:\n- etcd\n{lines}image: registry.k8s.io/etcd:3.6.16-0\n")
        self.parked = self.manifests.with_name("kubeops-stopped") / "etcd.yaml"

    def prepare(self, disk_lost: bool = False, phase: str = plan.PREPARED) -> Host:
        self.data.mkdir()
        if not disk_lost:
            fill(str(self.data / "member"), OLD)
        local = place.discover(str(self.manifests), "")
        made = plan.Plan(order.parse(restores.told()), place.here(local, str(self.manifests)), phase, {})
        fill(made.prepared, NEW)
        plan.enter(made, phase)
        return self

    @property
    def plan(self) -> plan.Plan:
        found = plan.read(str(self.data), restores.ID)
        assert found
        return found

    @property
    def phase(self) -> str:
        return self.plan.phase

    def holder(self, database: str) -> int | None:
        runs = (self.manifest.exists() and not self.lost) or self.stubborn
        return PID if runs and database == f"{self.data}/member/snap/db" and os.path.exists(database) else None

    def run_command(self, words: t.Sequence[str]) -> tuple[int, str, str]:
        assert list(words) == ["systemctl", "is-active", "kubelet.service"]
        return 0, f"{self.kubelet}\n", ""

    def bring(self, state: str, **options: t.Any) -> dict[str, t.Any]:
        identity = options.pop("id", restores.ID)
        where = {"manifests": str(self.manifests), "lock_path": str(self.root / "lock"), "timeout": 0}
        request = Request(**{**where, **options})
        starter = service.StaticPod(str(self.manifest), self.run_command, str(self.root))
        wanted = act.Wanted(state, identity, lambda _here: starter, lambda: self.apiservers)
        return act.run(request, wanted)

    def clean(self, identity: str = "", keep: int = 0, dry_run: bool = False) -> dict[str, t.Any]:
        request = Request(manifests=str(self.manifests), lock_path=str(self.root / "lock"), dry_run=dry_run)
        return back.clean(request, identity, keep)


def host(root: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Nobody can be asked what it serves: the gates pass, and a member has no leader."""
    made = Host(root)
    monkeypatch.setattr(os, "fsync", lambda _handle: None)  # a kill is no power cut
    monkeypatch.setattr(programs, "holder", made.holder)
    monkeypatch.setattr(gates, "passed", lambda local, order, deadline: [])
    monkeypatch.setattr(back, "_PATIENCE", 0)
    return made
