# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of members that run."""

from __future__ import annotations

import pathlib

from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd import programs
from ansible_collections.kubeops.maintenance.tests.integration.etcd.real_etcd import NAMES, Etcd, Release


def test_the_programs_of_each_member(releases: list[Release], tmp_path: pathlib.Path) -> None:
    for release in releases:
        with Etcd(release, tmp_path / release.version).running() as etcd:
            assert programs.holder(str(etcd.data / "member" / "snap" / "db")) == etcd.process.pid
            found = programs.of_member(str(etcd.data), release.version)
            assert {name: one.version for name, one in found.items()} == dict.fromkeys(NAMES, release.version)
            assert {one.path.split("/")[2] for one in found.values()} == {str(etcd.process.pid)}
