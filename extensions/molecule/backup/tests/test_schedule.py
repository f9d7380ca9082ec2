# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Snapshots by the clock, without Ansible and without a controller: taken, failed and told of, taken away again."""

from __future__ import annotations

import contextlib
import json
import typing as t

from ansible_collections.kubeops.maintenance.tests.lab.waiting import until

if t.TYPE_CHECKING:
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.backups import Folder
    from ansible_collections.kubeops.maintenance.extensions.molecule.support.run import Run

Start = t.Callable[..., "Run"]

SERVICE = "kubeops-etcd-backup.service"
TIMER = "kubeops-etcd-backup.timer"
TOLD = "/run/kubeops-told.json"
WANTED = {
    "etcd_backup_schedule": "*-*-* *:*:0/5",
    "etcd_backup_on_failure": {"command": ["/usr/bin/tee", TOLD]},
    "etcd_backup_keep": {"hourly": 0, "daily": 0, "weekly": 0, "monthly": 0, "at_least": 2},
}
LEFT = "/etc/kubeops /usr/local/lib/kubeops /etc/systemd/system/*kubeops-etcd* /etc/systemd/system/*/*kubeops-etcd*"


def by_the_clock(folder: Folder) -> list[str]:
    return [name for name in folder.snapshots() if "-hourly-" in name]


def test_the_timer_takes_them(backup: Start, folder: Folder) -> None:
    run = backup(**WANTED)
    assert run.finish() == 0, run.output
    assert folder.shell(f"systemctl is-enabled {TIMER}") == "enabled"
    assert folder.shell("stat -c '%U %a' /etc/kubeops/etcd-backup.json") == "root 600"
    until("the first one by the clock", lambda: by_the_clock(folder))
    first = by_the_clock(folder)[0]
    until("that an old one is pruned", lambda: first not in folder.snapshots())
    assert folder.sidecar(by_the_clock(folder)[0])["tier"] == "hourly"


def test_snapshots_shows_its_last_run(snapshots: Start) -> None:
    run = snapshots()
    assert run.finish() == 0, run.output
    assert run.says("cp1: next snapshot")


def test_a_failure_leaves_a_failed_unit_and_is_told(folder: Folder) -> None:
    folder.shell(f"chmod 0777 {folder.path}")  # where everybody may write, none is taken
    try:
        told = until("somebody is told", lambda: notice(folder))
        until("a failed unit", lambda: failed(folder))
    finally:
        folder.shell(f"chmod 0700 {folder.path}")
    assert (told["host"], told["unit"]) == ("cp1", SERVICE)
    assert "everybody may write to it" in "\n".join(told["lines"])
    until("that the next run ends well", lambda: not failed(folder))


def notice(folder: Folder) -> dict[str, t.Any] | None:
    """The next failure may be writing it anew."""
    with contextlib.suppress(ValueError):
        return dict(json.loads(folder.shell(f"cat {TOLD} 2>/dev/null || true")))
    return None


def failed(folder: Folder) -> bool:
    return folder.shell(f"systemctl show --property=Result {SERVICE}") != "Result=success"


def test_it_is_taken_away_and_the_snapshots_stay(backup: Start, folder: Folder) -> None:
    run = backup(etcd_backup_schedule_state="absent")
    assert run.finish() == 0, run.output
    assert by_the_clock(folder)
    assert folder.shell(f"find {LEFT} -type f 2>/dev/null || true") == ""
    for listing in ("list-units --all", "list-unit-files"):
        assert folder.shell(f"systemctl {listing} --no-legend 'kubeops-etcd*' || true") == ""
    folder.shell(f"rm {TOLD}")
