# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A restore as the controller sees it: all hosts' answers, one plan of them, what forbids it, how far it is.

PRIVATE to the collection: may change at any time.
"""
