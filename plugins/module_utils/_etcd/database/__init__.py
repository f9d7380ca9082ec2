# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of etcd's database, read without etcd: pages, trees, rows, and what kube-apiserver keeps in them.

PRIVATE to the collection: may change at any time.
"""
