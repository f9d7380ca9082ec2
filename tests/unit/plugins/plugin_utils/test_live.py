# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a task is given a pipe, beside Ansible's own way to run a module."""

from __future__ import annotations

import importlib
import sys
import types

import ansible
import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._channel import VARIABLE

LIVE = "ansible_collections.kubeops.maintenance.plugins.plugin_utils._live"
GIVEN = [{"GIVEN": "by the task"}]


class Normal:
    """In the place of Ansible's."""

    def __init__(self, transport="local", works=lambda: None, **task):
        self._task = types.SimpleNamespace(**{"no_log": False, "async_val": 0, "environment": GIVEN, **task})
        self._connection = types.SimpleNamespace(transport=transport)
        self._works = works

    def run(self, tmp=None, task_vars=None):
        self.started_with = self._task.environment
        self._works()
        return {"changed": True}


@pytest.fixture
def live(monkeypatch, tmp_path):
    """The module, without the rest of the controller: where that is loaded, modules behave in another way."""
    constants = types.SimpleNamespace(DEFAULT_LOCAL_TMP=str(tmp_path), DEFAULT_STDOUT_CALLBACK="default")
    display = types.SimpleNamespace(Display=lambda: types.SimpleNamespace(display=print))
    monkeypatch.setattr(ansible, "constants", constants, raising=False)
    monkeypatch.setitem(sys.modules, "ansible.plugins.action.normal", types.SimpleNamespace(ActionModule=Normal))
    monkeypatch.setitem(sys.modules, "ansible.utils.display", display)
    monkeypatch.delitem(sys.modules, LIVE, raising=False)
    yield importlib.import_module(LIVE)
    del sys.modules[LIVE]


def test_the_pipe_is_named_in_the_environment_of_the_module_only(live):
    action = live.LiveAction()
    assert action.run() == {"changed": True}
    assert action.started_with[:-1] == GIVEN
    assert list(action.started_with[-1]) == [VARIABLE]
    assert action._task.environment == GIVEN


def test_the_environment_is_the_tasks_again_after_a_failure(live):
    def fail():
        raise ConnectionError

    action = live.LiveAction(works=fail, environment=None)
    with pytest.raises(ConnectionError):
        action.run()
    assert list(action.started_with[0]) == [VARIABLE]
    assert action._task.environment is None


@pytest.mark.parametrize(
    ("task", "callback"),
    [
        ({"no_log": True}, "default"),
        ({"async_val": 60}, "default"),
        ({"transport": "ssh"}, "default"),
        ({}, "ansible.posix.json"),
        ({}, "ansible.posix.jsonl"),
    ],
)
def test_where_nobody_may_or_can_hear_there_is_no_pipe(live, task, callback):
    live.C.DEFAULT_STDOUT_CALLBACK = callback
    action = live.LiveAction(**task)
    assert action.run() == {"changed": True}
    assert action.started_with == GIVEN


def test_where_no_pipe_can_be_made_the_module_works_without_words(live, monkeypatch):
    monkeypatch.setattr(live.C, "DEFAULT_LOCAL_TMP", "/nowhere")
    action = live.LiveAction()
    assert action.run() == {"changed": True}
    assert action.started_with == GIVEN


def test_a_result_that_nobody_takes_is_a_small_one(live, monkeypatch):
    monkeypatch.setattr(live.parents, "watch", lambda: lambda: True)
    assert live.LiveAction().run() == {"failed": True, "msg": "ansible-playbook is gone"}
