# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError, run_module


class Module:
    """Keeps what it ended with."""

    def __init__(self):
        self.said = {}

    def exit_json(self, **said):
        self.said = said
        raise SystemExit(0)

    def fail_json(self, **said):
        self.said = said
        raise SystemExit(1)


def ends(work):
    module = Module()
    with pytest.raises(SystemExit) as ended:
        run_module(module, work)
    return ended.value.code, module.said


def test_a_result_and_what_a_person_has_to_know():
    assert ends(lambda: {"changed": True}) == (0, {"changed": True})

    def refused():
        raise MaintenanceError("no", changed=False)

    assert ends(refused) == (1, {"msg": "no", "changed": False})


def test_a_mistake_is_told_by_its_type_and_place_and_not_by_its_text():
    def mistaken():
        key = "s3cret"
        return {}[key]

    code, said = ends(mistaken)
    assert code == 1
    assert said["msg"].startswith("KeyError at test_errors.py:")
    assert "return {}[key]" in said["exception"]
    assert "s3cret" not in str(said).replace('key = "s3cret"', "")


def test_what_the_system_says_of_a_file_is_told(tmp_path):
    _code, said = ends(lambda: {"read": (tmp_path / "gone").read_text()})
    assert said["msg"].startswith("FileNotFoundError at ")
    assert f"(No such file or directory: {tmp_path}/gone)" in said["msg"]
