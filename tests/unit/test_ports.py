# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import concurrent.futures
import pathlib
import socket

import pytest
from ansible_collections.kubeops.maintenance.tests.ports import FIRST, LAST, free_ports


def test_nobody_is_given_anothers_port(tmp_path: pathlib.Path) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as askers:
        asked = [askers.submit(free_ports, 3, tmp_path / "turn") for _asker in range(100)]
    given = [port for one in asked for port in one.result()]
    assert len(set(given)) == 300
    assert all(FIRST <= port <= LAST for port in given)


def test_one_that_somebody_listens_on_is_passed_over(tmp_path: pathlib.Path) -> None:
    (port,) = free_ports(1)
    turn = tmp_path / "turn"
    turn.write_text(str(port - 1))
    with socket.create_server(("127.0.0.1", port)):
        assert port not in free_ports(2, turn)


def test_after_the_last_comes_the_first(tmp_path: pathlib.Path) -> None:
    turn = tmp_path / "turn"
    turn.write_text(str(LAST))
    assert FIRST <= free_ports(1, turn)[0] < FIRST + 1000


def test_a_range_that_is_used_up_is_told(tmp_path: pathlib.Path) -> None:
    with pytest.raises(OSError, match="fewer than 20000 free ports"):
        free_ports(20000, tmp_path / "turn")
