# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a sidecar has to look like, wherever it comes from.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t

# A field may be missing, or null. What is only compared and printed is compared and printed.
_SHAPE: t.Mapping[str, t.Any] = {
    **dict.fromkeys(("size", "rows"), int),
    **dict.fromkeys(("archive", "control_plane_archive", "tools", "damaged"), dict),
    "copies": list,
}


def is_one(content: t.Any) -> bool:
    """Whether it has the shape that everybody takes for granted: a single one that has not must not stop the others."""
    return (
        isinstance(content, dict)
        and all(isinstance(content[name], kind) for name, kind in _SHAPE.items() if content.get(name) is not None)
        and all(isinstance(one, dict) for one in content.get("copies") or ())
    )
