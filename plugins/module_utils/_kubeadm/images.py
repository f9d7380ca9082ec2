# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images the installed kubeadm brings along.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

from .._errors import MaintenanceError
from . import versions
from .commands import Commands
from .versions import Version


def kubeadm_version(commands: Commands) -> t.Optional[Version]:
    """None where there is no kubeadm."""
    try:
        said = commands.run("kubeadm", "version", "--output=short")
    except OSError:
        return None
    return versions.find(said.out) if said.ok else None


def wanted(commands: Commands) -> t.Optional[dict[str, str]]:
    """``{"kubeadm": "1.37.1", "etcd": "3.7.0-0", "coredns": "v1.14.6", "pause": "3.10.2"}``; asks no network."""
    version = kubeadm_version(commands)
    if version is None:
        return None
    listed = commands.need("kubeadm", "config", "images", "list", f"--kubernetes-version={version.tag}")
    tags = {image.rsplit("/", 1)[-1].partition(":")[0]: versions.tag(image) for image in listed.split()}
    try:
        return {"kubeadm": str(version), **{name: tags[name] for name in ("etcd", "coredns", "pause")}}
    except KeyError as error:
        raise MaintenanceError(f"kubeadm config images list names no image for {error}: {listed.strip()}") from error
