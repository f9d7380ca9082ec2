# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that restore a member: of the release that will start from the result, also where no member runs.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import re
import typing as t

from ..member import programs
from ..member.gateway import Gateway, GatewayError
from ..member.local_member import LocalMember
from ..member.programs import Program
from ..snapshots import vault

_TAG = re.compile(r":v?(\d+\.\d+\.\d+)[^/:@]*(@.*)?$")


def release(local: LocalMember, places: t.Sequence[str]) -> str:
    """What will be started: as the running member says, else its image, else the host's own program. Empty for unknown:
    then nothing but the member's start will tell.
    """
    try:
        return Gateway(local).status().version
    except GatewayError:
        pass
    tag = _TAG.search(local.image)
    if tag:
        return tag[1]
    paths = () if local.image else programs.candidates("etcd", None, places=places)
    return next((said for said in (programs.version_of("etcd", path) for path in paths) if said), "")


def find(local: LocalMember, version: str, backups: str, places: t.Sequence[str]) -> dict[str, Program]:
    """Those of the same minor. The vault's come first, and of them those of the same version, then the newest."""
    found = programs.of_member(local.data_dir, version, places=places)
    fitting = [one for one in vault.versions(backups) if programs.minor(one) == programs.minor(version)]
    for one in sorted(fitting, key=lambda one: (one == version, numbers(one))):
        found.update(vault.programs(backups, one))
    return found


def numbers(version: str) -> tuple[int, ...]:
    """To compare versions, of the numbers that they begin with."""
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
