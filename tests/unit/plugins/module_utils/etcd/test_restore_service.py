# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What starts a member: the kubelet's manifest, or a unit of systemd that must not come back by itself meanwhile."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._errors import MaintenanceError
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.restore import plan, service

from . import cuts, restores


@dataclasses.dataclass
class Systemd:
    """A unit that starts only where its conditions hold, as systemd last read them."""

    drop_ins: pathlib.Path
    active: str = "active"
    load: str = "loaded"
    #: What fails.
    failing: str = ""
    conditions: tuple[str, ...] = ()
    lines: list[str] = dataclasses.field(default_factory=list)

    def run_command(self, words: t.Sequence[str]) -> tuple[int, str, str]:
        assert words[0] == "systemctl"
        line = " ".join(words[1:])
        self.lines.append(line)
        if self.failing and line.startswith(self.failing):
            return 1, "", "Job for etcd.service failed."
        if line == "show etcd.service --property=LoadState --value":
            return 0, f"{self.load}\n", ""
        if line == "is-active etcd.service":
            return 0 if self.active == "active" else 3, f"{self.active}\n", ""
        if line == "daemon-reload":
            texts = [path.read_text() for path in self.drop_ins.glob("etcd.service.d/*.conf")]
            self.conditions = tuple(re.findall(r"^ConditionPathExists=!(.*)$", "\n".join(texts), re.MULTILINE))
        elif line == "stop etcd.service":
            self.active = "inactive"
        elif line == "start --no-block etcd.service":
            self.boot()
        else:
            assert line == "reset-failed etcd.service"
        return 0, "", ""

    def boot(self) -> None:
        if not any(pathlib.Path(path).exists() for path in self.conditions):
            self.active = "active"


@pytest.fixture
def systemd(tmp_path: pathlib.Path) -> Systemd:
    return Systemd(tmp_path / "system")


@pytest.fixture
def etcd(systemd: Systemd) -> service.Unit:
    return service.Unit(systemd.run_command, str(systemd.drop_ins))


def test_a_unit_that_is_stopped_stays_stopped_across_a_boot(systemd: Systemd, etcd: service.Unit) -> None:
    etcd.check()
    assert not etcd.is_stopped()
    etcd.stop()
    assert etcd.is_stopped()
    (drop_in,) = systemd.drop_ins.rglob("*.conf")
    assert drop_in.stat().st_mode & 0o777 == 0o644
    assert "kubeops.maintenance.etcd_restore" in drop_in.read_text()
    systemd.boot()
    assert etcd.is_stopped()
    etcd.stop()  # again, after a kill
    etcd.start()
    # A unit of Type=notify is started when the member serves, and that takes the others.
    assert systemd.lines[-1] == "start --no-block etcd.service"
    assert not etcd.is_stopped()
    assert systemd.active == "active"
    assert list(systemd.drop_ins.iterdir()) == []


def test_other_drop_ins_stay(systemd: Systemd, etcd: service.Unit) -> None:
    mine = systemd.drop_ins / "etcd.service.d" / "limits.conf"
    mine.parent.mkdir(parents=True)
    mine.write_text("[Service]\nLimitNOFILE=40000\n")
    etcd.stop()
    etcd.start()
    assert list(mine.parent.iterdir()) == [mine]


def test_whoever_removes_the_drop_in_can_start_it_without_a_reload(systemd: Systemd, etcd: service.Unit) -> None:
    etcd.stop()
    (drop_in,) = systemd.drop_ins.rglob("*.conf")
    drop_in.unlink()
    systemd.boot()
    assert systemd.active == "active"


def test_a_unit_in_the_middle_of_something(systemd: Systemd, etcd: service.Unit) -> None:
    etcd.stop()
    systemd.active = "deactivating"
    assert not etcd.is_stopped()
    systemd.active = "failed"
    assert etcd.is_stopped()


@pytest.mark.parametrize("what", ["daemon-reload", "stop"])
def test_what_systemd_refuses(systemd: Systemd, etcd: service.Unit, what: str) -> None:
    systemd.failing = what
    with pytest.raises(MaintenanceError, match=f"systemctl {what}.* failed: Job for etcd.service failed"):
        etcd.stop()
    systemd.failing = ""
    etcd.stop()
    assert etcd.is_stopped()


def test_no_unit(systemd: Systemd, etcd: service.Unit) -> None:
    systemd.load = "not-found"
    with pytest.raises(MaintenanceError, match="systemd says that it is not-found. Nothing was changed"):
        etcd.check()


@pytest.mark.parametrize("way", ["stop", "start"])
def test_a_kill_at_each_call(systemd: Systemd, etcd: service.Unit, way: str) -> None:
    """The unit itself is no file of ours: what systemd was told stays told."""
    at = 0
    while True:
        etcd.start()
        if way == "start":
            etcd.stop()
        at += 1
        ended, calls = cuts.run(getattr(etcd, way), at)
        getattr(etcd, way)()
        assert etcd.is_stopped() == (way == "stop")
        assert (systemd.active == "active") == (way == "start")
        if ended:
            break
    assert at > 2


@pytest.mark.parametrize(("managed_by", "kind"), [("static pod", service.StaticPod), ("systemd", service.Unit)])
def test_of_a_plan(tmp_path: pathlib.Path, systemd: Systemd, managed_by: str, kind: type) -> None:
    here = plan.Here(**{**vars(restores.here(tmp_path)), "managed_by": managed_by, "source": f"{tmp_path}/m/etcd.yaml"})
    assert isinstance(service.of(here, systemd.run_command), kind)
