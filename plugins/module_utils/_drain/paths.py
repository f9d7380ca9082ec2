# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where the API has what a drain asks for. ``..._OF`` is of one namespace.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

NODES = "/api/v1/nodes"
PODS = "/api/v1/pods"
PODS_OF = "/api/v1/namespaces/{}/pods"
BUDGETS = "/apis/policy/v1/poddisruptionbudgets"
BUDGETS_OF = "/apis/policy/v1/namespaces/{}/poddisruptionbudgets"
DAEMONSETS = "/apis/apps/v1/daemonsets"
ATTACHMENTS = "/apis/storage.k8s.io/v1/volumeattachments"
CLAIM = "/api/v1/namespaces/{}/persistentvolumeclaims/{}"
VOLUME = "/api/v1/persistentvolumes/{}"
