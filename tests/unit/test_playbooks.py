# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What plays need to do what they say, whatever the user's ansible.cfg says."""

from __future__ import annotations

from pathlib import Path

import yaml

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"


def test_hosts_that_stop_together_keep_step() -> None:
    """With another strategy nothing is fatal for all, and etcd stops on one host while API servers run on others."""
    plays = [play for path in PLAYBOOKS.glob("*.yml") for play in yaml.safe_load(path.read_text(encoding="utf-8"))]
    together = {play["name"]: play.get("strategy") for play in plays if play.get("any_errors_fatal")}
    assert "Restore etcd on all members at once" in together
    assert set(together.values()) == {"ansible.builtin.linear"}
