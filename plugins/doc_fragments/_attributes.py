# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: may change at any time.

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
  diff_mode:
    description: Returns details on what has changed (or would change in check_mode), when in diff mode.
  idempotent:
    description: Run twice in a row outside check mode with the same arguments, the second run changes nothing.
"""

    # For modules that only read.
    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details: This module changes nothing.
  diff_mode:
    support: N/A
    details: This module changes nothing.
  idempotent:
    support: full
    details: This module changes nothing.
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/kubeops.maintenance.all) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - kubeops.maintenance.all
"""

    # For those that speak to the API.
    ACTION_GROUP_API = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/kubeops.maintenance.all) or C(group/kubeops.maintenance.api) in C(module_defaults) to set
      defaults for this module.
    support: full
    membership:
      - kubeops.maintenance.all
      - kubeops.maintenance.api
"""

    # For modules that show lines while they work, through an action plugin of their name.
    LIVE = r"""
options: {}
attributes:
  action:
    description: Has a part that runs on the controller.
    support: partial
    details: It only shows the lines. The work is done by the module, where and as whom the task says.
  async:
    description: Supports C(async).
    support: full
    details: Without lines.
  progress:
    description: Shows while it runs how far it is, on the terminal and in the events of ansible-runner.
    support: partial
    details: Where the task runs on the controller's machine (its connection is C(local)), as its user or as root,
      without C(no_log), and the output is not JSON.
"""
