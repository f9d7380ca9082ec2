# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.kubeops.maintenance.plugins.plugin_utils._report import row, seconds, table

PLANNED = {"node_name": "w1", "from": "1.36.4", "to": "1.37.1", "steps": [{"component": "kubelet"}], "drain": True}
DRAINED = {"durations": {"total": 12.4}}
KUBELET = {"durations": {"total": 30.0}}


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0, "0s"), (12.4, "12s"), (59.6, "1m00s"), (75.2, "1m15s"), (3600, "60m00s")]
)
def test_seconds(value, text):
    assert seconds(value) == text


@pytest.mark.parametrize(
    ("planned", "left", "result", "drained", "total"),
    [
        (PLANNED, {}, "not reached", None, None),
        ({**PLANNED, "steps": []}, {}, "nothing to do", None, None),
        (PLANNED, {"drained_result": DRAINED, "kubelet_result": KUBELET, "turn_done": True}, "upgraded", 12.4, 42.4),
        (
            PLANNED,
            {"control_plane_result": {"durations": {"total": 90}}},
            "control plane upgraded, kubelet not yet",
            None,
            90,
        ),
        (PLANNED, {"drained_result": DRAINED, "report_failure": "no room"}, "FAILED: no room", 12.4, 12.4),
        (PLANNED, {"report_failure": "word " * 40}, "FAILED: " + "word " * 11 + "...", None, None),
        (
            {**PLANNED, "drain": False},
            {
                "drained_result": {"durations": {"total": 1.0}},
                "kubelet_result": KUBELET,
                "turn_done": True,
            },
            "upgraded",
            None,
            31.0,
        ),
    ],
)
def test_row(planned, left, result, drained, total):
    made = row(planned, left)
    assert (made["result"], made["drained_seconds"], made["total_seconds"]) == (result, drained, total)
    assert (made["node"], made["from"], made["to"]) == ("w1", "1.36.4", "1.37.1")


def test_table_is_aligned():
    lines = table(
        [
            row(PLANNED, {"drained_result": DRAINED, "kubelet_result": KUBELET, "turn_done": True}),
            row({**PLANNED, "node_name": "control-plane-1"}, {}),
        ]
    )
    assert lines == [
        "node             from    to      drained in  total  result",
        "w1               1.36.4  1.37.1  12s         42s    upgraded",
        "control-plane-1  1.36.4  1.37.1  -           -      not reached",
    ]
