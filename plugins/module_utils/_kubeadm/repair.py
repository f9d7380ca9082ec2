# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Puts back what a kubeadm that was killed between its two renames has moved away.

Then a manifest is only in kubeadm-backup-manifests-<time>, its component is stopped, and without kube-apiserver.yaml
kubeadm itself takes the node for a worker and skips it without an error.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import pathlib
import shutil

from .cluster import CONTROL_PLANE, ETCD
from .paths import Paths


def moved_away(paths: Paths) -> dict[str, pathlib.Path]:
    """Component and the backup of its manifest, for those that were on their way.

    The new manifest still waits in the directory of the run that did not end: without that sign a missing manifest is
    somebody's decision, for example etcd that moved out of the cluster.
    """
    backups = sorted(paths.tmp.glob("kubeadm-backup-manifests-*"))
    if not backups:
        return {}
    found = {}
    for component in (ETCD, *CONTROL_PLANE):
        backup = backups[-1] / f"{component}.yaml"
        waiting = any((rendered / backup.name).exists() for rendered in paths.unfinished())
        if backup.exists() and waiting and not paths.manifest(component).exists():
            found[component] = backup
    return found


def put_back(paths: Paths, component: str, backup: pathlib.Path) -> None:
    """The backup stays; the kubelet ignores names that begin with a dot, so it never reads half a file."""
    manifest = paths.manifest(component)
    copy = manifest.parent / f".{manifest.name}.kubeops"
    shutil.copy2(backup, copy)
    os.replace(copy, manifest)


def set_aside(path: pathlib.Path) -> pathlib.Path:
    """Rename the directory of a run that did not end: its work is done now."""
    aside = path.with_name(f"unfinished-{path.name}")
    path.rename(aside)
    return aside
