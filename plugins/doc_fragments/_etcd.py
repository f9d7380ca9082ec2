# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to the collection: may change at any time.

from __future__ import annotations


class ModuleDocFragment:
    # Options of modules that work on a node with a member of etcd; their specs are in module_utils/_etcd/arguments.py.

    # How the node's member is found.
    MANIFESTS = r"""
options:
  manifest_dir:
    description:
      - The directory of the kubelet's static pod manifests.
    type: path
    default: /etc/kubernetes/manifests
"""

    DIRECTORY = r"""
options:
  dir:
    description:
      - The directory that keeps the snapshots.
    type: path
    default: /var/backups/kubeops/etcd
"""

    LOCK = r"""
options:
  lock_timeout:
    description:
      - Seconds to wait for other maintenance of the same member to end.
    type: int
    default: 120
"""
