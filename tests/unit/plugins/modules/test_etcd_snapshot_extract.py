# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import extract as library
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot_extract
from ansible_collections.kubeops.maintenance.tests.api import modules
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import etcdfile

WIDGET = b'{"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"teeth": 12}}'
TLS = b"/registry/secrets/shop/tls"
#: The first change has revision 2.
CHANGES: list[etcdfile.Change] = [
    (TLS, b"k8s:enc:aescbc:v1:old:one"),
    (TLS, b"k8s:enc:aescbc:v1:key1:two"),
    (b"/registry/configmaps/shop/gone", b"k8s\0"),
    (b"/registry/configmaps/shop/gone", None),
    (b"/registry/example.com/widgets/shop/gear", WIDGET),
    (b"/registry/namespaces/kube-system", etcdfile.namespace()),
    (b"/registry/deployments/shop/web", b"k8s\0"),
    (b"/registry/secrets/bank/tls", b"k8s\0"),
    (b"/plain/key", b"value"),
]


@pytest.fixture
def snapshot(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "one.db"
    path.write_bytes(etcdfile.snapshot(CHANGES))
    return path


@pytest.fixture
def dest(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "object"


def call(source: pathlib.Path, target: pathlib.Path, check: bool = False, **options: t.Any) -> modules.Result:
    places = {"dir": str(source.parent), "snapshot": source.name, "dest": str(target)}
    return modules.call(etcd_snapshot_extract, check=check, **{**places, **options})


def refused(result: modules.Result, dest: pathlib.Path) -> str:
    assert result["failed"]
    assert (result["changed"], result["actions"]) == (False, [])
    assert list(dest.parent.iterdir()) == []
    return str(result["msg"])


@pytest.mark.parametrize(
    ("options", "content", "told"),
    [
        (
            {"resource": "widgets.example.com", "namespace": "shop", "name": "gear"},
            WIDGET,
            {"format": "json", "api_version": "example.com/v1", "kind": "Widget", "encryption": None, "revision": 6},
        ),
        (
            {"resource": "namespaces", "name": "kube-system"},
            etcdfile.namespace(),
            {"format": "protobuf", "api_version": "v1", "kind": "Namespace", "namespace": "", "name": "kube-system"},
        ),
        (
            {"resource": "secrets", "namespace": "shop", "name": "tls"},
            b"k8s:enc:aescbc:v1:key1:two",
            {"format": "encrypted", "encryption": {"provider": "aescbc", "key": "key1"}, "revisions": [2, 3]},
        ),
        (
            {"key": TLS.decode(), "revision": 2},
            b"k8s:enc:aescbc:v1:old:one",
            {"encryption": {"provider": "aescbc", "key": "old"}, "revision": 2, "resource": "secrets"},
        ),
        ({"key": "/registry/configmaps/shop/gone", "revision": 4}, b"k8s\0", {"revision": 4}),
        ({"resource": "deployments.apps", "namespace": "shop", "name": "web"}, b"k8s\0", {"resource": "deployments"}),
        ({"key": "/plain/key"}, b"value", {"format": "other", "resource": "/plain", "kind": ""}),
    ],
)
def test_one_object(
    snapshot: pathlib.Path, dest: pathlib.Path, options: dict[str, t.Any], content: bytes, told: dict[str, t.Any]
) -> None:
    foretold = call(snapshot, dest, check=True, **options)
    assert foretold["changed"]
    assert not dest.exists()
    result = call(snapshot, dest, **options)
    assert result["actions"] == foretold["actions"] == [f"write {len(content)} bytes to {dest}"]
    assert told.items() <= result.items()
    assert result["note"]
    assert dest.read_bytes() == content
    assert dest.stat().st_mode & 0o777 == 0o600
    again = call(snapshot, dest, **options)
    assert (again["changed"], again["actions"]) == (False, [])
    assert list(dest.parent.iterdir()) == [dest]


def test_another_file_is_replaced_only_by_force(snapshot: pathlib.Path, dest: pathlib.Path) -> None:
    dest.write_bytes(b"mine")
    result = call(snapshot, dest, key="/plain/key")
    assert f"{dest}: is there already with another content, nothing was written" in result["msg"]
    assert dest.read_bytes() == b"mine"
    assert call(snapshot, dest, key="/plain/key", force=True)["actions"] == [f"replace {dest} by 5 bytes"]
    assert dest.read_bytes() == b"value"


def test_a_file_that_others_can_read_becomes_its_owners(snapshot: pathlib.Path, dest: pathlib.Path) -> None:
    dest.write_bytes(b"value")
    dest.chmod(0o644)
    assert call(snapshot, dest, key="/plain/key")["changed"]
    assert dest.stat().st_mode & 0o777 == 0o600


def test_a_place_that_is_no_file(snapshot: pathlib.Path, dest: pathlib.Path, tmp_path: pathlib.Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"mine")
    (tmp_path / "link").symlink_to(target)
    for place, message in {
        tmp_path / "link": "no regular file",
        dest.parent: "no regular file",
        tmp_path / "none" / "object": "its directory is not there",
        pathlib.Path("object"): "is no absolute path",
        snapshot: "is the snapshot itself",
    }.items():
        result = call(snapshot, dest, key="/plain/key", force=True, dest=str(place))
        assert message in refused(result, dest)
    assert target.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"key": "/registry/configmaps/shop/gone"},
            "was deleted at revision 5. The snapshot still has it as it was at: give one of the revisions 4",
        ),
        ({"key": TLS.decode(), "revision": 1}, "from revision 1 or before, but from the revisions 2, 3"),
        (
            {"resource": "secrets", "namespace": "shop", "name": "tsl"},
            "there is no /registry/secrets/shop/tsl. Near: /registry/secrets/shop/tls",
        ),
        (
            {"resource": "secrets", "namespace": "store", "name": "tls"},
            "Near: /registry/secrets/shop/tls, /registry/secrets/bank/tls",
        ),
        (
            {"resource": "configmaps", "namespace": "shop", "name": "gome"},
            "There are objects of: ",
        ),
        ({"resource": "widgets", "namespace": "x", "name": "y"}, "There are objects of: widgets.example.com"),
        ({"resource": "deployment", "namespace": "x", "name": "y"}, "There are objects of: deployments"),
        (
            {"resource": "q", "name": "y"},
            "There are objects of: /plain, deployments, namespaces, secrets, widgets.example.com",
        ),
    ],
)
def test_what_is_not_there(snapshot: pathlib.Path, dest: pathlib.Path, options: dict[str, t.Any], message: str) -> None:
    assert message in refused(call(snapshot, dest, **options), dest)


