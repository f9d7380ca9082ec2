# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils import _static_pod
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import order, place, plan
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd import restores
from ansible_collections.kubeops.maintenance.tests.unit.plugins.module_utils.etcd.restores import ID, here, put, told


def test_an_order() -> None:
    found = order.parse(told("cp1", "cp2"))
    assert found.token == f"kubeops-restore-{ID}"
    assert found.revision == 1000010432
    assert found.initial_cluster == "cp1=https://cp1:2380,cp2=https://cp2:2380"
    assert order.parse(found.as_dict()) == found
    assert order.parse(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    ("changes", "told_of"),
    [
        ({"id": "../../etc"}, "is no id of a restore"),
        ({"id": f"{ID}/x"}, "is no id of a restore"),
        ({"snapshot": {**restores.SNAPSHOT, "name": "../x.db"}}, "is no name of a snapshot"),
        ({"snapshot": {}}, "KeyError"),
        ({"snapshot": None}, "TypeError"),
        ({"members": []}, "has members"),
        ({"members": [{"name": "cp1"}]}, "KeyError"),
        ({"bump": 0}, "a bump of 1"),
        ({"bump": "many"}, "ValueError"),
    ],
)
def test_what_is_no_order(changes: dict[str, t.Any], told_of: str) -> None:
    with pytest.raises(MaintenanceError, match=told_of):
        order.parse(told(**changes))


def test_a_plan_is_read_as_it_was_written(tmp_path: pathlib.Path) -> None:
    first = put(tmp_path, plan.PREPARING)
    assert plan.read(str(tmp_path), ID) == first
    second = plan.enter(first, plan.PREPARED)
    assert plan.read(str(tmp_path), ID) == second
    assert list(second.at) == [plan.PREPARING, plan.PREPARED]
    assert os.stat(f"{second.folder}/plan.json").st_mode & 0o777 == 0o600
    assert os.listdir(second.folder) == ["plan.json"]
    assert second.prepared == f"{tmp_path}/kubeops-restore/{ID}/prepared/member"
    assert plan.read(str(tmp_path), "20261121T183000Z-000000") is None


@pytest.mark.parametrize("text", ["", "{", "{}", "[]", '{"schema": 2}'])
def test_a_plan_that_cannot_be_read_is_never_taken_for_none(tmp_path: pathlib.Path, text: str) -> None:
    pathlib.Path(put(tmp_path, plan.STOPPED).folder, "plan.json").write_text(text)
    with pytest.raises(MaintenanceError, match="look at the folder"):
        plan.unfinished(str(tmp_path))


