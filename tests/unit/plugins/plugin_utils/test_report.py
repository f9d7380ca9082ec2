# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._report import row, seconds, table

WORKER = {"control_plane": False, "kubelet": True}
BOTH = {"control_plane": True, "kubelet": True}
NOTHING = {"control_plane": False, "kubelet": False}
PLANNED = {
    "node_name": "w1",
    "from": "1.36.4",
    "to": "1.37.1",
    "steps": [{"component": "kubelet"}],
    "drain": True,
    "parts": WORKER,
}
DRAINED = {"durations": {"total": 12.4}}
DONE = {"drained_result": DRAINED, "turn_done": ["kubelet"], "turn_seconds": "42.4"}


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0, "0s"), (12.4, "12s"), (59.6, "1m00s"), (75.2, "1m15s"), (3600, "60m00s")]
)
def test_seconds(value, text):
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("planned", "left", "result", "drained", "total"),
    [
        ({}, {}, "not reached", None, None),
        ({"steps": [], "parts": NOTHING}, {}, "nothing to do", None, None),
        ({}, DONE, "upgraded", 12.4, 42.4),
        ({"steps": []}, DONE, "finished what an earlier run left", 12.4, 42.4),
        ({"drain": False}, DONE, "upgraded", None, 42.4),
        ({"parts": BOTH}, {}, "not reached", None, None),
        (
            {"parts": BOTH},
            {"turn_done": ["control_plane"], "turn_seconds": 90.0},
            "control plane upgraded, kubelet not reached",
            None,
            90,
        ),
        ({"parts": BOTH}, {**DONE, "turn_done": ["control_plane", "kubelet"]}, "upgraded", 12.4, 42.4),
        (
            {"parts": {"control_plane": True, "kubelet": False}},
            {"turn_done": ["control_plane"]},
            "upgraded",
            None,
            None,
        ),
        (
            {"parts": BOTH},
            {"turn_seconds": 90, "report_seconds": 10, "report_failure": "no room", "drained_result": DRAINED},
            "FAILED: no room",
            12.4,
            100,
        ),
        ({}, {"report_failure": "word " * 40}, "FAILED: " + "word " * 11 + "...", None, None),
    ],
)
def test_row(planned, left, result, drained, total):
    made = row({**PLANNED, **planned}, left)
    assert (made["result"], made["drained_seconds"], made["total_seconds"]) == (result, drained, total)
    assert (made["node"], made["from"], made["to"]) == ("w1", "1.36.4", "1.37.1")


def test_table_is_aligned():
    lines = table(
        [
            row(PLANNED, DONE),
            row({**PLANNED, "node_name": "control-plane-1"}, {}),
        ]
    )
    assert lines == [
        "node             from    to      drained in  total  result",
        "w1               1.36.4  1.37.1  12s         42s    upgraded",
        "control-plane-1  1.36.4  1.37.1  -           -      not reached",
    ]
