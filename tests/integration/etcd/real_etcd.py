# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real etcd servers on loopback, with TLS and a manifest as kubeadm sets them up.

The programs are those of the lab's supply, or those in the directories that KUBEOPS_ETCD_PROGRAMS names (separated by
colons, each with etcd, etcdctl and etcdutl in it).
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
import os
import pathlib
import re
import ssl
import subprocess
import threading
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import topology
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway, GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import Access
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline, until
from ansible_collections.kubeops.maintenance.tests.api.program import MORTAL
from ansible_collections.kubeops.maintenance.tests.lab.cache import default_root
from ansible_collections.kubeops.maintenance.tests.ports import free_ports
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import Pki

VARIABLE = "KUBEOPS_ETCD_PROGRAMS"
CACHE = default_root() / "programs"
NAMES = ("etcd", "etcdctl", "etcdutl")
#: Milliseconds. A machine that does three things at once may have no time for a leader for a second, and what etcd
#: makes of that, another leader, is no test's subject.
ELECTION = 2000


class Release:
    """The programs of one version."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        said = subprocess.run([directory / "etcd", "--version"], check=True, capture_output=True, text=True).stdout
        found = re.search(r"etcd Version: ((\d+)\.(\d+)\.(\d+)\S*)", said)
        assert found, said
        self.version = found[1]
        self.numbers = tuple(map(int, found.groups()[1:]))

    def snapshot_status(self, path: str) -> subprocess.CompletedProcess[str]:
        command = [self.directory / "etcdutl", "snapshot", "status", path, "-w", "json"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def snapshot_restore(self, path: str, data: pathlib.Path, *arguments: str) -> None:
        command = [self.directory / "etcdutl", "snapshot", "restore", path, f"--data-dir={data}", *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


def releases() -> list[Release]:
    named = [pathlib.Path(name) for name in os.environ.get(VARIABLE, "").split(":") if name]
    complete = [place for place in named or CACHE.glob("etcd-*") if all((place / name).is_file() for name in NAMES)]
    return sorted(map(Release, complete), key=lambda release: release.numbers)


class Etcd:
    """One member: its files below ``root``, its addresses, and what can be asked of it while it runs."""

    def __init__(
        self, release: Release, root: pathlib.Path, name: str = "cp1", pki: Pki | None = None, tls: bool = True
    ) -> None:
        root.mkdir(exist_ok=True)
        self.release, self.root, self.name = release, root, name
        self.data = root / "data"
        self.flags: t.Sequence[str] = ("--unsafe-no-fsync",)
        #: Seconds until it has to be ready.
        self.patience = 120.0
        client, peer = free_ports(2)
        self._tls = tls
        self.client_url, self.peer_url = f"http{'s' * tls}://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        self._pki = pki or Pki(root)
        self._pki.issue("healthcheck-client")
        self._server = self._pki.issue("server", ["127.0.0.1"])

    @contextlib.contextmanager
    def running(self, join: Etcd | None = None) -> t.Iterator[Etcd]:
        """As the only member of its cluster, or as a learner in another's."""
        if join:
            join.ctl("member", "add", self.name, "--learner", f"--peer-urls={self.peer_url}")
        with self.started([join] if join else [], "existing" if join else "new"):
            self.wait()
            if join:
                until(lambda: join.knows([self]) or None, Deadline(120), lambda: join.name, interval=0.05)
            yield self

    @contextlib.contextmanager
    def started(self, others: t.Sequence[Etcd] = (), state: str = "new") -> t.Iterator[Etcd]:
        """``others`` of its cluster; it leads or follows only when enough of them have started, too."""
        words = self._words(others, state)
        lines = "".join(f"- {word}\n" for word in words)
        (self.root / "etcd.yaml").write_text(
            f"command:\n- etcd\n{lines}image: registry.k8s.io/etcd:{self.release.version}-0\n"
        )
        self.local = topology.discover(str(self.root))
        self.gateway = Gateway(self.local)
        with (
            self.log.open("wb") as output,
            subprocess.Popen(
                [*MORTAL, self.release.directory / "etcd", *words, *self.flags], stdout=output, stderr=output
            ) as self.process,
        ):
            try:
                yield self
            finally:
                self.process.kill()

    def describe(self, others: t.Sequence[Etcd] = (), state: str = "new") -> list[str]:
        """Write the manifest. Return its words."""
        words = self._words(others, state)
        lines = "".join(f"- {word}\n" for word in words)
        (self.root / "etcd.yaml").write_text(f"command:\n- etcd\n{lines}image: registry.k8s.io/etcd:x\n")
        self.local = topology.discover(str(self.root))
        self.gateway = Gateway(self.local)
        return words

    def wait(self) -> None:
        until(self._ready, Deadline(self.patience), lambda: self.log.read_text()[-2000:], interval=0.1)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def leaderless(self) -> None:
        """Wait until it knows that its leader is gone."""
        until(lambda: None if self.gateway.status().leader else True, Deadline(120), lambda: "it leads", interval=0.1)

    def caught_up(self, revision: int) -> None:
        """Wait until it has what another member has acknowledged, which takes two of three."""
        until(
            lambda: self.gateway.status().revision >= revision or None, Deadline(120), lambda: self.name, interval=0.05
        )

    def noted(self) -> None:
        """Wait until it has written down of which release its data is, seconds after its start and by itself."""
        release = "{}.{}.".format(*self.release.numbers)

        def told() -> bool | None:
            return self.gateway.status().storage_version.startswith(release) or None

        if self.release.numbers >= (3, 6):
            until(told, Deadline(120), lambda: str(self.gateway.status()), interval=0.1)

    def knows(self, members: t.Sequence[Etcd]) -> bool:
        """Whether it has heard already who they are, and where."""
        return {one.name for one in members} <= {one.name for one in self.gateway.members() if one.client_urls}

    @property
    def log(self) -> pathlib.Path:
        return self.root / "etcd.log"

    def _words(self, others: t.Sequence[Etcd], state: str) -> list[str]:
        flags: dict[str, object] = {
            "name": self.name,
            "data-dir": self.data,
            "advertise-client-urls": self.client_url,
            "listen-client-urls": self.client_url,
            "listen-peer-urls": self.peer_url,
            "initial-advertise-peer-urls": self.peer_url,
            "initial-cluster": ",".join(f"{one.name}={one.peer_url}" for one in [*others, self]),
            "initial-cluster-state": state,
        }
        if others:
            flags["election-timeout"] = ELECTION
        if self._tls:
            flags.update({"cert-file": self._server[0], "key-file": self._server[1]})
            flags.update({"trusted-ca-file": self._pki.ca, "client-cert-auth": "true"})
        return [f"--{flag}={value}" for flag, value in flags.items()]

    def _ready(self) -> bool | None:
        try:
            return bool(self.gateway.status().leader) or None
        except GatewayError:
            return None

    def backup(self, **options: t.Any) -> dict[str, t.Any]:
        places = {"directory": str(self.backups), "manifests": str(self.root), "lock_path": str(self.root / "lock")}
        return backup.run(backup.Request(**{"label": Label("manual", "test"), **places, **options}))

    @property
    def backups(self) -> pathlib.Path:
        return self.root / "backups"

    def refused(self) -> str:
        """Why no snapshot is taken. Nothing is written then."""
        before = sorted(self.backups.glob("*"))
        with pytest.raises(MaintenanceError) as caught:
            self.backup()
        assert sorted(self.backups.glob("*")) == before
        return caught.value.msg

    def ctl(self, *arguments: str) -> str:
        command = [*self.ctl_words, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    @property
    def ctl_words(self) -> list[str]:
        local = self.local
        tls = [f"--cacert={local.ca_file}", f"--cert={local.cert_file}", f"--key={local.key_file}"]
        return [str(self.release.directory / "etcdctl"), f"--endpoints={self.client_url}", *tls]


@contextlib.contextmanager
def together(members: t.Sequence[Etcd]) -> t.Iterator[t.Sequence[Etcd]]:
    """All of a cluster, new or restored."""
    with contextlib.ExitStack() as stack:
        for one in members:
            stack.enter_context(one.started([other for other in members if other is not one]))
        for one in members:
            one.wait()
        agreed(members)
        yield members


def agreed(members: t.Sequence[Etcd]) -> None:
    """Wait until all of them follow one of them, and know where all of them are: each hears of that by itself."""

    def agree() -> bool | None:
        try:
            said = [one.gateway.status() for one in members]
            known = all(one.knows(members) for one in members)
        except GatewayError:
            return None
        leaders = {one.leader for one in said}
        return (known and len(leaders) == 1 and leaders <= {one.member_id for one in said}) or None

    until(agree, Deadline(120), lambda: "\n".join(one.log.read_text()[-1000:] for one in members), interval=0.05)


def make(release: Release, root: pathlib.Path, names: t.Sequence[str]) -> list[Etcd]:
    """Members that trust each other's certificates; none of them runs."""
    pki = Pki(root)
    return [Etcd(release, root / name, name, pki) for name in names]


class Client:
    """Changes keys through one connection."""

    def __init__(self, local: Access) -> None:
        context = ssl.create_default_context(cafile=local.ca_file)
        context.load_cert_chain(local.cert_file, local.key_file)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        address = local.endpoint.removeprefix("https://")
        self._connection = http.client.HTTPSConnection(address, timeout=120, context=context)

    def call(self, path: str, **body: t.Any) -> dict[str, t.Any]:
        status, answer = self._ask(path, body)
        assert status == 200, answer
        return answer

    def accepted(self, path: str, **body: t.Any) -> bool | None:
        """None where etcd had no time for it."""
        status, answer = self._ask(path, body)
        assert status == 200 or "timed out" in answer["message"], answer
        return status == 200 or None

    def _ask(self, path: str, body: dict[str, t.Any]) -> tuple[int, dict[str, t.Any]]:
        self._connection.request("POST", f"/v3/{path}", json.dumps(body))
        response = self._connection.getresponse()
        return response.status, json.loads(response.read())

    def put(self, key: bytes, value: bytes) -> int:
        """Return the revision of the change."""
        return int(self.call("kv/put", key=text(key), value=text(value))["header"]["revision"])

    def delete(self, key: bytes) -> int:
        return int(self.call("kv/deleterange", key=text(key))["header"]["revision"])


class Writer:
    """Changes and deletes keys until it is left, with so many seconds between them."""

    def __init__(self, etcd: Etcd, pause: float = 0) -> None:
        self._pause = pause
        self._client = Client(etcd.local)
        self._thread = threading.Thread(target=self._work)
        self._stop = threading.Event()
        self.written = 0
        self.failed = False

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        self.failed = True
        for number in itertools.count():
            if self._stop.wait(self._pause):
                break
            key = b"/registry/leases/%d" % (number % 100)
            if number % 7:
                self._client.put(key, b"v" * (number % 3000))
            else:
                self._client.delete(key)
            self.written += 1
        self.failed = False


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()
