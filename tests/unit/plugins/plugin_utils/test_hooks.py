# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._hooks import KINDS, STAGES, faults, lines, shown
from hypothesis import given
from hypothesis import strategies as st

SECRET = "hunter2"
COMMAND = {"name": "pool", "when": "before_drain", "command": ["pool", "leave", SECRET]}
URL = {
    "name": "silence",
    "when": "after",
    "url": {"url": f"https://ops:{SECRET}@alerts.example/api?t={SECRET}", "headers": {"Authorization": SECRET}},
}


@pytest.fixture
def tasks(tmp_path: pathlib.Path) -> dict[str, t.Any]:
    file = tmp_path / "tasks.yml"
    file.write_text("[]")
    return {"name": "tasks", "when": "after_drain", "tasks": str(file)}


def test_hooks_that_can_be_run(tasks: dict[str, t.Any]) -> None:
    hooks = [COMMAND, {**COMMAND, "on": "node", "timeout": 5, "when": "before_uncordon"}, URL, tasks]
    assert faults(hooks) == []
    assert lines(hooks) == [
        "  before_drain: pool (command)",
        "  after_drain: tasks (tasks)",
        "  before_uncordon: pool (command on the node)",
        "  after: silence (url)",
    ]
    assert faults([]) == lines([]) == []


@pytest.mark.parametrize(
    ("hook", "fault"),
    [
        ("pool leave", "hook 1 is no mapping with name, when and one of command, url and tasks"),
        ({**COMMAND, "name": ""}, "hook 1: name is missing"),
        ({**COMMAND, "wehn": "after"}, 'hook "pool": unknown key wehn; a hook has name, when, command,'),
        ({**COMMAND, "when": "drain"}, 'hook "pool": when is drain; it has to be one of before_drain, after_drain,'),
        ({"name": "pool", "command": ["true"]}, 'hook "pool": when is missing; it has to be one of before_drain'),
        ({**COMMAND, "url": URL["url"]}, 'hook "pool": has command and url; it needs exactly one of command, url and'),
        ({"name": "pool", "when": "after"}, 'hook "pool": has nothing to do; it needs exactly one of'),
        ({**COMMAND, "command": f"pool {SECRET}"}, 'hook "pool": command has to be a list of words, the program first'),
        ({**COMMAND, "command": []}, 'hook "pool": command has to be a list of words'),
        ({**COMMAND, "command": ["pool", {"x": SECRET}]}, 'hook "pool": command has a word that is no text; quote it'),
        ({**COMMAND, "on": "w1"}, 'hook "pool": on is w1; it has to be one of controller, node'),
        ({**COMMAND, "timeout": 0}, 'hook "pool": timeout has to be a whole number of seconds'),
        ({**COMMAND, "timeout": True}, 'hook "pool": timeout has to be a whole number of seconds'),
        ({**URL, "on": "node"}, 'hook "silence": on is only for command'),
        ({**URL, "url": f"https://{SECRET}"}, 'hook "silence": url has to be a mapping of url, method,'),
        ({**URL, "url": {"url": f"ftp://{SECRET}"}}, 'hook "silence": url.url is no address that begins with https://'),
        ({**URL, "url": {"url": f"https://[{SECRET}"}}, 'hook "silence": url.url is no address'),
        ({**URL, "url": {**URL["url"], "methode": "GET"}}, 'hook "silence": unknown key url.methode; it has url, met'),
        ({**URL, "url": {**URL["url"], "headers": SECRET}}, 'hook "silence": url.headers has to be a mapping'),
        ({**URL, "url": {**URL["url"], "status_code": "ok"}}, 'hook "silence": url.status_code has to be a number'),
        ({"name": "x", "when": "after", "tasks": "no/such.yml"}, 'hook "x": tasks: there is no file /'),
        ({"name": "x", "when": "after", "tasks": ["a"]}, 'hook "x": tasks has to be the path of a file'),
    ],
)
def test_a_fault_names_the_hook_and_the_key_and_no_secret(hook: t.Any, fault: str) -> None:
    found = faults([hook])
    assert [text for text in found if text.startswith(fault)], found
    assert SECRET not in str(found)


def test_all_faults_are_told(tasks: dict[str, t.Any]) -> None:
    assert len(faults([{**tasks, "on": "node", "timeout": 3, "when": "x"}, {**COMMAND, "command": ""}])) == 4
    assert faults({"name": "x"}) == ["node_hooks is no list of hooks"]


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        (URL["url"]["url"], "https://alerts.example/api"),
        ("http://127.0.0.1:8080/a/b#x", "http://127.0.0.1:8080/a/b"),
        ("https://[::1]:9093", "https://[::1]:9093"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(address: str, plain: str) -> None:
    assert shown(address) == plain


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["name", "when", "on", "timeout", *KINDS]) | st.text(max_size=5), ANYTHING))
def test_whatever_somebody_writes_is_refused_or_can_be_listed(hook: dict[str, t.Any]) -> None:
    if not faults([hook]):
        assert hook["when"] in STAGES
        assert len(lines([hook])) == 1
