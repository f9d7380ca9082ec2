# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's mirror: one container that serves packages and images from the cache, which it can only read."""

from __future__ import annotations

import contextlib
import functools
import urllib.request

from . import podman, versions
from .lab import Lab
from .supply.build import Supply
from .waiting import until


def start(lab: Lab, supply: Supply) -> None:
    podman.start(
        lab.name,
        lab.container("mirror"),
        supply.mirror_image,
        f"--network={lab.network}",
        f"--ip={lab.mirror}",
        "--hostname=mirror",
        "--restart=always",
        f"--volume={supply.packages}:/srv/packages:ro",
        f"--volume={supply.registry}:/srv/registry:ro",
    )
    minor = versions.minor(lab.version)
    for url in (f"http://{lab.mirror}:5000/v2/", f"http://{lab.mirror}/core:/stable:/v{minor}/deb/Release.key"):
        until(f"an answer of the mirror on {url}", functools.partial(answers, url))


def answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
        return True
    return False
