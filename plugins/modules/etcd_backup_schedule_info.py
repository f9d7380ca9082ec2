#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_backup_schedule_info
short_description: Tell when a node takes snapshots of etcd by the clock, and how the last run went
version_added: 0.1.0
description:
  - Asks systemd for the timers that the role P(kubeops.maintenance.backup_schedule#role) installs.
author:
  - kubeops.maintenance contributors (@kubeops)
extends_documentation_fragment:
  - kubeops.maintenance._etcd.MANIFESTS
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.INFO
  - kubeops.maintenance._attributes.ACTION_GROUP
notes:
  - A run that failed is no failure of the task.
seealso:
  - module: kubeops.maintenance.etcd_snapshot_info
"""

EXAMPLES = r"""
- name: Look at the timers
  kubeops.maintenance.etcd_backup_schedule_info:
  become: true
  register: schedule

- name: Stop where the last run failed
  ansible.builtin.assert:
    that: schedule.schedules | selectattr('failed') | length == 0
"""

RETURN = r"""
member:
  description: Whether a member of etcd runs on the node. It does, too, where its settings are wrong.
  returned: success
  type: bool
python:
  description: The Python that runs this module, by the name that stays when the system is upgraded.
  returned: success
  type: str
  sample: /usr/bin/python3
running:
  description: Whether a run goes on now.
  returned: success
  type: bool
reload:
  description: Whether systemd has yet to read a changed unit.
  returned: success
  type: bool
schedules:
  description: One entry for each timer, C(backup) and C(drill), whether it is there or not.
  returned: success
  type: list
  elements: dict
  sample:
    - name: backup
      installed: true
      active: true
      enabled: true
      next: "2026-11-21T16:00:00Z"
      last: "2026-11-21T15:00:00Z"
      reload: false
      running: false
      failed: false
      began: "2026-11-21T15:00:00Z"
      result: success
      exit_status: "0"
      invocation: 6f1f2c3b7a3e4b0c9d1f5b1d2a3c4e5f
      untold: false
      said: cp2 takes this turn's snapshot, cp1 has nothing to do
  contains:
    name:
      description: V(backup) or V(drill).
      type: str
    installed:
      description: Whether systemd has the timer.
      type: bool
    active:
      description: Whether it waits for its time.
      type: bool
    enabled:
      description: Whether it will after the machine has started again.
      type: bool
    next:
      description: When it elapses, in UTC. V(null) where it does not.
      type: str
    last:
      description: When it elapsed last, in UTC.
      type: str
    reload:
      description: Whether systemd has yet to read a changed unit.
      type: bool
    running:
      description: Whether its service runs now.
      type: bool
    failed:
      description: Whether its service failed in the last run.
      type: bool
    began:
      description: When the last run since the machine's start began, in UTC.
      type: str
    result:
      description: How systemd names what came of it, V(success) or the kind of the failure.
      type: str
    exit_status:
      description: The exit status.
      type: str
    invocation:
      description: What the journal calls the run, for C(journalctl _SYSTEMD_INVOCATION_ID=...).
      type: str
    untold:
      description: Whether the notice of a failure failed, too.
      type: bool
    said:
      description: The last line of the run.
      type: str
"""

import os
import sys
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import MaintenanceError, run_module
from ..module_utils._etcd import arguments
from ..module_utils._etcd.member import topology, unit
from ..module_utils._schedule import systemd

# Not /usr/bin/python3.11, which is gone after the next upgrade of the system.
PYTHONS = ("/usr/bin/python3", "/usr/libexec/platform-python")


def look(module: AnsibleModule) -> dict[str, t.Any]:
    schedules = systemd.read(module.run_command)
    return {
        "changed": False,
        "member": has_member(module),
        "python": lasting(sys.executable),
        "running": any(one["running"] for one in schedules),
        "reload": any(one["reload"] for one in schedules),
        "schedules": schedules,
    }


def has_member(module: AnsibleModule) -> bool:
    try:
        return bool(topology.find(module.params["manifest_dir"], unit.show(module.run_command)))
    except MaintenanceError:
        return True  # with something wrong about it, which its runs will tell


def lasting(python: str, names: t.Sequence[str] = PYTHONS) -> str:
    """Another name of the same program, where there is one that stays."""
    return next((name for name in names if os.path.realpath(name) == os.path.realpath(python)), python)


def main() -> None:
    module = AnsibleModule(argument_spec=arguments.MANIFESTS, supports_check_mode=True)
    run_module(module, lambda: look(module))


if __name__ == "__main__":
    main()
