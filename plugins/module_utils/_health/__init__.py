# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Is the cluster well, or at least as well as it was before?

Pure, on plain dicts as the API sends them: nodes, workloads, pods (what is ill), baseline (what got worse).
``checks`` knows them all by name, ``look`` reads what they need, ``examine`` asks until all is well or time is over.

PRIVATE to the collection: may change at any time.
"""
