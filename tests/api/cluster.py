# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster that is only an API: etcd, apiserver, controllers and scheduler are real, kwok plays the kubelets.

Up in seconds, all of it on loopback and below one folder. The programs are those of the lab's supply.

    with cluster.running(folder) as api:
        kube = api.kube()
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import secrets
import threading
import typing as t
from pathlib import Path

from ansible_collections.kubeops.maintenance.plugins.module_utils._kube import Kube, KubeError, connect

from ..lab import versions
from ..lab.cache import Cache
from ..lab.process import LabError
from ..lab.supply import recipes
from ..lab.supply.programs import Programs, wanted_images
from ..lab.waiting import until
from ..ports import free_ports
from .pki import Pki
from .program import Program, stop

VERSION = versions.parse(versions.DEFAULT)[-1]
STAGES = Path(__file__).parent / "stages.yml"
ADMINISTRATORS = "system:masters"
# Of the clients in the controllers, which else limit themselves to what a small machine of 2014 could take.
QUICK = {"kube-api-qps": 1000, "kube-api-burst": 2000}


@dataclasses.dataclass(frozen=True)
class Supply:
    """Folders with the programs."""

    kubernetes: Path
    etcd: Path
    kwok: Path

    @property
    def kubectl(self) -> Path:
        return self.kubernetes / "kubectl"


@functools.cache
def supply() -> Supply:
    """What the lab has built; nothing is built here."""
    programs = Programs(Cache())
    kubernetes = _built(programs, recipes.kubernetes(VERSION))
    etcd = wanted_images(kubernetes / "kubeadm", VERSION)["etcd"].partition("-")[0]
    return Supply(kubernetes, _built(programs, recipes.etcd(etcd)), _built(programs, recipes.kwok()))


def _built(programs: Programs, recipe: recipes.Recipe) -> Path:
    folder = programs.folder(recipe)
    if not folder.exists():
        raise LabError(f"{recipe.title} is not in the lab's cache ({folder}): `make lab-supply` builds it")
    return folder


