# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that several modules have, as the doc fragment _etcd describes them.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

Spec = dict[str, t.Any]

MANIFESTS: Spec = {"manifest_dir": {"type": "path", "default": "/etc/kubernetes/manifests"}}
DIRECTORY: Spec = {"dir": {"type": "path", "default": "/var/backups/kubeops/etcd"}}
LOCK: Spec = {"lock_timeout": {"type": "int", "default": 120}}
