# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Environment files of a unit as systemd reads them, which is not as a shell does.

Quotes count only where a value begins, or right after another part in quotes. ``#`` and ``;`` begin a comment only
where a line begins. Nothing is expanded.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import re

_QUOTED = r"""[ \t]*(?:'(?P<single>[^']*)'|"(?P<double>(?:\\.|[^"\\])*)")"""
_LINE = re.compile(
    r"[ \t]*(?:[#;](?:\\.|[^\\\n])*|(?P<name>[A-Za-z_]\w*)[ \t]*=(?P<value>(?:"
    + re.sub(r"\?P<\w+>", "?:", _QUOTED)
    + r")*(?:\\.|[^\\\n])*)|[^\n]*)(?:\n|\Z)",
    re.DOTALL | re.ASCII,
)
_PART = re.compile(_QUOTED, re.DOTALL)


def parse(text: str) -> dict[str, str]:
    return {line["name"]: _value(line["value"]) for line in _LINE.finditer(text) if line["name"]}


def _value(text: str) -> str:
    value = ""
    part = _PART.match(text)
    while part:
        value += _unescaped(part["double"], '\\\\"$`\n') if part["single"] is None else part["single"]
        text = text[part.end() :]
        part = _PART.match(text)
    return value + _unescaped(text.strip(" \t"), "")


def _unescaped(text: str, special: str) -> str:
    """Without the backslashes before ``special`` characters, or before any where none are named; and without the line
    breaks that they join.
    """
    pattern = re.compile(rf"\\([{special}])" if special else r"\\(.)", re.DOTALL)
    return pattern.sub(lambda found: found[1].strip("\n"), text)
