# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One table of damages to a real snapshot: each is seen when the snapshot is taken, when it is looked at, and before
anything is made of it. Beside it what `etcdutl snapshot status` says, which people take for a check.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import struct
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.database.pages import Damaged
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.drill import drill
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import health
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.gateway import Gateway, GatewayError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import LocalMember
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import fetch, snapshot, store
from ansible_collections.kubeops.maintenance.plugins.module_utils._wait import Deadline
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot_extract, etcd_snapshot_info
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import Client, Etcd, Release
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.fake_etcd import FakeEtcd

PAGE = 4096
KEY = "/registry/secrets/shop/19"
Damage = t.Callable[[bytes], bytes]


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def slack(data: bytes) -> int:
    """A byte behind the last row of a leaf, which no reader looks at."""
    for start in range(2 * PAGE, len(data) - 32, PAGE):
        number, flags, count, overflow = struct.unpack_from("<QHHI", data, start)
        if (number, flags, overflow) == (start // PAGE, 2, 0) and count:
            entry = start + 16 * count
            _flags, position, key, value = struct.unpack_from("<IIII", data, entry)
            if entry + position + key + value < start + PAGE - 64:
                return start + PAGE - 32
    raise AssertionError("all pages are full")


#: What it is, and whether etcdutl, of all releases, is content with it; None where that depends on what lay there.
DAMAGES: dict[str, tuple[Damage, bool | None]] = {
    "flipped bit in a value": (lambda data: flipped(data, data.rindex(b"secretsecret") + 50), True),
    "flipped bit in slack": (lambda data: flipped(data, slack(data)), True),
    "flipped bit in the trailer": (lambda data: flipped(data, len(data) - 5), True),
    "no trailer": (lambda data: data[:-32], True),
    "grown by a page": (lambda data: data + bytes(PAGE), True),
    "grown by a byte": (lambda data: data + b"\0", True),
    "a page of zeros": (lambda data: data[: -3 * PAGE - 32] + bytes(PAGE) + data[-2 * PAGE - 32 :], None),
    "second half zeros": (lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2), False),
    "all zeros": (lambda data: bytes(len(data)), False),
    "cut in the middle": (lambda data: data[: len(data) // 2], False),
    "cut by a page": (lambda data: data[: -PAGE - 32], None),
    "cut after the meta pages": (lambda data: data[: 2 * PAGE], False),
    "cut in the first page": (lambda data: data[:1000], False),
    "a page is missing inside": (lambda data: data[: 4 * PAGE] + data[5 * PAGE :], False),
    "empty": (lambda data: b"", False),
}


@pytest.fixture(scope="module")
def server(releases: list[Release], tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Etcd]:
    with Etcd(releases[-1], tmp_path_factory.mktemp("server")).running() as etcd:
        client = Client(etcd.local)
        for number in range(60):
            client.put(b"/registry/secrets/shop/%d" % (number % 20), b"secret" * 400)
        yield etcd


@pytest.fixture(scope="module")
def whole(server: Etcd) -> pathlib.Path:
    return pathlib.Path(server.backup()["snapshot"]["path"])


@pytest.fixture(params=DAMAGES)
def damaged(request: pytest.FixtureRequest, whole: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """The snapshot, beside it the sidecar of the whole one."""
    place = tmp_path / "backups"
    place.mkdir()
    path = place / whole.name
    path.write_bytes(DAMAGES[request.param][0](whole.read_bytes()))
    shutil.copy(store.sidecar(str(whole)), store.sidecar(str(path)))
    return path


def save(streamed: bytes, whole: pathlib.Path, place: pathlib.Path) -> str:
    """From a member that says of itself what the whole snapshot says, and sends something else."""
    known = snapshot.verify(str(whole)).contents.members[0]
    member = {"ID": str(int(known.id, 16)), "name": known.name, "peerURLs": list(known.peer_urls)}
    with FakeEtcd(database=streamed, members=[member]) as etcd:
        local = LocalMember(etcd.url, "", "", "", "cp1", "/var/lib/etcd", (), "", "etcd.yaml")
        gateway = Gateway(local, timeout=120)
        way = fetch.Fetch(gateway, local, None)
        saved = snapshot.save(way, local, health.observe(gateway), snapshot.Label("manual"), str(place), Deadline(120))
    return str(saved["path"])


def test_the_whole_one_passes_everywhere(whole: pathlib.Path, releases: list[Release], tmp_path: pathlib.Path) -> None:
    assert pathlib.Path(save(whole.read_bytes(), whole, tmp_path)).read_bytes() == whole.read_bytes()
    assert modules.call(etcd_snapshot_info, dir=str(whole.parent), verify=True)["ok"]
    assert all(release.snapshot_status(str(whole)).returncode == 0 for release in releases)


def test_when_it_is_taken(damaged: pathlib.Path, whole: pathlib.Path, tmp_path: pathlib.Path) -> None:
    place = tmp_path / "taken"
    place.mkdir()
    with pytest.raises((Damaged, GatewayError)):
        save(damaged.read_bytes(), whole, place)
    assert os.listdir(place) == []


def test_when_it_is_looked_at(damaged: pathlib.Path) -> None:
    before = damaged.read_bytes()
    for options in (
        {"dir": str(damaged.parent), "verify": True},
        {"dir": str(damaged.parent), "inspect": True},
        {"path": str(damaged), "verify": True},
    ):
        result = modules.call(etcd_snapshot_info, **options)
        assert not result["ok"]
        (one,) = result["snapshots"]
        assert str(damaged) in one["trouble"]
        assert not one.get("contents")
        assert f"DAMAGED: {damaged}" in result["summary"][1]
    assert damaged.read_bytes() == before


def test_when_it_is_looked_at_without_its_sidecar(damaged: pathlib.Path, whole: pathlib.Path) -> None:
    os.unlink(store.sidecar(str(damaged)))
    (one,) = modules.call(etcd_snapshot_info, path=str(damaged))["snapshots"]
    assert "The snapshot is damaged" in one["trouble"]
    for pair in ({"from": str(whole), "to": str(damaged)}, {"from": str(damaged), "to": str(whole)}):
        assert f"{damaged}: " in modules.call(etcd_snapshot_info, diff=pair)["msg"]


def test_before_anything_is_made_of_it(damaged: pathlib.Path, tmp_path: pathlib.Path) -> None:
    result = modules.call(etcd_snapshot_extract, snapshot=str(damaged), key=KEY, dest=str(tmp_path / "object"))
    assert "The snapshot is damaged: do not restore it" in result["msg"]
    assert not (tmp_path / "object").exists()


def test_before_a_restore(damaged: pathlib.Path, server: Etcd) -> None:
    before = damaged.read_bytes()
    request = drill.Request(str(damaged.parent), manifests=str(server.root), lock_path=str(server.root / "lock"))
    with pytest.raises(MaintenanceError, match=f"the snapshot counts as damaged from now on: {damaged}: "):
        drill.run(request)
    assert damaged.read_bytes() == before
    sidecar = json.loads(pathlib.Path(store.sidecar(str(damaged))).read_text())
    assert sidecar["damaged"]["reason"]
    assert not sidecar.get("proven")
    assert len(os.listdir(damaged.parent)) == 2


def test_what_etcdutl_thinks_of_it(releases: list[Release], whole: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """It tells a broken structure, mostly by a crash, and looks at no checksum."""
    expected = {name: content for name, (_damage, content) in DAMAGES.items() if content is not None}
    for release in releases:
        found = {}
        for name in expected:
            path = tmp_path / "damaged.db"
            path.write_bytes(DAMAGES[name][0](whole.read_bytes()))
            found[name] = release.snapshot_status(str(path)).returncode == 0
        assert found == expected, release.version


def test_a_bit_in_slack_is_nothing_that_etcdutls_hash_would_show(
    releases: list[Release], whole: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    data = whole.read_bytes()
    path = tmp_path / "slack.db"
    path.write_bytes(flipped(data, slack(data)))
    for release in releases:
        assert release.snapshot_status(str(path)).stdout == release.snapshot_status(str(whole)).stdout
