# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One member of etcd and its cluster: where it is, what it says of itself, how well it is, who may work on it.

PRIVATE to the collection: may change at any time.
"""
