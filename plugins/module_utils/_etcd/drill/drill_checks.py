# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill needs: named checks, pure but for the one that asks how much memory there is.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import typing as t

from ..._check import FAIL, PASS, Check
from ..member.programs import PLACES, Program, minor

_MEMINFO = "/proc/meminfo"
# What the write-ahead log takes: etcd makes each of its files full size, and the next one ahead.
LOGS = 2 * 64_000_000
# For etcd itself, and for each row of its index of keys.
MEMORY, MEMORY_PER_ROW = 128 << 20, 400


def apart(directory: str, data_dir: str) -> Check:
    data, backups = os.path.realpath(data_dir), os.path.realpath(directory)
    if os.path.commonpath([data, backups]) == data:
        fix = "keep the snapshots elsewhere: what lies below the data directory goes when it goes"
        return Check("place for the drill", FAIL, directory, f"lies below etcd's data directory {data}", fix)
    return Check("place for the drill", PASS, directory, f"is no part of etcd's data directory {data}")


def tools(directory: str, version: str, found: t.Mapping[str, Program]) -> Check:
    missing = [name for name in ("etcd", "etcdutl") if name not in found]
    if not missing:
        evidence = ", ".join(f"{found[name].path} {found[name].version}" for name in ("etcd", "etcdutl"))
        return Check("tools for the drill", PASS, directory, evidence)
    release = ".".join(minor(version))
    evidence = f"no {' and no '.join(missing)} of etcd {release}, of which the snapshot is"
    names = " and ".join(missing)
    fix = f"put {names} of https://github.com/etcd-io/etcd/releases/tag/v{version} into {PLACES[0]}, owned by root"
    return Check("tools for the drill", FAIL, directory, evidence, fix)


def room(directory: str, size: int, free: int) -> Check:
    """The database again, the write-ahead log, and a fifth more to stay free."""
    needed = (size + LOGS) * 12 // 10
    evidence = f"{needed} bytes needed for a snapshot of {size} bytes, {free} bytes free"
    if free >= needed:
        return Check("room for the drill", PASS, directory, evidence)
    return Check("room for the drill", FAIL, directory, evidence, f"free {needed - free} bytes there")


def memory(rows: int, available: t.Optional[int]) -> Check:
    """A second etcd must not be what makes the kernel kill the first."""
    needed = MEMORY + rows * MEMORY_PER_ROW
    evidence = f"{needed} bytes needed for {rows} rows, {available} bytes available"
    if available is None or available >= needed:
        return Check("memory for the drill", PASS, "node", evidence)
    fix = "hold the drill on a machine with more memory, or when less runs here"
    return Check("memory for the drill", FAIL, "node", evidence, fix)


def available(meminfo: str = _MEMINFO) -> t.Optional[int]:
    try:
        with open(meminfo, encoding="ascii") as file:
            found = dict(line.split(":", 1) for line in file)
        return int(found["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
