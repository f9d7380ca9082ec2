# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many nodes are worked on at once.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import re

from ansible.utils.helpers import pct_to_int


def at_once(wanted: object, nodes: int) -> int | None:
    """``wanted``: a number of nodes, 0 for all, or a share of them as ``50%``, which is one node at least. None where
    it is neither. Counted as Ansible counts `serial`, so that forecast and play agree.
    """
    return int(pct_to_int(str(wanted), nodes)) if re.fullmatch(r"[0-9]+%?", str(wanted)) else None
