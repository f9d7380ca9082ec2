# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a service of systemd 252 had in its environment with each of these lines in its file."""

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.module_utils._etcd.member.environment_file import parse
from hypothesis import given
from hypothesis import strategies as st

READ_BY_SYSTEMD = [
    ("A=plain", "plain"),
    ('A="double quoted"  ', "double quoted"),
    ("A='single quoted'", "single quoted"),
    ("A=unquoted with spaces   ", "unquoted with spaces"),
    ("A=it's", "it's"),
    ("""A="a"b'c'""", "ab'c'"),
    ("A=back\\slash", "backslash"),
    ("A=cont\\\ninued", "continued"),
    ('A="multi\nline"', "multi\nline"),
    ("A=val #not comment", "val #not comment"),
    ("  A=indented", "indented"),
    ("A = spaced", "spaced"),
    ("A=dollar$A", "dollar$A"),
    ('A="esc \\"q\\" \\$A \\\\ \\n"', 'esc "q" $A \\ \\n'),
    ("A='single \\n \"x\"'", 'single \\n "x"'),
    ("A=", ""),
    ('A=x"y z"', 'x"y z"'),
    ("A=a\\ b", "a b"),
]


@pytest.mark.parametrize(("line", "value"), READ_BY_SYSTEMD)
def test_a_line(line: str, value: str) -> None:
    assert parse(line) == {"A": value}


def test_all_lines_together() -> None:
    named = [(line.replace("A", f"A{number}", 1), value) for number, (line, value) in enumerate(READ_BY_SYSTEMD)]
    text = "".join(
        f"# A=comment\n\n; A=too\\\nA=still one\n{line}\nexport B=none\nno assignment\n" for line, _value in named
    )
    assert parse(text) == {f"A{number}": value for number, (_line, value) in enumerate(named)}


def test_the_last_of_a_name_counts() -> None:
    assert parse("A=1\nA=2") == {"A": "2"}


@given(st.text(alphabet="A=\\\"'\n #;x", max_size=60))
def test_whatever_a_file_holds_it_is_read(text: str) -> None:
    assert all(set(name) <= {"A", "x"} for name in parse(text))
