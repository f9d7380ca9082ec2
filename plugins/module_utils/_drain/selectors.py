# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Label selectors as people write them: ``app=web,tier in (a,b),!canary``.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import re
import typing as t

from .._errors import MaintenanceError

_KEY = r"(?P<key>(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?/)?[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
_VALUE = r"(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)?"
_FORMS = tuple(
    re.compile(rf"\s*{form}\s*")
    for form in (
        rf"{_KEY}\s*(?P<operator>==|=|!=)\s*(?P<values>{_VALUE})",
        rf"{_KEY}\s+(?P<operator>in|notin)\s*\((?P<values>\s*{_VALUE}\s*(?:,\s*{_VALUE}\s*)*)\)",
        rf"(?P<operator>!?)\s*{_KEY}(?P<values>)",
    )
)
_OPERATORS = {"=": "In", "==": "In", "in": "In", "!=": "NotIn", "notin": "NotIn", "": "Exists", "!": "DoesNotExist"}


def parse(text: str) -> dict[str, t.Any]:
    """The same as the API has it in objects."""
    # A comma in parentheses separates values.
    return {"matchExpressions": [_requirement(part, text) for part in re.split(r",(?![^()]*\))", text)]}


def _requirement(part: str, text: str) -> dict[str, t.Any]:
    for form in _FORMS:
        found = form.fullmatch(part)
        if found:
            operator = _OPERATORS[found["operator"]]
            values = [value.strip() for value in found["values"].split(",")]
            return {"key": found["key"], "operator": operator, "values": values if "In" in operator else []}
    raise MaintenanceError(
        f"{text!r} is no label selector: {part.strip()!r} is not one of KEY=VALUE, KEY!=VALUE, KEY in (A,B),"
        " KEY notin (A,B), KEY, !KEY"
    )