def test_a_deletion_whose_earlier_rows_are_compacted(dest: pathlib.Path, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "compacted.db"
    path.write_bytes(etcdfile.snapshot([(TLS, None)]))
    assert "no earlier row of it" in refused(call(path, dest, key=TLS.decode()), dest)


def keep(folder: pathlib.Path, day: int, changes: t.Sequence[etcdfile.Change], flaw: int = 0) -> pathlib.Path:
    """A snapshot as it lies among others."""
    path = folder / f"etcd-cp1-202611{day}T101112.345Z-daily-rev{day}.db"
    content = bytearray(etcdfile.snapshot(changes))
    content[-1] ^= flaw
    path.write_bytes(content)
    path.with_name(f"{path.name}.json").write_text(json.dumps({"sha256": "of it"}))
    return path


def test_the_newest_that_has_it(dest: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert "there is no snapshot" in refused(call(tmp_path / "x", dest, snapshot="newest", key=TLS.decode()), dest)
    keep(tmp_path, 18, [(TLS, b"first")])
    wanted = keep(tmp_path, 19, [(TLS, b"first"), (TLS, b"last")])
    keep(tmp_path, 20, CHANGES, flaw=1)
    keep(tmp_path, 21, [(TLS, b"last"), (TLS, None), (b"/plain/key", b"value")])
    result = call(wanted, dest, snapshot="newest", key=TLS.decode())
    assert result["snapshot"] == str(wanted)
    assert dest.read_bytes() == b"last"
    dest.unlink()
    message = refused(call(wanted, dest, snapshot="newest", key="/plain/kex"), dest)
    assert message.startswith(f"none of the 4 snapshots in {tmp_path} has it. The newest: ")
    assert "Near: /plain/key" in message


def test_a_damaged_snapshot_gives_nothing(snapshot: pathlib.Path, dest: pathlib.Path) -> None:
    content = bytearray(snapshot.read_bytes())
    content[-1] ^= 1
    snapshot.write_bytes(content)
    message = refused(call(snapshot, dest, key="/plain/key"), dest)
    assert message.startswith(f"{snapshot}: ")
    assert "The snapshot is damaged" in message


def test_a_full_disk_leaves_nothing(
    snapshot: pathlib.Path, dest: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(library.os, "fsync", full)
    assert f"{dest}: cannot be written: No space left" in refused(call(snapshot, dest, key="/plain/key"), dest)


def test_which_options_belong_together(snapshot: pathlib.Path, dest: pathlib.Path) -> None:
    assert "required" in call(snapshot, dest)["msg"]
    assert "required together" in call(snapshot, dest, resource="pods")["msg"]
    assert "mutually exclusive" in call(snapshot, dest, key="/x", resource="pods", name="x")["msg"]
    assert "neither the name of a file" in call(snapshot, dest, key="/x", snapshot="../one.db")["msg"]
    assert os.listdir(dest.parent) == []
