# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import sys

from ansible_collections.kubeops.maintenance.plugins.modules import etcd_backup_schedule_info as module
from ansible_collections.kubeops.maintenance.tests.api import modules


def test_a_machine_without_etcd(tmp_path: pathlib.Path) -> None:
    result = modules.call(module, check=True, manifest_dir=str(tmp_path))
    assert "failed" not in result, result
    assert (result["changed"], result["member"]) == (False, False)
    assert [one["name"] for one in result["schedules"]] == ["backup", "drill"]


def test_a_member_whose_settings_are_wrong_is_one(tmp_path: pathlib.Path) -> None:
    (tmp_path / "etcd.yaml").write_text("command:\n- etcd\nimage: registry.k8s.io/etcd:x\n")
    assert modules.call(module, manifest_dir=str(tmp_path))["member"] is True


def test_a_name_of_python_that_stays(tmp_path: pathlib.Path) -> None:
    lasting, other = tmp_path / "python3", tmp_path / "other"
    lasting.symlink_to(sys.executable)
    other.touch()
    assert module.lasting(sys.executable, [str(other), str(lasting)]) == str(lasting)
    assert module.lasting(sys.executable, [str(other), str(tmp_path / "none")]) == sys.executable
