# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as Ansible calls it: options in, one JSON object out."""

from __future__ import annotations

import contextlib
import json
import pathlib
import typing as t

import pytest
import yaml
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.modules import static_pods


def call(capsys: pytest.CaptureFixture[str], **options: t.Any) -> tuple[int, dict[str, t.Any]]:
    with patch_module_args(options), pytest.raises(SystemExit) as left:
        static_pods.main()
    return int(left.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_pods.lock, "held", lambda timeout: contextlib.nullcontext(42.0))
    # Whatever else runs on this machine.
    monkeypatch.setattr(static_pods.StaticPods.__init__, "__defaults__", (lambda name: [],))


@pytest.mark.parametrize("check", [False, True])
def test_a_node_that_has_none_of_them(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path, check: bool) -> None:
    code, printed = call(capsys, state="stopped", manifest_dir=str(tmp_path), _ansible_check_mode=check)
    assert (code, printed["changed"]) == (0, False)
    assert printed["after"] == dict.fromkeys(static_pods.NAMES)
    assert set(yaml.safe_load(static_pods.RETURN)) <= set(printed)
    assert printed["durations"].get("earlier run") == (None if check else 42.0)


def test_a_failure_has_the_keys_of_a_success(capsys: pytest.CaptureFixture[str], tmp_path: pathlib.Path) -> None:
    live, parked = tmp_path / "manifests", tmp_path / "kubeops-stopped"
    for place in (live, parked):
        place.mkdir()
        (place / "kube-scheduler.yaml").write_text(f"image: of {place.name}\n")
    code, printed = call(capsys, state="started", manifest_dir=str(live), names=["kube-scheduler"])
    assert code == 1
    assert "are both there and differ" in printed["msg"]
    assert printed["before"] == {"kube-scheduler": "started"}
    assert set(yaml.safe_load(static_pods.RETURN)) <= set(printed)


def test_etcd_has_a_module_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    code, printed = call(capsys, state="stopped", names=["etcd"])
    assert code == 1
    assert "value of names must be one or more of: kube-apiserver, " in printed["msg"]
