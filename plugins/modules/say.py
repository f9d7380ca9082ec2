#!/usr/bin/python

# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: say
short_description: Shows lines as they are written
version_added: 0.1.0
description:
  - Shows lines on the terminal and in the output of a job, as they are, whatever callback is in use.
  - M(ansible.builtin.debug) quotes and folds them, so that a table is none any more.
  - Runs on the controller.
author:
  - kubeops.maintenance contributors (@kubeops)
extends_documentation_fragment:
  - kubeops.maintenance._attributes
  - kubeops.maintenance._attributes.info
  - kubeops.maintenance._attributes.action_group
options:
  lines:
    description:
      - What to show.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Show the plan
  kubeops.maintenance.say:
    lines: "{{ plan_result.summary }}"
"""

RETURN = r"""
lines:
  description: What was shown.
  returned: success
  type: list
  elements: str
"""
