# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the units of the schedule say, of which the lab cannot tell whether it does something."""

from __future__ import annotations

import configparser
import pathlib
import re
import shlex

import jinja2
import pytest
import yaml

ROLE = pathlib.Path(__file__).parents[2] / "roles" / "backup_schedule"
TEMPLATES = ROLE / "templates"


def test_no_run_without_the_disk_that_the_snapshots_are_on() -> None:
    template = jinja2.Template((TEMPLATES / "run.service.j2").read_text(), undefined=jinja2.ChainableUndefined)
    unit = configparser.ConfigParser(interpolation=None, strict=False)
    unit.read_string(template.render(backup_schedule_dir="/srv/my backups 100%"))
    # As systemd has it: several paths are divided by spaces, and a percent sign begins a name.
    wanted = "/srv/my backups 100%%"
    assert shlex.split(unit["Unit"]["RequiresMountsFor"]) == [wanted]
    assert shlex.split(unit["Service"]["ReadWritePaths"]) == [wanted, "/run"]


@pytest.mark.parametrize(
    ("directory", "fits"),
    [
        ("/var/backups/kubeops/etcd", True),
        ("/srv/my backups 100%", True),
        ("backups", False),
        ('/srv/"backups', False),
        ("/srv/it's", False),
        ("/srv/back\\x20ups", False),
        ("/srv/backups\n", False),
        ("/srv/backups\nExecStart=/bin/sh", False),
    ],
)
def test_which_directories_can_stand_in_a_unit(directory: str, fits: bool) -> None:
    pattern = yaml.safe_load((ROLE / "vars" / "main.yml").read_text())["__backup_schedule_dir_fits"]
    assert bool(re.match(pattern, directory)) == fits
