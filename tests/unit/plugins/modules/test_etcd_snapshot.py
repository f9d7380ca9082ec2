# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as Ansible calls it: options in, one JSON object out."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.archive import archive
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots import backup
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.snapshots.snapshot import Label
from ansible_collections.kubeops.maintenance.plugins.modules import etcd_snapshot

RESULT = {"changed": True, "snapshot": {"path": "/b/x.db"}, "checks": [], "actions": ["save"], "durations": {}}


def call(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    outcome: dict[str, t.Any] | MaintenanceError,
    **options: t.Any,
) -> tuple[int, dict[str, t.Any], backup.Request | None]:
    """Exit code, what was printed, and what was asked for."""
    asked = []

    def run(request: backup.Request) -> dict[str, t.Any]:
        asked.append(request)
        if isinstance(outcome, MaintenanceError):
            raise outcome
        return outcome

    monkeypatch.setattr(backup, "run", run)
    monkeypatch.setattr(etcd_snapshot.unit, "show", lambda run_command: "shown")
    with patch_module_args(options), pytest.raises(SystemExit) as left:
        etcd_snapshot.main()
    return int(left.value.code or 0), json.loads(capsys.readouterr().out), asked[0] if asked else None


def test_defaults(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, request = call(monkeypatch, capsys, RESULT)
    assert code == 0
    assert {name: printed[name] for name in RESULT} == RESULT
    assert request == backup.Request(
        directory="/var/backups/kubeops/etcd",
        label=Label("manual", "", ""),
        timeout=600,
        lock_timeout=120,
        reuse_within=0,
        manifests="/etc/kubernetes/manifests",
        unit="shown",
        lock_path=None,
        dry_run=False,
        files=archive.Request("encrypted", ()),
    )


def test_all_options(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"dir": "/b", "tier": "pre-upgrade", "reason": "why", "run_key": "a->b", "reuse_within": 5}
    more = {"timeout": 6, "lock_timeout": 7, "manifest_dir": "/m", "save_with": "gateway", "_ansible_check_mode": True}
    saved = {"files": "none", "recipients": ["age1x"]}
    _code, printed, request = call(monkeypatch, capsys, RESULT, **options, **more, **saved)
    label, files = Label("pre-upgrade", "why", "a->b"), archive.Request("none", ("age1x",))
    assert request == backup.Request(
        directory="/b",
        label=label,
        timeout=6,
        lock_timeout=7,
        reuse_within=5,
        manifests="/m",
        unit="shown",
        dry_run=True,
        save_with="gateway",
        files=files,
    )
    assert "warnings" not in printed


def test_a_failure_has_the_keys_of_a_success(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {**RESULT, "changed": False, "snapshot": None}
    code, printed, _request = call(monkeypatch, capsys, MaintenanceError("no leader", **data))
    assert code == 1
    assert printed["failed"]
    assert printed["msg"] == "no leader"
    assert {name: printed[name] for name in data} == data


def test_an_unknown_tier(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, request = call(monkeypatch, capsys, RESULT, tier="yearly")
    assert code == 1
    assert "value of tier must be one of: hourly, daily" in printed["msg"]
    assert request is None


def test_without_a_member_on_this_node(tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"dir": str(tmp_path / "b"), "manifest_dir": str(tmp_path), "_ansible_check_mode": True}
    with patch_module_args(options), pytest.raises(SystemExit):
        etcd_snapshot.main()
    printed = json.loads(capsys.readouterr().out)
    assert f"there is no {tmp_path}/etcd.yaml" in printed["msg"]
    assert set(yaml.safe_load(etcd_snapshot.RETURN)) <= set(printed)
