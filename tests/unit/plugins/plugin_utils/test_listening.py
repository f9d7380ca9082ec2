# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The way of a line from a module to the terminal."""

from __future__ import annotations

import os
import types

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._channel import LONGEST, VARIABLE, open_channel
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._listening import listening

MODULE = types.SimpleNamespace(no_log_values={"hunter2"})


@pytest.fixture
def told(monkeypatch, tmp_path):
    """What is shown of these lines of a module."""

    def tell(*lines):
        shown = []
        with listening(shown.append, tmp_path) as path:
            monkeypatch.setenv(VARIABLE, path)
            say = open_channel(MODULE)
            for line in lines:
                say(line)
        return shown

    return tell


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("w1: cordoned", "w1: cordoned"),
        ("w1: naïve — ✓", "w1: naïve — ✓"),
        ("password=hunter2, again hunter2", "password=********, again ********"),
        ("hunter2", "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"),
        ("\x1b[2J\x1b]0;title\x07w1\r: \x9bgone", "[2J ]0;title w1 :  gone"),
        ("x" * 5000, "x" * LONGEST),
    ],
)
def test_lines_arrive_masked_and_harmless(told, line, shown):
    assert told(line) == [shown]


def test_all_lines_arrive_in_order_before_the_end(told):
    lines = [f"line {number}" for number in range(1000)]
    assert told(*lines) == lines


def test_half_a_line_is_not_waited_for(tmp_path):
    shown = []
    with listening(shown.append, tmp_path) as path, open(path, "wb", buffering=0) as pipe:
        pipe.write(b"whole\nha")
    assert shown == ["whole"]


def test_lines_that_cannot_be_shown_are_still_taken(tmp_path):
    taken = []

    def broken(line):
        taken.append(line)
        raise OSError("no space left on device")

    with listening(broken, tmp_path) as path, open(path, "wb", buffering=0) as pipe:
        for _each in range(200):
            pipe.write(b"x" * 1000 + b"\n")
    assert len(taken) == 200


def test_an_empty_line_is_not_the_end(told):
    assert told("before", "", "\n\n", "after") == ["before", "after"]


def test_nothing_is_left_of_it(told, tmp_path):
    told("line")
    assert list(tmp_path.iterdir()) == []


def test_only_its_user_can_reach_the_pipe(tmp_path):
    with listening(print, tmp_path) as path:
        assert os.stat(path).st_mode & 0o777 == 0o600
        assert os.stat(os.path.dirname(path)).st_mode & 0o777 == 0o700


def test_the_environment_of_what_the_module_starts_is_clean(told):
    told("line")
    assert VARIABLE not in os.environ


@pytest.mark.parametrize("path", [None, "", "/nowhere/tell", "."])
def test_without_a_pipe_nobody_listens(monkeypatch, path):
    if path is not None:
        monkeypatch.setenv(VARIABLE, path)
    open_channel(MODULE)("a line that nobody hears")


@pytest.mark.parametrize("reads", [True, False])
def test_nobody_who_does_not_read_makes_it_wait(monkeypatch, tmp_path, reads):
    path = tmp_path / "tell"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    monkeypatch.setenv(VARIABLE, str(path))
    tell = open_channel(MODULE)
    if not reads:
        os.close(reader)
    for _each in range(200):
        tell("x" * LONGEST)
    if reads:
        os.close(reader)
