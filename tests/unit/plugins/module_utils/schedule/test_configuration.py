# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of the schedule."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._schedule import configuration

WHOLE: dict[str, t.Any] = {
    "dir": "/var/backups/etcd",
    "tier": "daily",
    "keep": {"monthly": 3},
    "timeout": 60,
    "lock_timeout": 5,
    "manifest_dir": "/etc/manifests",
    "files": "encrypted",
    "recipients": ["age1secret"],
    "remote": "s3:backups/etcd",
    "remote_config": "/etc/rclone.conf",
    "on_failure": {
        "command": ["/usr/bin/tell", "me"],
        "url": "https://hooks.example/secret",
        "headers": {"X-Token": "secret"},
        "ca_path": "/etc/ca.crt",
        "timeout": 7,
    },
}


@pytest.fixture
def place(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "etcd-backup.json"
    path.touch(0o600)
    return path


def refused(place: pathlib.Path, content: t.Any) -> str:
    place.write_text(json.dumps(content))
    with pytest.raises(MaintenanceError) as caught:
        configuration.read(str(place))
    assert "secret" not in caught.value.msg
    return caught.value.msg.removeprefix(f"{place}: ")


def test_all_of_it(place: pathlib.Path) -> None:
    place.write_text(json.dumps(WHOLE))
    found = configuration.read(str(place))
    assert (found.dir, found.tier, found.timeout, found.manifest_dir) == (
        "/var/backups/etcd",
        "daily",
        60,
        "/etc/manifests",
    )
    assert (found.keep.monthly, found.keep.daily) == (3, 7)
    assert found.on_failure.command == ("/usr/bin/tell", "me")
    assert found.on_failure.headers == {"X-Token": "secret"}


def test_what_is_left_out_has_a_default(place: pathlib.Path) -> None:
    place.write_text('{"dir": "/b", "on_failure": {"url": "", "command": []}}')
    found = configuration.read(str(place))
    assert (found.tier, found.keep.hourly, found.on_failure) == ("hourly", 24, configuration.Notice())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"dri": "secret"}, "unknown key dri; there are dir, tier, "),
        ({"keep": {"yearly": 1}}, "unknown key keep.yearly; there are keep.hourly, "),
        ({"on_failure": {"commands": ["secret"]}}, "unknown key on_failure.commands; there are on_failure.command, "),
        ({"dir": "backups"}, "dir has to be an absolute path"),
        ({"tier": "yearly"}, "tier has to be one of hourly, daily"),
        ({"keep": {"daily": -1}}, "keep.daily has to be a whole number, 0 or more"),
        ({"keep": []}, "keep has to be a mapping"),
        ({"files": "secret"}, "files has to be one of encrypted, "),
        ({"recipients": "secret"}, "recipients has to be a list of texts"),
        ({"remote": 1}, "remote has to be a text"),
        ({"remote_config": "rclone.conf"}, "remote_config has to be an absolute path"),
        ({"timeout": True}, "timeout has to be a whole number, 1 or more"),
        ({"on_failure": {"command": "rm secret"}}, "on_failure.command has to be a list of words; no shell reads it"),
        ({"on_failure": {"url": "ftp://secret"}}, "on_failure.url has to be an address that begins with https://"),
        ({"on_failure": {"url": "https://[secret"}}, "on_failure.url has to be an address that begins with https://"),
        (
            {"on_failure": {"url": "https://host/secret\n"}},
            "on_failure.url has to be an address that begins with https://",
        ),
        (
            {"on_failure": {"url": "https://host/a secret"}},
            "on_failure.url has to be an address that begins with https://",
        ),
        ({"on_failure": {"url": "https://host/s\u00e9cret"}}, "on_failure.url has to be an address that begins with "),
        ({"on_failure": {"headers": {"A": 1}}}, "on_failure.headers has to be a mapping of names to texts"),
    ],
)
def test_a_fault_is_named(place: pathlib.Path, change: dict[str, t.Any], sentence: str) -> None:
    assert refused(place, {**WHOLE, **change}).startswith(sentence)


def test_without_a_directory(place: pathlib.Path) -> None:
    assert refused(place, {"tier": "daily"}) == "dir is missing"


def test_no_mapping(place: pathlib.Path) -> None:
    assert refused(place, ["secret"]) == "it has to be a mapping"


def test_no_json(place: pathlib.Path) -> None:
    place.write_text('{"dir": "/b",\n secret}')
    with pytest.raises(MaintenanceError, match="is no JSON: .* in line 2$"):
        configuration.read(str(place))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_others_must_not_read_nor_write_it(place: pathlib.Path, mode: int) -> None:
    place.chmod(mode)
    assert refused(place, WHOLE).startswith("others may read or write it")


def test_none(place: pathlib.Path) -> None:
    place.unlink()
    with pytest.raises(MaintenanceError, match="cannot be read: No such file"):
        configuration.read(str(place))
