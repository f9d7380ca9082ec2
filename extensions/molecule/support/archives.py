# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives of a control plane's files, opened where the private key is, and compared with the control plane."""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.kubeops.maintenance.tests.lab.process import run

if t.TYPE_CHECKING:
    from pathlib import Path

    from .backups import Folder

# What kubeadm makes on a control plane, and the kubelet's own.
MADE = "/etc/kubernetes/pki /etc/kubernetes/manifests /etc/kubernetes/*.conf /var/lib/kubelet/config.yaml"


def on_the_node(folder: Folder) -> dict[str, str]:
    lines = folder.shell(f"find {MADE} -type f -exec sha256sum {{}} +").splitlines()
    return {path: digest for digest, path in (line.split() for line in lines)}


def missing(there: dict[str, str], restored: Path) -> list[str]:
    """Files of the node that are not in the archive as they are there."""

    def same(path: str, digest: str) -> bool:
        copy = restored / path[1:]
        return copy.is_file() and hashlib.sha256(copy.read_bytes()).hexdigest() == digest

    return [path for path, digest in there.items() if not same(path, digest)]


def unpack(archive: Path, target: Path) -> Path:
    target.mkdir(exist_ok=True)
    run("tar", "-xpf", archive, "-C", target)
    return target


def open_with_age(key: Path, archive: Path, target: Path) -> Path:
    opened = archive.with_name(f"{archive.name}.opened")
    run("age", "-d", "-i", key, "-o", opened, archive)
    return unpack(opened, target)
