# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What kubeadm said, sorted by its own tags: the lines that decide, and the failures that pass by themselves.

Its exit code is 0 or 1 and nothing else, so the tags are all there is.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

# Causes that a second run does not meet again.
_TRANSIENT = (
    (
        re.compile(r"cp: cannot stat .*/wal/"),
        "etcd rotated its write-ahead log while kubeadm copied the data directory",
    ),
    (
        re.compile(r"Job \"upgrade-health-check-\d+\" .* did not complete in"),
        "the pod of kubeadm's health check Job did not complete in time",
    ),
)
_DECISIVE = re.compile(
    r"^\[ERROR |^error:|^error execution phase|\[upgrade/etcd\] (Failed|Rolling back|Etcd was rolled back)"
    r"|did not change after|tried to recover|^\s*\[FATAL\]|^\[upgrade\] FATAL|\bfatal error\b|^flock: "
)
_ROLLED_BACK = re.compile(r"tried to recover everything|rolled the state back")
_SHOWN = 8


@dataclasses.dataclass(frozen=True)
class Said:
    decisive: tuple[str, ...]
    # Why the failure may pass by itself, empty where it will not.
    transient: str
    rolled_back: bool


def classify(lines: t.Sequence[str]) -> Said:
    told = [line.strip() for line in lines if line.strip()]
    decisive = [line for line in told if _DECISIVE.search(line)]
    transient = next((reason for pattern, reason in _TRANSIENT if any(pattern.search(line) for line in told)), "")
    return Said(
        # Without any tag that is known, its last words.
        decisive=tuple(dict.fromkeys(decisive))[:_SHOWN] or tuple(told[-3:]),
        transient=transient,
        rolled_back=any(_ROLLED_BACK.search(line) for line in told),
    )
