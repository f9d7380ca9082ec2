# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What systemd says of etcd's unit, and what comes of it."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member import unit
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.local_member import from_settings


def shown(command: str = "/usr/local/bin/etcd", **properties: str) -> str:
    start = f"{{ path=/usr/local/bin/etcd ; argv[]={command} ; ignore_errors=no ; start_time=[n/a] ; pid=0 }}"
    said = {"LoadState": "loaded", "ExecStart": start, **properties}
    return "".join(f"{name}={value}\n" for name, value in said.items())


def nothing(path: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", path)


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        (shown(), {"name": "default"}),
        (shown("/usr/bin/etcd --name cp1 --data-dir=/d --client-cert-auth"), {"name": "cp1", "data-dir": "/d"}),
        (shown("/usr/bin/etcd -name cp1 --force-new-cluster --data-dir /d"), {"name": "cp1", "data-dir": "/d"}),
        (shown(Environment='ETCD_NAME=cp1 "ETCD_DATA_DIR=/with space" GOMAXPROCS=2'), {"data-dir": "/with space"}),
        (
            shown("etcd --name ${NAME} --data-dir $DIR", Environment="NAME=cp1 DIR=/d"),
            {"name": "cp1", "data-dir": "/d"},
        ),
        (
            shown("etcd $FLAGS $UNSET --data-dir ${DIR}/etcd", Environment='"FLAGS=--name cp1" DIR=/d'),
            {"name": "cp1", "data-dir": "/d/etcd"},
        ),
        (shown("etcd --name=$NAME --data-dir=$$NAME", Environment="NAME=cp1"), {"name": "$NAME", "data-dir": "$NAME"}),
        # As packages for CentOS have it.
        (
            shown(
                '/bin/bash -c GOMAXPROCS=$(nproc) /usr/bin/etcd --name="${ETCD_NAME}" --data-dir="$DIR"',
                Environment="ETCD_NAME=cp1 DIR=/d",
            ),
            {"name": "cp1", "data-dir": "/d"},
        ),
        # Flags come before variables.
        (shown("etcd --name=flag", Environment="ETCD_NAME=variable"), {"name": "flag"}),
        (shown(EnvironmentFiles="/missing (ignore_errors=yes)"), {"name": "default"}),
    ],
)
def test_settings(said: str, flags: dict[str, str]) -> None:
    found = unit.parse(said, nothing)
    assert found
    assert found.source == "etcd.service"
    assert {**found.flags, **flags} == found.flags


def test_files_with_variables_come_after_the_unit_s_own() -> None:
    files = {
        "/etc/etcd.env": "# first\n\nETCD_NAME=one\nETCD_DATA_DIR='/a b'\n; second\nETCDCTL_CERT=/c\n",
        "/etc/default/etcd": "ETCD_NAME=two\nETCDCTL_KEY=/k\n",
    }
    said = shown(Environment="ETCD_NAME=zero")
    said += "".join(f"EnvironmentFiles={path} (ignore_errors=no)\n" for path in files)
    found = unit.parse(said, files.__getitem__)
    assert found
    assert (found.flags["name"], found.flags["data-dir"]) == ("two", "/a b")
    assert found.client == ("/c", "/k")


@pytest.mark.parametrize("said", ["", "LoadState=not-found\n", "LoadState=masked\n"])
def test_no_such_unit(said: str) -> None:
    assert unit.parse(said, nothing) is None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (shown("etcd --config-file /etc/etcd.yaml"), "reads its settings from /etc/etcd.yaml"),
        (shown(Environment="ETCD_CONFIG_FILE=/etc/etcd.yaml"), "reads its settings from /etc/etcd.yaml"),
        (shown(EnvironmentFiles="/etc/etcd.env (ignore_errors=no)"), "/etc/etcd.env: cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(said: str, message: str) -> None:
    with pytest.raises(MaintenanceError, match=message):
        unit.parse(said, nothing)


def test_the_certificate_that_is_kept_for_etcdctl_is_used_first() -> None:
    """As kubespray has it: the server's own certificate is not for clients."""
    names = {"CERT_FILE": "/s.pem", "KEY_FILE": "/s-key.pem", "TRUSTED_CA_FILE": "/ca.pem", "NAME": "etcd1"}
    more = {"DATA_DIR": "/var/lib/etcd", "LISTEN_CLIENT_URLS": "https://192.0.2.1:2379,https://127.0.0.1:2379"}
    variables = " ".join(f"ETCD_{name}={value}" for name, value in {**names, **more}.items())
    settings = unit.parse(shown(Environment=f"{variables} ETCDCTL_CERT=/admin.pem ETCDCTL_KEY=/admin-key.pem"), nothing)
    assert settings
    local = from_settings(settings, lambda path: True)
    assert (local.cert_file, local.key_file) == ("/admin.pem", "/admin-key.pem")
    assert (local.name, local.endpoint, local.image) == ("etcd1", "https://127.0.0.1:2379", "")


@pytest.mark.parametrize(("code", "expected"), [(0, "LoadState=loaded\n"), (1, "")])
def test_a_node_without_systemd_says_nothing(code: int, expected: str) -> None:
    asked: list[t.Any] = []

    def run_command(words: list[str]) -> tuple[int, str, str]:
        asked.extend(words)
        return code, "LoadState=loaded\n", ""

    assert unit.show(run_command) == expected
    assert asked[:3] == ["systemctl", "show", "etcd.service"]
