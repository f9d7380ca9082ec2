# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hooks around a node as a user writes them: what is wrong with them, and what they are, in lines.

No value of a hook is ever in a line but its name and its stage: addresses, headers and words may be secrets.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import os
import typing as t
import urllib.parse

STAGES = ("before_drain", "after_drain", "before_uncordon", "after")
KINDS = ("command", "url", "tasks")
KEYS = ("name", "when", *KINDS, "on", "timeout")
PLACES = ("controller", "node")
URL_KEYS = (
    "url",
    "method",
    "headers",
    "body",
    "body_format",
    "status_code",
    "ca_path",
    "client_cert",
    "client_key",
)


def faults(hooks: t.Any) -> list[str]:
    """One sentence for each fault, with the hook and the key; empty where all hooks can be run."""
    if not isinstance(hooks, list):
        return ["node_hooks is no list of hooks"]
    return [fault for number, hook in enumerate(hooks, 1) for fault in _faults(hook, number)]


def lines(hooks: t.Sequence[t.Mapping[str, t.Any]]) -> list[str]:
    """One line for each stage that has hooks, in the order of the stages."""
    named = {stage: [f"{hook['name']} ({_kind(hook)})" for hook in hooks if hook["when"] == stage] for stage in STAGES}
    return [f"  {stage}: {', '.join(names)}" for stage, names in named.items() if names]


def shown(address: str) -> str:
    """An address without what may be secret in it: user, query and fragment."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _kind(hook: t.Mapping[str, t.Any]) -> str:
    kind = next(kind for kind in KINDS if kind in hook)
    return f"{kind} on the node" if hook.get("on") == "node" else kind


def _faults(hook: t.Any, number: int) -> t.Iterator[str]:
    if not isinstance(hook, dict):
        yield f"hook {number} is no mapping with name, when and one of {_listed(KINDS)}"
        return
    name = hook.get("name")
    title = f'hook "{name}"' if isinstance(name, str) and name else f"hook {number}"
    if title == f"hook {number}":
        yield f"{title}: name is missing"
    for key in hook:
        if key not in KEYS:
            yield f"{title}: unknown key {key}; a hook has {', '.join(KEYS)}"
    if hook.get("when") not in STAGES:
        yield f"{title}: when is {hook.get('when', 'missing')}; it has to be one of {', '.join(STAGES)}"
    kinds = [kind for kind in KINDS if kind in hook]
    if len(kinds) != 1:
        yield f"{title}: has {' and '.join(kinds) or 'nothing to do'}; it needs exactly one of {_listed(KINDS)}"
    yield from (f"{title}: {fault}" for fault in _options(hook, kinds))
    checks = {"command": _command, "url": _url, "tasks": _tasks}
    yield from (f"{title}: {fault}" for kind in kinds for fault in checks[kind](hook[kind]))


def _options(hook: t.Mapping[str, t.Any], kinds: t.Sequence[str]) -> t.Iterator[str]:
    if "on" in hook:
        if "command" not in kinds:
            yield "on is only for command; a url is called from the controller, tasks say themselves where they run"
        elif hook["on"] not in PLACES:
            yield f"on is {hook['on']}; it has to be one of {', '.join(PLACES)}"
    if "timeout" in hook:
        seconds = hook["timeout"]
        if "tasks" in kinds:
            yield "timeout is only for command and url; tasks have their own"
        elif not isinstance(seconds, int) or isinstance(seconds, bool) or seconds < 1:
            yield "timeout has to be a whole number of seconds, 1 or more"


def _command(words: t.Any) -> t.Iterator[str]:
    if not isinstance(words, list) or not words:
        yield "command has to be a list of words, the program first; no shell reads it"
    elif not all(isinstance(word, (str, int)) for word in words):
        yield "command has a word that is no text; quote it"


def _url(url: t.Any) -> t.Iterator[str]:
    if not isinstance(url, dict):
        yield f"url has to be a mapping of {', '.join(URL_KEYS)}"
        return
    yield from (f"unknown key url.{key}; it has {', '.join(URL_KEYS)}" for key in url if key not in URL_KEYS)
    address = url.get("url")
    if not isinstance(address, str) or not _is_address(address):
        yield "url.url is no address that begins with https:// or http://"
    if "headers" in url and not isinstance(url["headers"], dict):
        yield "url.headers has to be a mapping"
    codes = url.get("status_code", 200)
    if not all(isinstance(code, int) for code in (codes if isinstance(codes, list) else [codes])):
        yield "url.status_code has to be a number or a list of numbers"


def _is_address(text: str) -> bool:
    try:
        return text.startswith(("https://", "http://")) and bool(urllib.parse.urlsplit(text).hostname)
    except ValueError:
        return False


def _tasks(path: t.Any) -> t.Iterator[str]:
    if not isinstance(path, str) or not path:
        yield "tasks has to be the path of a file of tasks"
    elif not os.path.isfile(os.path.expanduser(path)):
        yield f"tasks: there is no file {os.path.abspath(os.path.expanduser(path))} on the controller"


def _listed(words: t.Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"
