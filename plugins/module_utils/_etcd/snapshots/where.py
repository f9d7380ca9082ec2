# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every piece of work on a member's snapshots is told: where they are, and how the member is found and locked.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ... import _static_pod
from ..member import lock


@dataclasses.dataclass(frozen=True)
class Where:
    """``unit``: what `unit.show` read. ``dry_run``: nothing is written, and the lock is not taken.

    ``lock_path``: none is the node's own.
    """

    directory: str
    lock_timeout: float = 120
    manifests: str = _static_pod.MANIFESTS
    unit: str = ""
    lock_path: t.Optional[str] = None
    dry_run: bool = False

    def lock(self, purpose: str) -> t.ContextManager[float]:
        """The member is this work's alone. How long that was waited for."""
        return lock.member_lock(purpose, self.lock_timeout, self.lock_path, self.dry_run)
