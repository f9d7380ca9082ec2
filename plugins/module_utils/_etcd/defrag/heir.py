# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""To whom a leader hands its leadership before it stands still, pure.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from ..._errors import MaintenanceError
from ..member import state
from ..member.cluster import Cluster, Seen
from .limits import LEAST_GAIN, Limits, judge, size


def choose(cluster: Cluster, leader: str, limits: Limits) -> Seen:
    """The follower with the least free space: it has been defragmented, or needs it least.

    The cluster has passed the gate. Raise MaintenanceError where all followers are still to be defragmented: it would
    have to move again at once.
    """
    followers = _followers(cluster, leader)
    ready = [seen for seen in followers if _is_compact(seen, limits)]
    if ready:
        return min(ready, key=lambda seen: (_size(seen).free_percent, seen.member.id))
    raise MaintenanceError(
        f"this member leads, and none of its followers has been defragmented ({names(followers)}). Nothing was changed:"
        " defragment the followers first (defrag.yml does), then this one"
    )


def names(followers: t.Iterable[Seen]) -> str:
    return ", ".join(f"etcd/{seen.name}" for seen in followers) or "there is none"


def candidates(cluster: Cluster, leader: str) -> str:
    return names(_followers(cluster, leader))


def _followers(cluster: Cluster, leader: str) -> list[Seen]:
    return [seen for seen in cluster.answering if seen.member.id != leader and not seen.member.is_learner]


def _is_compact(seen: Seen, limits: Limits) -> bool:
    found = _size(seen)
    return found.free_percent < LEAST_GAIN or not judge(found, limits).due


def _size(seen: Seen) -> t.Any:
    return size(t.cast(state.Status, seen.status), seen.quota)
