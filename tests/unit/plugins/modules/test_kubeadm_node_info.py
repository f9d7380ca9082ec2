# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as Ansible calls it: options in, one JSON object out."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm import node_facts, unit
from ansible_collections.kubeops.maintenance.plugins.modules import kubeadm_node_info


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **options: t.Any
) -> tuple[int, dict[str, t.Any], list[t.Any]]:
    asked: list[t.Any] = []
    monkeypatch.setattr(node_facts, "gather", lambda *arguments: asked.append(arguments[1:]) or {"node_name": "cp1"})
    monkeypatch.setattr(unit, "settle", lambda _commands, deadline: asked.append(deadline.seconds))
    with patch_module_args(options), pytest.raises(SystemExit) as left:
        kubeadm_node_info.main()
    return int(left.value.code or 0), json.loads(capsys.readouterr().out), asked


def test_it_changes_nothing_and_asks_no_repository_unless_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, printed, asked = call(monkeypatch, capsys)
    assert (code, printed["changed"], printed["node"]) == (0, False, {"node_name": "cp1"})
    ((_paths, version, repository, backup_dir),) = asked
    assert (version, repository, backup_dir) == (None, "https://pkgs.k8s.io", "")


def test_it_settles_first_and_looks_afterwards(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {
        "version": "1.37.1",
        "package_repository": "http://mirror.example",
        "backup_dir": "/b",
        "settle_timeout": 9,
    }
    _code, _printed, asked = call(monkeypatch, capsys, **options, manifest_dir="/m")
    assert asked[0] == 9
    paths, version, repository, backup_dir = asked[1]
    assert (paths.manifest_dir, str(version), repository, backup_dir) == ("/m", "1.37.1", "http://mirror.example", "/b")


def test_an_upgrade_that_does_not_end_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def settle(_commands: t.Any, _deadline: t.Any) -> None:
        raise MaintenanceError("it still runs")

    monkeypatch.setattr(kubeadm_node_info.node_facts, "gather", lambda *_arguments: pytest.fail("looked too early"))
    monkeypatch.setattr(unit, "settle", settle)
    with patch_module_args({"settle_timeout": 9}), pytest.raises(SystemExit) as left:
        kubeadm_node_info.main()
    assert (left.value.code, json.loads(capsys.readouterr().out)["msg"]) == (1, "it still runs")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": "1.37"}, 'version: "1.37" is no version of Kubernetes'),
        ({"version": "1.37.1", "package_repository": "file:///etc"}, 'package_repository: "file:///etc" is no URL'),
    ],
)
def test_bad_options(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: dict[str, t.Any], message: str
) -> None:
    code, printed, asked = call(monkeypatch, capsys, **options)
    assert code == 1
    assert message in printed["msg"]
    assert asked == []


@pytest.mark.parametrize("scheme", ["https", "ftp"])
def test_credentials_of_the_repository_are_in_no_result(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scheme: str
) -> None:
    options = {"package_repository": f"{scheme}://joe:geheim@pkgs.example", "_ansible_inject_invocation": True}
    _code, printed, asked = call(monkeypatch, capsys, **options)
    assert printed["invocation"]["module_args"]["package_repository"] == f"{scheme}://********@pkgs.example"
    assert "geheim" not in json.dumps(printed)
    if scheme == "https":
        assert asked[0][2] == "https://joe:geheim@pkgs.example", "the repository itself is asked with them"
