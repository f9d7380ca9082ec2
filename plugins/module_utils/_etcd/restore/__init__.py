# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of etcd brought back to a snapshot: prepared beside the old data, exchanged, proven, and undone.

PRIVATE to the collection: may change at any time.
"""
