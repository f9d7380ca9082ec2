# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keys an EncryptionConfiguration names. Nodes have no YAML parser, so its lines are read, or it is JSON.

Where a line is written in a way that lines do not tell (flow style, anchors, blocks), that is said instead of guessed.
Secrets of keys are never looked at.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import json
import re
import typing as t

from ..member import state

PROVIDERS = ("aescbc", "aesgcm", "kms", "secretbox")
_LINE = re.compile(r"^\s*(?:-\s+)*([A-Za-z]\w*):(?:\s+(.*?))?\s*$")
_PLAIN = re.compile(r"""(?:"([^"\\]*)"|'([^']*)'|([^\s"'&*!|>{}\[\]%@`#,][^"'{}\[\]#]*?))\s*(?:#.*)?$""")
_RESOURCE = re.compile(r"""\s*-\s+(?:[\w.*/-]+|'[^']*'|"[^"]*")\s*(?:#.*)?""")
# Lists of resources may be written as they like, and so may what has neither keys nor names in it.
_HARMLESS = re.compile(r"^\s*(?:-\s+)*(?:resources:\s*\[[^\]{}]*\]|identity:\s*\{\s*\})\s*(?:#.*)?$")

Key = tuple[str, str]


def keys(text: str) -> t.Optional[set[Key]]:
    """(provider, name) of each key, None where it cannot be told."""
    if text.lstrip().startswith("{"):
        return _of_json(text)
    found: set[Key] = set()
    provider = ""
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#") or line.strip() in ("---", "-") or _HARMLESS.match(line):
            continue
        matched = _LINE.match(line)
        if not matched:
            if _RESOURCE.fullmatch(line):
                continue
            return None
        name, value = matched[1], (matched[2] or "").partition(" #")[0].strip()
        if name in (*PROVIDERS, "identity"):
            provider = name
        if name == "name":
            plain = _PLAIN.match(value)
            if not plain or not provider:
                return None
            found.add((provider, next(part for part in plain.groups() if part is not None)))
        elif value.startswith(("{", "[", "&", "*", "|", ">", "!", "<")) and name != "secret":
            return None
    return found


def _of_json(text: str) -> t.Optional[set[Key]]:
    try:
        return {
            (provider, str(key["name"]))
            for one in json.loads(text)["resources"]
            for entry in one["providers"]
            for provider, settings in entry.items()
            if provider in PROVIDERS
            for key in ([settings] if provider == "kms" else settings["keys"])
        }
    except state.MALFORMED:
        return None
