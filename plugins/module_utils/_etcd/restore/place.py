# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""This host's member, found also while what starts it is put aside.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import stat
import typing as t

from ... import _static_pod
from ..._errors import MaintenanceError
from ..member import topology
from ..member.local_member import Access, LocalMember
from .plan import STATIC_POD, SYSTEMD, Here, Owner


def find(manifests: str, unit: str) -> t.Optional[LocalMember]:
    """``unit``: what `unit.show` read."""
    return topology.find(manifests) or topology.find(_static_pod.parked(manifests)) or topology.find(manifests, unit)


def discover(manifests: str, unit: str) -> LocalMember:
    return find(manifests, unit) or topology.discover(manifests, unit)


def here(local: LocalMember, manifests: str) -> Here:
    """Raise MaintenanceError where it cannot be known whom the data belongs to."""
    access = Access(local.endpoint, local.ca_file, local.cert_file, local.key_file)
    # Where its manifest belongs, which is not where it is while it is put aside.
    source = os.path.join(manifests, "etcd.yaml") if local.image else local.source
    managed_by = STATIC_POD if local.image else SYSTEMD
    return Here(
        local.name, local.data_dir, local.peer_urls, owner(local.data_dir), managed_by, source, access, local.listens
    )


def owner(data_dir: str) -> Owner:
    """Of the data that is there, else of the directory for it."""
    # The data directory may be a link, what is renamed in it may not.
    for path, look in ((os.path.join(data_dir, "member"), os.lstat), (data_dir, os.stat)):
        try:
            found = look(path)
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(found.st_mode):
            return Owner(found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))
        raise MaintenanceError(f"{path}: is no directory. Put it right, so that what is restored gets its owner")
    raise MaintenanceError(
        f"{data_dir}: etcd's data directory is not there. Mount its disk; where it is lost, make the directory, empty"
        " and with the owner and mode that etcd needs"
    )
