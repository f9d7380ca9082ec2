# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fixtures of a cluster with several members."""

from ansible_collections.kubeops.maintenance.extensions.molecule.support.several_members import (  # noqa: F401
    members,
    restore,
    snapshot,
    story,
)
