# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in front of several control planes: haproxy in a container of its own."""

from __future__ import annotations

import json

from . import podman
from .lab import Lab
from .supply.build import Supply
from .templates import render

CONFIG = "/etc/haproxy/haproxy.cfg"


def start(lab: Lab, supply: Supply) -> None:
    """Nothing where there is one control plane."""
    if not lab.balancer:
        return
    config = lab.folder / "haproxy.cfg"
    config.write_text(render("balancer/haproxy.cfg.j2", lab=lab))
    podman.start(
        lab.name,
        lab.container("lb"),
        supply.mirror_image,
        f"--network={lab.network}",
        f"--ip={lab.balancer}",
        "--hostname=lb",
        "--restart=always",
        f"--volume={config}:{CONFIG}:ro",
        f"--entrypoint={json.dumps(['haproxy', '-W', '-f', CONFIG])}",
    )
