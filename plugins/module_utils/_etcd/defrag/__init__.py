# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Defragmentation: the free space inside a member's file is given back, and the way out of NOSPACE.

PRIVATE to the collection: may change at any time.
"""
