# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Taking a node out of work and giving it back.

Pure, on plain dicts as the API sends them: pods, filters, selectors, budgets, forecast, duration, order, pacing, way,
late, volumes, replies, explain, unready, ownership.
Acting: procedure (a call), node_work (one of its nodes), survey (what is read beforehand), batch (nodes that are
emptied at once), eviction (the loop that does it), looks (when it looks again), asking and news (what it sends and
hears), detach.
Telling: progress (while it works), report (the result). In elsewhere/: whether pods find room on other nodes.

PRIVATE to the collection: may change at any time.
"""