class ApiCluster:
    """A running cluster: where it is, who may ask it, and its programs."""

    def __init__(
        self,
        folder: Path,
        users: t.Mapping[str, t.Sequence[str]],
        audit: t.Mapping[str, t.Any] | None = None,
        encryption: t.Mapping[str, t.Any] | None = None,
    ) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        self.pki = Pki(folder / "pki")
        self.etcd_port, self.peer_port, self.port = free_ports(3)
        self.server = f"https://127.0.0.1:{self.port}"
        self.tokens = {user: secrets.token_hex(16) for user in users}
        lines = [f'{token},{user},{user},"{",".join(users[user])}"' for user, token in self.tokens.items()]
        self._token_file = self._secret("tokens.csv", "\n".join(lines) + "\n")
        self.audit_log = folder / "audit.log"
        self._audit = self._secret("audit.json", json.dumps(audit)) if audit else None
        self._encryption = self._secret("encryption.json", json.dumps(encryption)) if encryption else None
        self.programs: list[Program] = []

    def kubeconfig(self, user: str = "admin", server: str = "") -> Path:
        """Another ``server`` is something in between, with a certificate of the same authority."""
        server = server or self.server
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": "test", "cluster": {"server": server, "certificate-authority": str(self.pki.ca)}},
            ],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
            "current-context": "test",
        }
        return self._secret(f"{user}-{server.rpartition(':')[2]}.conf", json.dumps(content))

    def kube(self, user: str = "admin", server: str = "") -> Kube:
        """LabError: one of the programs has ended, and what it said last."""
        self._check()
        return connect({"kubeconfig": str(self.kubeconfig(user, server))})

    def start(self) -> None:
        self.start_etcd()
        self.start_control_plane()

    def start_etcd(self) -> None:
        self._run(supply().etcd / "etcd", self.etcd_flags())

    def start_control_plane(self) -> None:
        goods = supply()
        self._run(goods.kubernetes / "kube-apiserver", self._apiserver_flags())
        kube = self.kube()
        until("the API", functools.partial(self._ready, kube), seconds=300, every=0.1)
        kubeconfig = self.kubeconfig()
        client = {"kubeconfig": kubeconfig, "leader-elect": "false", "secure-port": 0}
        controllers = "*,-certificatesigningrequest-signing-controller"
        key = {"service-account-private-key-file": self._service_account_key, "root-ca-file": self.pki.ca}
        self._run(
            goods.kubernetes / "kube-controller-manager",
            {**client, **QUICK, **key, "controllers": controllers, "concurrent-deployment-syncs": 10},
        )
        self._run(goods.kubernetes / "kube-scheduler", {**client, **QUICK})
        # Nodes without a lease turn NotReady after 40 s, and with them every pod.
        lease = {"manage-all-nodes": "true", "node-lease-duration-seconds": 40}
        self._run(goods.kwok / "kwok", {"kubeconfig": kubeconfig, "config": STAGES, **lease})

    def stop(self) -> None:
        """Clients first: an apiserver lingers as long as somebody watches."""
        self.stop_control_plane()
        self.stop_etcd()

    def stop_control_plane(self) -> None:
        self._end([program for program in self.programs if program.name not in ("etcd", "kube-apiserver")])
        self._end([program for program in self.programs if program.name == "kube-apiserver"])

    def stop_etcd(self) -> None:
        self._end([program for program in self.programs if program.name == "etcd"])

    def _end(self, programs: t.Sequence[Program]) -> None:
        stop(programs)
        self.programs = [program for program in self.programs if program not in programs]

    def _run(self, program: Path, flags: t.Mapping[str, object]) -> None:
        self.programs.append(Program(program, flags, self.folder))

    def _check(self) -> None:
        for program in self.programs:
            program.check()

    def _ready(self, kube: Kube) -> bool | None:
        self._check()
        try:
            return kube.raw("/readyz") == "ok" and bool(kube.get("/api/v1/namespaces/default"))
        except KubeError:
            return None

    def _secret(self, name: str, text: str) -> Path:
        """Put in place whole: a program that is just starting may be reading the same file."""
        path = self.folder / name
        part = path.with_name(f"{name}.{threading.get_ident()}")
        part.touch(mode=0o600)
        part.write_text(text)
        return part.rename(path)

    def etcd_flags(self) -> dict[str, object]:
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{self.peer_port}"
        return {
            "name": "test",
            "data-dir": self.folder / "etcd",
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"test={peer}",
            "unsafe-no-fsync": "true",
        }

    def _apiserver_flags(self) -> dict[str, object]:
        certificate, key = self.pki.server("kube-apiserver")
        self._service_account_key = self.pki.key("service-accounts")
        audited = {"audit-policy-file": self._audit, "audit-log-path": self.audit_log} if self._audit else {}
        encrypted = {"encryption-provider-config": self._encryption} if self._encryption else {}
        return {
            **audited,
            **encrypted,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self.port,
            "etcd-servers": f"http://127.0.0.1:{self.etcd_port}",
            "tls-cert-file": certificate,
            "tls-private-key-file": key,
            "token-auth-file": self._token_file,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self._service_account_key,
            "service-account-signing-key-file": self._service_account_key,
            "service-cluster-ip-range": "10.0.0.0/24",
            "authorization-mode": "Node,RBAC",
            # Pods without a token, and nobody who would publish this address as a Service.
            "disable-admission-plugins": "ServiceAccount",
            "endpoint-reconciler-type": "none",
        }


@contextlib.contextmanager
def running(
    folder: Path,
    users: t.Mapping[str, t.Sequence[str]] | None = None,
    audit: t.Mapping[str, t.Any] | None = None,
    encryption: t.Mapping[str, t.Any] | None = None,
) -> t.Iterator[ApiCluster]:
    """``users`` beside the administrator: name -> groups. They may do what roles give them. ``audit``: a policy,
    ``encryption``: an EncryptionConfiguration.
    """
    cluster = ApiCluster(folder, {"admin": [ADMINISTRATORS], **(users or {})}, audit, encryption)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
