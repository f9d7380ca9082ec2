# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module as Ansible calls it: options in, one JSON object out."""

from __future__ import annotations

import contextlib
import functools
import json
import typing as t

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._kubeadm.report import Report
from ansible_collections.kubeops.maintenance.plugins.modules import kubeadm_upgrade

KEYS = {"changed", "actions", "before", "after", "durations", "checks"}


class Part:
    """Stands in for both parts: remembers how it was made, and does what the test says."""

    made: t.ClassVar[list[tuple[str, tuple[t.Any, ...]]]] = []
    outcome: t.ClassVar[MaintenanceError | None] = None

    def __init__(self, name: str, *arguments: t.Any) -> None:
        self.made.append((name, arguments))
        self.report = next(argument for argument in arguments if isinstance(argument, Report))

    def bring(self) -> None:
        self.report.before = {"kubelet": "1.36.4"}
        self.report.act("restart the kubelet")
        if self.outcome:
            raise self.outcome


@pytest.fixture(autouse=True)
def parts(monkeypatch: pytest.MonkeyPatch) -> type[Part]:
    monkeypatch.setattr(Part, "made", [])
    monkeypatch.setattr(Part, "outcome", None)
    for name in kubeadm_upgrade.PARTS:
        monkeypatch.setitem(kubeadm_upgrade.PARTS, name, functools.partial(Part, name))
    monkeypatch.setattr(kubeadm_upgrade.lock, "held", lambda timeout: contextlib.nullcontext(42.0))
    return Part


def call(capsys: pytest.CaptureFixture[str], **options: t.Any) -> tuple[int, dict[str, t.Any]]:
    with patch_module_args({"version": "1.37.1", "part": "kubelet", **options}), pytest.raises(SystemExit) as left:
        kubeadm_upgrade.main()
    return int(left.value.code or 0), json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("part", ["control_plane", "kubelet"])
def test_each_part_is_brought_to_the_version(capsys: pytest.CaptureFixture[str], part: str) -> None:
    code, printed = call(capsys, part=part, ignore_preflight_errors=["SystemVerification"], timeout=60)
    assert code == 0
    assert printed["changed"]
    assert set(printed) >= KEYS
    assert printed["durations"]["total"] >= 0
    assert printed["durations"]["earlier run"] == 42.0
    ((name, arguments),) = Part.made
    assert name == part
    assert str(arguments[2]) == "1.37.1"
    assert ["SystemVerification"] in arguments


def test_a_failure_has_the_keys_of_a_success(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Part, "outcome", MaintenanceError("it broke", checks=[{"name": "x"}]))
    code, printed = call(capsys)
    assert (code, printed["msg"]) == (1, "it broke")
    assert set(printed) >= KEYS
    assert (printed["actions"], printed["before"]) == (["restart the kubelet"], {"kubelet": "1.36.4"})
    assert printed["checks"] == [{"name": "x"}]
    assert printed["durations"]["total"] >= 0


def test_check_mode_needs_no_lock(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeadm_upgrade.lock, "held", None)
    code, printed = call(capsys, _ansible_check_mode=True)
    assert code == 0
    assert "earlier run" not in printed["durations"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": "1.37"}, 'version: "1.37" is no version of Kubernetes'),
        ({"version": "latest"}, "Write major, minor and patch"),
        ({"ignore_preflight_errors": ["Swap", "a b"]}, 'ignore_preflight_errors: "a b" is no check of kubeadm'),
        ({"ignore_preflight_errors": ["--force"]}, '"--force" is no check of kubeadm'),
        ({"part": "everything"}, "value of part must be one of"),
    ],
)
def test_bad_options_reach_nothing(
    capsys: pytest.CaptureFixture[str], options: dict[str, t.Any], message: str | None
) -> None:
    code, printed = call(capsys, **options)
    assert code == 1
    assert message in printed["msg"]
    assert Part.made == []
