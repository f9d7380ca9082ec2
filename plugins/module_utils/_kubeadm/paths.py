# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where kubeadm keeps things. ``root`` is / but in tests.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import dataclasses
import pathlib


@dataclasses.dataclass(frozen=True)
class Paths:
    root: str = "/"
    manifest_dir: str = "/etc/kubernetes/manifests"

    def at(self, path: str) -> pathlib.Path:
        return pathlib.Path(self.root) / path.lstrip("/")

    @property
    def manifests(self) -> pathlib.Path:
        return self.at(self.manifest_dir)

    def manifest(self, component: str) -> pathlib.Path:
        return self.manifests / f"{component}.yaml"

    @property
    def tmp(self) -> pathlib.Path:
        return self.at("/etc/kubernetes/tmp")

    @property
    def admin_conf(self) -> pathlib.Path:
        return self.at("/etc/kubernetes/admin.conf")

    @property
    def cluster_ca(self) -> pathlib.Path:
        """kubeadm puts it on every node, workers too."""
        return self.at("/etc/kubernetes/pki/ca.crt")

    @property
    def kubelet_conf(self) -> pathlib.Path:
        return self.at("/etc/kubernetes/kubelet.conf")

    @property
    def kubelet_dir(self) -> pathlib.Path:
        return self.at("/var/lib/kubelet")

    def unfinished(self) -> list[pathlib.Path]:
        """kubeadm removes this directory when its control plane phase succeeds, and only then."""
        return sorted(self.tmp.glob("kubeadm-upgraded-manifests*"))
