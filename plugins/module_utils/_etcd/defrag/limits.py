# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a defragmentation is worth what it costs, pure.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses

from ..member import state
from ..member.cluster_health import DEFAULT_QUOTA, NEARLY_FULL, WASTED_BYTES, WASTED_SHARE

# In percent. A file of which less than that is free would be as large afterwards; so a second run finds nothing to do.
LEAST_GAIN = 10
# Of what is in use, in a second. Measured were 190 to 400 MB on ordinary disks; a slow one needs longer.
_SPEED = 100 << 20


@dataclasses.dataclass(frozen=True)
class Limits:
    """More of the file than both of the first two is free, or the file is larger than that share of its quota."""

    free_percent: int = WASTED_SHARE
    free_bytes: int = WASTED_BYTES
    quota_percent: int = NEARLY_FULL


@dataclasses.dataclass(frozen=True)
class Size:
    """A member's file in bytes. ``quota``: of etcd itself where nobody tells another one."""

    db_size: int
    db_size_in_use: int
    quota: int

    @property
    def free(self) -> int:
        return max(0, self.db_size - self.db_size_in_use)

    @property
    def free_percent(self) -> int:
        return self.free * 100 // self.db_size if self.db_size else 0

    @property
    def quota_percent(self) -> int:
        return self.db_size * 100 // self.quota

    @property
    def seconds(self) -> int:
        """About how long the member stands still: what is in use is written anew."""
        return max(1, -(-self.db_size_in_use // _SPEED))

    def as_dict(self) -> dict[str, int]:
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        free = f"{self.free_percent}% of its file is free ({self.free} of {self.db_size} bytes)"
        return f"{free}, and the file is at {self.quota_percent}% of its quota of {self.quota} bytes"


def size(status: state.Status, quota: int) -> Size:
    return Size(status.db_size, status.db_size_in_use, quota or DEFAULT_QUOTA)


@dataclasses.dataclass(frozen=True)
class Verdict:
    due: bool
    why: str


def judge(found: Size, limits: Limits) -> Verdict:
    too_free = found.free * 100 > limits.free_percent * found.db_size and found.free > limits.free_bytes
    too_large = found.db_size * 100 > limits.quota_percent * found.quota
    if (too_free or too_large) and found.free_percent >= LEAST_GAIN:
        return Verdict(True, str(found))
    if too_large:
        return Verdict(False, f"{found}, of which a defragmentation would give nothing back")
    wanted = f"more than {limits.free_percent}% and {limits.free_bytes} bytes, or {limits.quota_percent}% of the quota"
    return Verdict(False, f"{found}; worth it is {wanted}")