def test_nobody_else_tells_what_is_done_as_root(tmp_path: pathlib.Path) -> None:
    """The data directory belongs to the user that etcd runs as."""
    made = put(tmp_path, plan.STOPPED)
    folder, top = pathlib.Path(made.folder), tmp_path / plan.FOLDER
    for one in (folder, top):
        one.chmod(0o777)
        with pytest.raises(MaintenanceError, match=f"{one}: is no directory that only root can change"):
            plan.all_of(str(tmp_path))
        one.chmod(0o700)
    folder.rename(folder.with_name("20261121T183000Z-000000"))
    with pytest.raises(MaintenanceError, match=f"it is the plan of the restore {ID} in {tmp_path}"):
        plan.all_of(str(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / plan.FOLDER).mkdir(parents=True)
    folder.with_name("20261121T183000Z-000000").rename(elsewhere / plan.FOLDER / ID)
    with pytest.raises(MaintenanceError, match=f"it is the plan of the restore {ID} in {tmp_path}"):
        plan.read(str(elsewhere), ID)
    top.rmdir()
    top.symlink_to(elsewhere / plan.FOLDER)
    with pytest.raises(MaintenanceError, match="is no directory that only root can change"):
        plan.folders(str(tmp_path))


def test_a_phase_that_is_none(tmp_path: pathlib.Path) -> None:
    put(tmp_path, "half way")
    with pytest.raises(MaintenanceError, match="'half way' is no phase"):
        plan.all_of(str(tmp_path))


def test_which_one_is_unfinished(tmp_path: pathlib.Path) -> None:
    assert plan.unfinished(str(tmp_path)) is None
    for number, phase in enumerate((plan.STOPPED, plan.PREPARED, plan.FINISHED, plan.ROLLED_BACK)):
        put(tmp_path, phase, f"2026112{number}T183000Z-4f2a90")
    (tmp_path / plan.FOLDER / "20261129T183000Z-4f2a90").mkdir()
    (tmp_path / plan.FOLDER / "notes").mkdir()
    found = plan.unfinished(str(tmp_path))
    assert found
    assert found.phase == plan.STOPPED
    assert [one.id[7] for one in plan.all_of(str(tmp_path))] == ["0", "1", "2", "3"]
    plan.enter(found, plan.ROLLED_BACK)
    prepared = plan.unfinished(str(tmp_path))
    assert prepared
    assert prepared.phase == plan.PREPARED


def test_the_order_of_phases() -> None:
    for earlier, later in itertools.combinations(plan.FORWARD, 2):
        assert plan.reached(later, earlier)
        assert not plan.reached(earlier, later)
    for phase in plan.FORWARD:
        assert plan.reached(phase, phase)
        assert not any(plan.reached(back, phase) for back in plan.BACK)
    assert [one for one in (*plan.FORWARD, *plan.BACK) if not plan.begun(one)] == [plan.PREPARING, plan.PREPARED]


def test_owner(tmp_path: pathlib.Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(MaintenanceError, match="is not there. Mount its disk"):
        place.owner(str(data))
    data.mkdir(mode=0o750)
    assert place.owner(str(data)).mode == 0o750
    (data / "member").mkdir(mode=0o700)
    assert place.owner(str(data)) == plan.Owner(os.geteuid(), os.getegid(), 0o700)
    (tmp_path / "linked").symlink_to(data)
    assert place.owner(str(tmp_path / "linked")) == place.owner(str(data))
    (data / "member").rename(data / "elsewhere")
    (data / "member").symlink_to(data / "elsewhere")
    with pytest.raises(MaintenanceError, match="member: is no directory"):
        place.owner(str(data))


def test_a_member_is_found_while_its_manifest_is_put_aside(tmp_path: pathlib.Path) -> None:
    manifests = tmp_path / "manifests"
    parked = pathlib.Path(_static_pod.parked(str(manifests)))
    assert parked == tmp_path / "kubeops-stopped"
    assert _static_pod.parked(f"{manifests}/") == str(parked)
    manifests.mkdir()
    parked.mkdir()
    words = ["name=cp1", "data-dir=/var/lib/etcd", "listen-client-urls=http://127.0.0.1:2379"]
    words += ["listen-peer-urls=http://192.0.2.11:2380", "initial-advertise-peer-urls=http://192.0.2.11:2380"]
    lines = "".join(f"    - --{word}\n" for word in words)
    (parked / "etcd.yaml").write_text(f"  - command:\n    - etcd\n{lines}    image: registry.k8s.io/etcd:3.6.16-0\n")
    assert place.find(str(tmp_path / "of" / "another"), "") is None
    found = place.discover(str(manifests), "")
    (tmp_path / "member").mkdir()
    known = place.here(dataclasses.replace(found, data_dir=str(tmp_path)), str(manifests))
    assert known.source == str(manifests / "etcd.yaml")
    assert known.managed_by == plan.STATIC_POD
    assert known.listens == ("http://127.0.0.1:2379", "http://192.0.2.11:2380")
    assert dataclasses.replace(here(tmp_path), owner=known.owner).as_dict().keys() == known.as_dict().keys()
    (manifests / "etcd.yaml").write_text((parked / "etcd.yaml").read_text().replace("cp1", "cp9"))
    assert place.discover(str(manifests), "").name == "cp9"


def test_without_a_member(tmp_path: pathlib.Path) -> None:
    with pytest.raises(MaintenanceError, match="no etcd member found on this node"):
        place.discover(str(tmp_path), "")
