# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tables to print.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import typing as t


def aligned(lines: t.Sequence[t.Sequence[str]]) -> list[str]:
    """Each line's cells under those of the first, the headings."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines]


def mebibytes(number: int) -> str:
    return f"{number / (1 << 20):.1f}"
